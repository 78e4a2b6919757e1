#include "sluicegate/worker/load.hpp"

#include <algorithm>
#include <limits>

namespace sluicegate::worker {
namespace {

constexpr std::size_t memory_kept_divisor = 16;
/// So many descriptors are kept for what connects before idle connections have given way.
constexpr std::size_t descriptors_kept_divisor = 16;

}  // namespace

std::size_t Load::upstream_connections_max() const noexcept {
    if (descriptors_max_ == 0) return std::numeric_limits<std::size_t>::max();
    const std::size_t taken = places_.taken() + descriptors_max_ / descriptors_kept_divisor;
    return descriptors_max_ - std::min(taken, descriptors_max_);
}

const char* Load::begin(std::size_t most, const MemoryShare& user) noexcept {
    const std::size_t free = memory_.free();
    if (free < memory_.limit() / memory_kept_divisor && user.held() > free) {
        return "server.memory is nearly used up, and the user holds much of it";
    }
    return resume(most);
}

const char* Load::resume(std::size_t most) noexcept {
    const std::size_t in_flight = in_flight_.fetch_add(1, std::memory_order_relaxed) + 1;
    const char* why = nullptr;
    if (most > 0 && in_flight > most) {
        why = "server.max_in_flight requests are being served";
    } else if (descriptors_max_ > 0 && in_flight + places_.taken() > descriptors_max_) {
        why = "few descriptors are left: raise the limit of open files";
    }
    if (why != nullptr) end();
    return why;
}

}  // namespace sluicegate::worker
