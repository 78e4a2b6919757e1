#pragma once
/// The value of a Content-Type field, read strictly (RFC 9110, 8.3; RFC 2045, 5.1).

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {

struct ContentType {
    std::string media_type;  ///< lower case, "application/json"
    /// Decoded; absent when not given.
    std::optional<std::string> boundary;
    /// Lower case; absent when not given.
    std::optional<std::string> charset;
};

/// Nothing for text outside the grammar, for escapes in a quoted string, and for a parameter given
/// twice. Other parameters are checked and left out.
[[nodiscard]] std::optional<ContentType> parse_content_type(std::string_view text);

/// One parameter at the start of `text`, behind its semicolon: `name=token` or
/// `name="quoted string"`. It is removed from `text` with the white space around it; the name comes
/// in lower case, the value decoded. Also the syntax of Content-Disposition (RFC 6266, 4.1).
struct Parameter {
    std::string name;
    std::string value;
    /// A quoted string with a backslash in it: parsers disagree about what that means.
    bool has_escape = false;
};
[[nodiscard]] std::optional<Parameter> take_parameter(std::string_view& text);

/// In ASCII.
[[nodiscard]] bool equals_ignoring_case(std::string_view text,
                                        std::string_view lower_case) noexcept;
[[nodiscard]] std::string lower_case(std::string_view text);
[[nodiscard]] bool is_token(std::string_view text) noexcept;
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

}  // namespace sluicegate::openai
