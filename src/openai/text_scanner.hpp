#pragma once
/// Steps through JSON text of an upstream that may be cut off. It finds what it can, checks nothing
/// and allocates nothing.

#include <string_view>

namespace sluicegate::openai {

class TextScanner {
public:
    explicit TextScanner(std::string_view text) noexcept : rest_(text) {}

    void skip_space() noexcept {
        // There is almost never any.
        while (!rest_.empty() && static_cast<unsigned char>(rest_.front()) <= ' ') {
            rest_.remove_prefix(1);
        }
    }
    /// Steps over `wanted`, and the white space before it, if it comes next.
    bool take(char wanted) noexcept {
        skip_space();
        if (!rest_.starts_with(wanted)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    /// The text between the quotes. If the string is cut off, the text is empty and nothing is
    /// left.
    std::string_view take_string() noexcept;
    /// The bytes of one value, as far as they have come.
    std::string_view take_value() noexcept;
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

private:
    std::string_view rest_;
};

/// The next member of an object; `is_first` tells the brace from the comma before it.
struct TextMember {
    std::string_view key;  ///< between its quotes, not decoded
    std::string_view value;
};

/// Calls `visit` for each member of the object at the start of `json`, until the text ends.
template <class Visit>
void for_each_member(std::string_view json, Visit visit) {
    TextScanner scanner(json);
    if (!scanner.take('{')) return;
    do {
        const std::string_view key = scanner.take_string();
        if (!scanner.take(':')) return;
        visit(TextMember{key, scanner.take_value()});
    } while (scanner.take(','));
}

/// The text between the quotes of a string. "" for any other value.
[[nodiscard]] std::string_view string_text(std::string_view value) noexcept;
[[nodiscard]] bool is_object(std::string_view value) noexcept;

}  // namespace sluicegate::openai
