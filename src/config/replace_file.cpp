#include "sluicegate/config/replace_file.hpp"

#include "sluicegate/base/descriptor.hpp"

#include "config/files.hpp"
#include "config/sources.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace sluicegate::config {
namespace {

/// A file beside the one that it is to replace. It goes, unless it has taken that one's name.
class NewFile {
public:
    explicit NewFile(std::string name)
        : name_(std::move(name)),
          descriptor_(::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {}
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    ~NewFile() {
        if (descriptor_.is_open() && !is_done_) ::unlink(name_.c_str());
    }

    [[nodiscard]] Result<void> write(std::string_view text, const struct stat& like) const {
        if (!descriptor_.is_open()) return fail_with_errno("cannot make", name_);
        if (auto written = write_all(descriptor_, text, name_); !written) return written;
        const int fd = descriptor_.get();
        struct stat made{};
        if (::fstat(fd, &made) != 0) return fail_with_errno("cannot look at", name_);
        const bool is_others = made.st_uid != like.st_uid || made.st_gid != like.st_gid;
        if (is_others && ::fchown(fd, like.st_uid, like.st_gid) != 0) {
            return fail_with_errno("cannot keep the owner of", name_);
        }
        if (::fchmod(fd, like.st_mode & 07777U) != 0 || ::fsync(fd) != 0) {
            return fail_with_errno("cannot write", name_);
        }
        return {};
    }
    [[nodiscard]] Result<void> take_name(const std::string& file) {
        if (::rename(name_.c_str(), file.c_str()) != 0) {
            return fail_with_errno("cannot replace", file);
        }
        is_done_ = true;
        return {};
    }

private:
    std::string name_;
    Descriptor descriptor_;
    bool is_done_ = false;
};

/// An open folder, locked against others that would replace a file in it in the same way. The file
/// itself cannot carry the lock: its name passes to another one.
Result<Descriptor> lock_folder(const std::string& name) {
    Descriptor folder(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.is_open()) return fail_with_errno("cannot open", name);
    while (::flock(folder.get(), LOCK_EX) != 0) {
        if (errno != EINTR) return fail_with_errno("cannot lock", name);
    }
    return folder;
}

}  // namespace

Result<std::string> file_text(const std::string& file) {
    FileText read = read_file(file, Sources::file_bytes_max);
    if (!read.error.empty()) return fail(ErrorKind::internal, "cannot be read: " + read.error);
    return std::move(read.text);
}

Result<void> replace_file(const std::string& file, std::string_view before,
                          std::string_view after) {
    // What a symbolic link names is replaced, not the link.
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(file.c_str(), nullptr), ::free);
    if (!real) return fail_with_errno("cannot find", file);
    const std::string name(real.get());
    const auto folder = lock_folder(name.substr(0, name.rfind('/') + 1));
    if (!folder) return fail(folder.error().kind, folder.error().detail);
    struct stat now{};
    if (::stat(name.c_str(), &now) != 0) return fail_with_errno("cannot look at", name);
    NewFile made(name + ".new." + std::to_string(::getpid()));
    if (auto written = made.write(after, now); !written) return written;
    auto read = file_text(name);
    if (!read) return std::move(read).failure();
    if (*read != before) return fail(ErrorKind::internal, "has been changed at the same time");
    if (auto replaced = made.take_name(name); !replaced) return replaced;
    ::fsync(folder->get());  // else the name may lead to the old file after a loss of power
    return {};
}

}  // namespace sluicegate::config
