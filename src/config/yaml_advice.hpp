#pragma once
/// Explains why a text is no YAML: a tab, an indentation, or an open quote or bracket.
///
/// libyaml says where it could not go on, which is often far behind the mistake.

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::config {

struct YamlAdvice {
    int line = 0;  ///< from 1
    std::string message;
};

/// `line` and `column` (from 1) are where libyaml stopped, `reason` is what it said.
[[nodiscard]] YamlAdvice advice_on(std::string_view text, int line, int column,
                                   const std::string& reason);

/// Where the first bytes are that are not UTF-8.
[[nodiscard]] std::optional<YamlAdvice> find_broken_utf8(std::string_view text);

}  // namespace sluicegate::config
