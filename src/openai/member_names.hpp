#pragma once
/// What the names of members say of an upstream's JSON: which are of an answer, and which tell an
/// error.
///
/// Escapes  a name is compared decoded, so that "err\u006fr" is "error".

#include <string_view>

namespace sluicegate::openai {

/// `key`: between its quotes, not decoded.
[[nodiscard]] bool is_named(std::string_view key, std::string_view name);

/// A name in which servers tell errors, in any letter case: error, detail, message, exception.
[[nodiscard]] bool names_error(std::string_view key);

/// Members that answers and their events have. What stands in another one is searched for secrets.
[[nodiscard]] bool is_of_answer(std::string_view key) noexcept;
[[nodiscard]] bool is_of_choice(std::string_view key) noexcept;
[[nodiscard]] bool is_of_message(std::string_view key) noexcept;

/// The value can hold words: a text that is not empty, a list or an object.
[[nodiscard]] constexpr bool holds_words(std::string_view value) noexcept {
    if (value.empty()) return false;
    const char c = value.front();
    return (c == '"' && value != "\"\"") || ((c == '{' || c == '[') && value.size() > 2);
}

}  // namespace sluicegate::openai
