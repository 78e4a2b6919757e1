#pragma once
/// Reading the files that a configuration consists of and names.

#include <cstddef>
#include <string>
#include <string_view>

namespace sluicegate::config {

struct FileText {
    std::string text;
    std::string error;  ///< "": read. Else ends the sentence "cannot be read: …".
};

/// The whole of a regular file of at most `bytes_max` bytes. Other kinds are refused: opening a
/// pipe would wait for its writer.
[[nodiscard]] FileText read_file(const std::string& path, std::size_t bytes_max);

/// "" when `path` is a regular file that may be read; else why not, as in FileText::error.
[[nodiscard]] std::string why_unreadable(const std::string& path);

/// "" when `path` may be written by putting a new file in its place: its folder is there and
/// writable, and what has the name already, if anything, is a regular file that may be read; else
/// why not.
[[nodiscard]] std::string why_unwritable(const std::string& path);

/// `path` itself when it is absolute, else below `folder`.
[[nodiscard]] std::string resolve_path(const std::string& folder, std::string_view path);

}  // namespace sluicegate::config
