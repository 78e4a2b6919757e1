#pragma once
/// What is made from the definitions of the command line: completions for shells, the manual page.

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>

namespace sluicegate::cli {

/// The script for "bash", "zsh" or "fish".
[[nodiscard]] std::string completion(const CLI::App& program, std::string_view shell);
/// sluicegate(1), for man.
[[nodiscard]] std::string manual_page(const CLI::App& program);

}  // namespace sluicegate::cli
