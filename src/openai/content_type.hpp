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

/// Returns nothing for text outside the grammar, for escapes in a quoted string, for an extended
/// parameter, and for a repeated one. Other parameters are checked and ignored.
[[nodiscard]] std::optional<ContentType> parse_content_type(std::string_view text);

/// Takes one parameter from the start of `text`, after its semicolon: `name=token` or `name="quoted
/// string"`. It is removed from `text` with the white space around it. The name becomes lower case,
/// the value is decoded. Content-Disposition has the same syntax (RFC 6266, 4.1).
struct Parameter {
    std::string name;
    std::string value;
    /// A quoted string with a backslash: parsers disagree about its meaning.
    bool has_escape = false;
};
[[nodiscard]] std::optional<Parameter> take_parameter(std::string_view& text);
/// A star in the name encodes or continues a parameter (RFC 2231): `charset*0`, `name*0*`. Some
/// parsers join such pieces to a value that replaces the plain one.
[[nodiscard]] bool is_extended(const Parameter& parameter) noexcept;

/// Compares ASCII letters.
[[nodiscard]] bool equals_ignoring_case(std::string_view text,
                                        std::string_view lower_case) noexcept;
[[nodiscard]] std::string lower_case(std::string_view text);
[[nodiscard]] bool is_token(std::string_view text) noexcept;
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

}  // namespace sluicegate::openai
