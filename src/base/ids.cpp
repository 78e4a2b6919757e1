#include "sluicegate/base/ids.hpp"

#include <cerrno>
#include <exception>
#include <span>
#include <sys/random.h>

namespace sluicegate {
namespace {

/// Fails only on a kernel without getrandom(2), older than any that can run the daemon.
void fill_with_random_bytes(std::span<unsigned char> bytes) noexcept {
    while (!bytes.empty()) {
        const ssize_t size = ::getrandom(bytes.data(), bytes.size(), 0);
        if (size < 0 && errno != EINTR) std::terminate();
        if (size > 0) bytes = bytes.subspan(static_cast<std::size_t>(size));
    }
}

}  // namespace

RequestId RequestIdSource::next() noexcept {
    static constexpr std::string_view digits = "0123456789abcdef";
    if (used_ == random_.size()) {
        fill_with_random_bytes(random_);
        used_ = 0;
    }
    RequestId id;
    char* out = id.text_.data();
    for (const char c : std::string_view("req_")) *out++ = c;
    for (std::size_t i = 0; i < id_bytes; ++i) {
        unsigned char& byte = random_[used_++];
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 0xF];
        byte = 0;
    }
    return id;
}

}  // namespace sluicegate
