#pragma once
/// Time, handed in. Rules take an Instant as an argument; only `app` and `net` own a Clock.

#include <chrono>

namespace sluicegate {

using Milliseconds = std::chrono::milliseconds;
/// A point on CLOCK_MONOTONIC: never steps back, means nothing outside this process.
using Instant = std::chrono::steady_clock::time_point;
/// A point on the calendar: for expiry dates, logs and answers only.
using WallTime = std::chrono::system_clock::time_point;

/// Threads: any number may read; a ManualClock is moved by one.
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
