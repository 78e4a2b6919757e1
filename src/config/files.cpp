#include "config/files.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <system_error>
#include <unistd.h>

namespace sluicegate::config {
namespace {

struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

std::string message_of_errno() {
    return std::generic_category().message(errno);
}

struct Opened {
    File file;
    std::string error;
};

Opened open_regular(const std::string& path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (error) return {nullptr, error.message()};
    if (status.type() == std::filesystem::file_type::directory) return {nullptr, "is a directory"};
    if (status.type() != std::filesystem::file_type::regular) {
        return {nullptr, "is not a regular file"};
    }
    File file(std::fopen(path.c_str(), "rbe"));
    if (file == nullptr) return {nullptr, message_of_errno()};
    return {std::move(file), ""};
}

}  // namespace

FileText read_file(const std::string& path, std::size_t bytes_max) {
    const Opened opened = open_regular(path);
    if (opened.file == nullptr) return {"", opened.error};
    std::string text;
    char buffer[16384];
    while (true) {
        const std::size_t size = std::fread(buffer, 1, sizeof buffer, opened.file.get());
        text.append(buffer, size);
        if (text.size() > bytes_max) {
            return {"", "is larger than " + std::to_string(bytes_max) + " bytes"};
        }
        if (size < sizeof buffer) break;
    }
    if (std::ferror(opened.file.get()) != 0) return {"", message_of_errno()};
    return {std::move(text), ""};
}

std::string why_unreadable(const std::string& path) {
    return open_regular(path).error;
}

std::string why_unwritable(const std::string& path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (std::filesystem::exists(status)) {
        const std::string reason = why_unreadable(path);
        if (!reason.empty()) return reason;
    }
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    const std::string folder = parent.empty() ? "." : parent.string();
    if (!std::filesystem::is_directory(folder, error)) return "its folder is not there";
    if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
        return "its folder: " + message_of_errno();
    }
    return "";
}

std::string resolve_path(const std::string& folder, std::string_view path) {
    return (std::filesystem::path(folder) / std::filesystem::path(path)).string();
}

}  // namespace sluicegate::config
