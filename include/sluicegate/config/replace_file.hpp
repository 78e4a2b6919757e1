#pragma once
/// Reads and replaces a file that an admin edits too.

#include "sluicegate/base/result.hpp"

#include <string>
#include <string_view>

namespace sluicegate::config {

/// The text of a file of a configuration. Errors: why it cannot be read.
[[nodiscard]] Result<std::string> file_text(const std::string& file);

/// Gives the file the new text, all at once; mode and owner stay. Calls at the same time, of other
/// processes too, wait for each other. Errors: a file that is no longer as `before`, or that cannot
/// be written; it is unchanged then.
[[nodiscard]] Result<void> replace_file(const std::string& file, std::string_view before,
                                        std::string_view after);

}  // namespace sluicegate::config
