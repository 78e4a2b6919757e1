#include "app/durable_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace sluicegate::app {
namespace {

std::string folder_of(const std::string& file) {
    const std::string folder = std::filesystem::path(file).parent_path().string();
    return folder.empty() ? "." : folder;
}

}  // namespace

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

Failure fail_with_errno(std::string_view step, const std::string& file) {
    const std::string why = std::generic_category().message(errno);
    return fail(ErrorKind::internal, std::string(step) + " " + file + ": " + why);
}

Result<DurableFile> DurableFile::create(const std::string& file) {
    const std::string temporary = file + ".tmp";
    // What an earlier process left there may be anybody's.
    ::unlink(temporary.c_str());
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
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor_.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_with_errno("cannot write", temporary());
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
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
    const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!opened.is_open()) {
        if (errno == ENOENT) return std::pair(false, std::string());
        return fail_with_errno("cannot open", file);
    }
    struct stat status{};
    if (::fstat(opened.get(), &status) != 0) return fail_with_errno("cannot read", file);
    if (!S_ISREG(status.st_mode)) return fail(ErrorKind::internal, file + " is not a file");
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
