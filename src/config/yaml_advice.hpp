#pragma once
/// Explains why a text is no YAML: a tab, an indentation, or an open quote or bracket.
///
/// yaml-cpp says where it could not go on, which is often far behind the mistake.

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::config {

struct YamlAdvice {
    int line = 0;  ///< from 1
    std::string message;
};

/// `line` and `column` (from 1) are where yaml-cpp stopped, `reason` is what it said.
[[nodiscard]] YamlAdvice advice_on(std::string_view text, int line, int column,
                                   const std::string& reason);

/// The quote that begins at this place, if the text ends before it is closed.
[[nodiscard]] std::optional<YamlAdvice> find_open_quote(std::string_view text, int line,
                                                        int column);

/// Where the first bytes are that are not UTF-8.
[[nodiscard]] std::optional<YamlAdvice> find_broken_utf8(std::string_view text);

}  // namespace sluicegate::config
