#pragma once
/// Reads the files of a configuration and the files that it names.

#include <cstddef>
#include <string>
#include <string_view>

namespace sluicegate::config {

struct FileText {
    std::string text;
    std::string error;  ///< "": read. Else ends the sentence "cannot be read: …".
};

/// Reads a regular file of at most `bytes_max` bytes. Other kinds are refused, because opening a
/// pipe would wait for its writer.
[[nodiscard]] FileText read_file(const std::string& path, std::size_t bytes_max);

/// "" if `path` is a regular file that can be read; else the reason, as in FileText::error.
[[nodiscard]] std::string why_unreadable(const std::string& path);

/// What others than its owner may do with a file: "every user may read it", …; "" if nothing that
/// they should not. Its group may read it, because the daemon often runs as its group.
[[nodiscard]] std::string who_else_may(const std::string& path);

/// "" if a new file may replace `path`, else the reason. Its folder must be writable, and an
/// existing file must be a readable regular file.
[[nodiscard]] std::string why_unwritable(const std::string& path);

/// `path` if it is absolute, else `path` below `folder`.
[[nodiscard]] std::string resolve_path(const std::string& folder, std::string_view path);

}  // namespace sluicegate::config
