#pragma once
/// The caller's time in the limiter's.

#include "sluicegate/base/clock.hpp"

#include <chrono>
#include <cstdint>

namespace sluicegate::limit {

/// CLOCK_MONOTONIC begins with the machine. The limiter's time begins so much earlier that what
/// was charged a day before the machine was booted still has a time in it.
inline constexpr std::uint64_t ms_before_boot = std::uint64_t{2} * 86'400'000;

/// Whole milliseconds; before the clock's beginning it stands still.
inline std::uint64_t to_ms(Instant now) noexcept {
    const auto since = std::chrono::floor<Milliseconds>(now.time_since_epoch()).count();
    return ms_before_boot + (since < 0 ? 0 : static_cast<std::uint64_t>(since));
}

/// Back to the caller's clock; what lies before its beginning is moved there.
inline std::uint64_t to_clock_ms(std::uint64_t ms) noexcept {
    return ms < ms_before_boot ? 0 : ms - ms_before_boot;
}

}  // namespace sluicegate::limit
