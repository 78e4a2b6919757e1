#pragma once
/// A clock that stands still until the test moves it.

#include "sluicegate/base/clock.hpp"

namespace sluicegate::test {

class ManualClock final : public Clock {
public:
    [[nodiscard]] Instant now() const noexcept override { return now_; }
    [[nodiscard]] WallTime wall_now() const noexcept override { return wall_now_; }
    void advance(Milliseconds time) noexcept {
        now_ += time;
        wall_now_ += time;
    }

    void set(Instant now, WallTime wall_now) noexcept {
        now_ = now;
        wall_now_ = wall_now;
    }

private:
    Instant now_ = Instant(std::chrono::hours(1000));
    WallTime wall_now_ = WallTime(std::chrono::hours(24 * 20000));
};

}  // namespace sluicegate::test
