#include "sluicegate/base/descriptor.hpp"

#include <cerrno>
#include <cstddef>
#include <system_error>
#include <unistd.h>

namespace sluicegate {

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

Failure fail_with_errno(std::string_view step, const std::string& file) {
    const std::string why = std::generic_category().message(errno);
    return fail(ErrorKind::internal, std::string(step) + " " + file + ": " + why);
}

Result<void> write_all(const Descriptor& descriptor, std::string_view bytes,
                       const std::string& file) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_with_errno("cannot write", file);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace sluicegate
