#include "app/durable_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace sluicegate::app {
namespace {

std::string folder_of(const std::string& file) {
    const std::string folder = std::filesystem::path(file).parent_path().string();
    return folder.empty() ? "." : folder;
}

/// Whether this user alone could have written it.
Result<void> check_is_ours(const std::string& file, const struct stat& status) {
    const auto refuse = [&file](const std::string& why) {
        return fail(ErrorKind::internal, "cannot use " + file + ": " + why);
    };
    if (S_ISLNK(status.st_mode)) {
        return refuse("it is a symbolic link; give the file that it leads to");
    }
    if (!S_ISREG(status.st_mode)) return refuse("it is not a regular file");
    const uid_t user = ::geteuid();
    if (status.st_uid != user) {
        return refuse("it belongs to user " + std::to_string(status.st_uid) +
                      ", and sluicegate runs as user " + std::to_string(user) +
                      "; change its owner, or move it away");
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return refuse("other users may write to it; see that its content is right, then chmod 600");
    }
    if (status.st_nlink > 1) {
        return refuse("it has " + std::to_string(status.st_nlink) +
                      " names (hard links); remove the others");
    }
    return {};
}

}  // namespace

Result<Descriptor> open_own_file(const std::string& file, int flags) {
    // O_NONBLOCK: a pipe of that name must not hold up the start.
    Descriptor opened(::open(file.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                             S_IRUSR | S_IWUSR));
    struct stat status{};
    if (!opened.is_open()) {
        const int why = errno;
        if (why == ENOENT && (flags & O_CREAT) == 0) return opened;
        // Of a link, a folder or another's file, open() says less than its status does.
        if (::lstat(file.c_str(), &status) == 0) {
            if (auto checked = check_is_ours(file, status); !checked) {
                return std::move(checked).failure();
            }
        }
        errno = why;
        return fail_with_errno("cannot open", file);
    }
    if (::fstat(opened.get(), &status) != 0) return fail_with_errno("cannot read", file);
    if (auto checked = check_is_ours(file, status); !checked) return std::move(checked).failure();
    return opened;
}

Result<void> may_replace(const std::string& file) {
    struct stat status{};
    if (::lstat(file.c_str(), &status) == 0) return check_is_ours(file, status);
    if (errno == ENOENT) return {};
    return fail_with_errno("cannot look at", file);
}

Result<DurableFile> DurableFile::create(const std::string& file) {
    const std::string temporary = file + ".tmp";
    for (const std::string& name : {file, temporary}) {
        if (auto checked = may_replace(name); !checked) return std::move(checked).failure();
    }
    ::unlink(temporary.c_str());  // what an earlier process left
    Descriptor descriptor(::open(temporary.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                                 S_IRUSR | S_IWUSR));
    if (!descriptor.is_open()) return fail_with_errno("cannot create", temporary);
    return DurableFile(file, std::move(descriptor));
}

DurableFile::~DurableFile() {
    if (descriptor_.is_open()) ::unlink(temporary().c_str());
}

Result<void> DurableFile::write(std::string_view bytes) {
    return write_all(descriptor_, bytes, temporary());
}

Result<void> DurableFile::commit() {
    if (::fsync(descriptor_.get()) != 0) return fail_with_errno("cannot sync", temporary());
    if (::rename(temporary().c_str(), file_.c_str()) != 0) {
        return fail_with_errno("cannot rename to", file_);
    }
    descriptor_ = Descriptor();
    // Until the folder is durable, the name may still stand for the old content.
    const std::string folder = folder_of(file_);
    const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.is_open() || ::fsync(opened.get()) != 0) {
        return fail_with_errno("cannot sync", folder);
    }
    return {};
}

Result<std::pair<bool, std::string>> read_file_if_any(const std::string& file,
                                                      std::size_t bytes_max) {
    auto opening = open_own_file(file, O_RDONLY);
    if (!opening) return std::move(opening).failure();
    const Descriptor opened = std::move(*opening);
    if (!opened.is_open()) return std::pair(false, std::string());
    struct stat status{};
    if (::fstat(opened.get(), &status) != 0) return fail_with_errno("cannot read", file);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > bytes_max) return fail(ErrorKind::internal, file + " is too large");
    std::string bytes(size, '\0');
    std::size_t filled = 0;
    while (filled < bytes.size()) {
        const ssize_t got = ::read(opened.get(), bytes.data() + filled, bytes.size() - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_with_errno("cannot read", file);
        if (got == 0) break;
        filled += static_cast<std::size_t>(got);
    }
    bytes.resize(filled);
    return std::pair(true, std::move(bytes));
}

}  // namespace sluicegate::app
