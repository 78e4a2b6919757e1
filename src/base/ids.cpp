#include "sluicegate/base/ids.hpp"

#include <random>

namespace sluicegate {
namespace {

void write_hex(char* out, std::uint64_t value, int digits) noexcept {
    static constexpr std::string_view hex = "0123456789abcdef";
    for (int i = digits - 1; i >= 0; --i) {
        out[i] = hex[value & 0xF];
        value >>= 4;
    }
}

/// A bijection on 64 bits (the finaliser of splitmix64), so different counts give different ids.
std::uint64_t mix(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

}  // namespace

RequestIdSource::RequestIdSource() : seed_(0) {
    std::random_device device;
    seed_ = (static_cast<std::uint64_t>(device()) << 32) | device();
}

RequestId RequestIdSource::next() noexcept {
    ++count_;
    if (count_ == 0) seed_ = mix(seed_ + 1);
    RequestId id;
    char* out = id.text_.data();
    out[0] = 'r', out[1] = 'e', out[2] = 'q', out[3] = '_';
    write_hex(out + 4, mix(seed_ + count_), 16);
    write_hex(out + 20, count_, 8);
    return id;
}

}  // namespace sluicegate
