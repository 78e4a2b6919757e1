#pragma once
/// The caller's time in the limiter's.

#include "sluicegate/base/clock.hpp"

#include <chrono>
#include <cstdint>

namespace sluicegate::limit {

/// Whole milliseconds since the clock's beginning; before it, 0.
inline std::uint64_t to_ms(Instant now) noexcept {
    const auto since = std::chrono::floor<Milliseconds>(now.time_since_epoch()).count();
    return since < 0 ? 0 : static_cast<std::uint64_t>(since);
}

}  // namespace sluicegate::limit
