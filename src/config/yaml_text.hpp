#pragma once
/// Writes a text so that YAML reads the same text.

#include <string>
#include <string_view>

namespace sluicegate::config {

/// In double quotes, on one line.
[[nodiscard]] std::string double_quoted(std::string_view text);
/// As it is, where YAML takes it for the same text, in brackets too; else in quotes.
[[nodiscard]] std::string plain_or_quoted(std::string_view text);

}  // namespace sluicegate::config
