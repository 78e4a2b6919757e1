#include "config/files.hpp"

#include <array>
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
    // A buffer of the file would keep the secrets that are read.
    static_cast<void>(std::setvbuf(file.get(), nullptr, _IONBF, 0));
    return {std::move(file), ""};
}

}  // namespace

FileText read_file(const std::string& path, std::size_t bytes_max) {
    const Opened opened = open_regular(path);
    if (opened.file == nullptr) return {"", opened.error};
    std::string text;
    const auto buffer = std::make_unique<std::array<char, 16384>>();
    while (true) {
        const std::size_t size = std::fread(buffer->data(), 1, buffer->size(), opened.file.get());
        text.append(buffer->data(), size);
        if (text.size() > bytes_max) {
            return {"", "is larger than " + std::to_string(bytes_max) + " bytes"};
        }
        if (size < buffer->size()) break;
    }
    if (std::ferror(opened.file.get()) != 0) return {"", message_of_errno()};
    return {std::move(text), ""};
}

std::string why_unreadable(const std::string& path) {
    return open_regular(path).error;
}

std::string who_else_may(const std::string& path) {
    using std::filesystem::perms;
    std::error_code error;
    const perms allowed = std::filesystem::status(path, error).permissions();
    if (error) return "";
    const auto may = [allowed](perms who) { return (allowed & who) != perms::none; };
    if (may(perms::others_write)) return "every user may write to it";
    if (may(perms::others_read)) return "every user may read it";
    if (may(perms::group_write)) return "its group may write to it";
    return "";
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
