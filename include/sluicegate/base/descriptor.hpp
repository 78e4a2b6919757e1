#pragma once
/// A file descriptor with one owner, and what is done with one in every place alike.

#include "sluicegate/base/result.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace sluicegate {

class Descriptor {
public:
    Descriptor() noexcept = default;
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor();

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

/// `step` of what was done with `file`, and errno's text.
[[nodiscard]] Failure fail_with_errno(std::string_view step, const std::string& file);

/// Writes all of `bytes`. `file` is the name for errors.
[[nodiscard]] Result<void> write_all(const Descriptor& descriptor, std::string_view bytes,
                                     const std::string& file);

}  // namespace sluicegate
