#pragma once
/// The clock. Rules take an Instant as an argument; only `app` and `net` own a Clock.

#include <chrono>

namespace sluicegate {

using Milliseconds = std::chrono::milliseconds;
/// A point on CLOCK_MONOTONIC. It never steps back and has no meaning outside this process.
using Instant = std::chrono::steady_clock::time_point;
/// A point on the calendar, only for expiry dates, logs and answers.
using WallTime = std::chrono::system_clock::time_point;

/// Threads: any number may read; one thread moves a ManualClock.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Instant now() const noexcept = 0;
    [[nodiscard]] virtual WallTime wall_now() const noexcept = 0;
};

class SystemClock final : public Clock {
public:
    [[nodiscard]] Instant now() const noexcept override;
    [[nodiscard]] WallTime wall_now() const noexcept override;
};

}  // namespace sluicegate
