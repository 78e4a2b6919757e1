#pragma once
/// Steps through a JSON text token by token and checks its whole grammar, in one pass and without
/// building a tree.
///
/// Errors  the first fault stops the cursor: failed() is true, and offset() says where. A text is
///         valid only if the cursor reached its end.
/// Bounds  json_depth_max levels.

#include "sluicegate/openai/inspect_request.hpp"

#include "openai/byte_search.hpp"

#include <bitset>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluicegate::openai {

class PromptTally;

class JsonCursor {
public:
    /// The state of one object or array that the cursor has entered.
    struct Container {
        bool is_entered = false;
    };

    /// Views must stay valid; `starts` is index_tokens(text).
    JsonCursor(std::string_view text, std::span<const std::uint32_t> starts) noexcept
        : text_(text), starts_(starts) {}

    /// The first byte of the next token; NUL after the last.
    [[nodiscard]] char peek() const noexcept {
        return next_ < starts_.size() ? text_[starts_[next_]] : '\0';
    }
    [[nodiscard]] bool at_end() const noexcept { return next_ == starts_.size(); }

    /// The offset of the next token; the size of the text after the last.
    [[nodiscard]] std::size_t offset() const noexcept {
        return next_ < starts_.size() ? starts_[next_] : text_.size();
    }
    /// The offset after the bracket that closed the object, once next_member() has returned false.
    [[nodiscard]] std::size_t previous_end() const noexcept { return starts_[next_ - 1] + 1; }

    /// Steps to the next member of the object at the cursor (with a new `container`) or of one that
    /// was entered before. True: `raw_key` is the key without its quotes, with valid escapes; the
    /// caller must take the value, which is next. False: the object has ended, or the cursor
    /// failed.
    bool next_member(Container& container, std::string_view& raw_key) noexcept;

    /// The same for an array: the caller must take the element, which is next.
    bool next_element(Container& container) noexcept;

    /// Steps over one value of any kind. Returns its bytes without white space at the end.
    ByteRange take_value() noexcept;

    /// The same, and adds what it contains to `tally`.
    ByteRange take_value(PromptTally& tally);

    /// Shows `tally` a key that the caller has stepped over, and what its value begins with.
    void show_reference(std::string_view raw_key, PromptTally& tally) const;

    /// Fails if anything but white space follows.
    void take_end() noexcept {
        if (!failed_ && !at_end()) fault();
    }

    /// After a failure offset() is that of the wrong token, or the text's size if a token is
    /// missing.
    [[nodiscard]] bool failed() const noexcept { return failed_; }

private:
    enum class Escapes : bool { complete, valid };  ///< what json_text.hpp calls them

    template <class Visitor>
    ByteRange walk(Visitor& visitor);
    template <class Visitor>
    void show_key(Visitor& visitor, std::string_view raw) const;
    [[nodiscard]] char peek_inside() const noexcept {
        return next_ + 1 < starts_.size() ? text_[starts_[next_ + 1]] : '\0';
    }
    [[nodiscard]] std::string_view token() const noexcept {
        const std::size_t begin = starts_[next_];
        const std::size_t end = next_ + 1 < starts_.size() ? starts_[next_ + 1] : text_.size();
        return without_space_behind({text_.data() + begin, end - begin});
    }
    template <Escapes escapes>
    bool take_string(std::string_view& raw) noexcept;
    [[nodiscard]] bool has_backslash(std::size_t size) noexcept;
    bool take(char wanted) noexcept;
    bool take_other_scalar(std::size_t& end) noexcept;
    bool open(bool is_object) noexcept;
    std::size_t close() noexcept;
    [[nodiscard]] char closing_bracket() const noexcept { return objects_[depth_ - 1] ? '}' : ']'; }
    bool take_key(std::string_view& raw) noexcept;
    bool enter(Container& container, bool is_object) noexcept;
    bool fault() noexcept {
        failed_ = true;
        return false;
    }

    std::string_view text_;
    std::span<const std::uint32_t> starts_;
    std::size_t next_ = 0;
    std::size_t depth_ = 0;
    /// The first backslash from some token on; the text's size if there is none.
    std::size_t backslash_ = 0;
    std::bitset<json_depth_max> objects_;  // by level: an object, not an array
    bool failed_ = false;
};

}  // namespace sluicegate::openai
