#pragma once
/// Notices workers that have stopped to tick: one that hangs in a loop, a system call or a lock.
///
/// A worker ticks 20 times a second. One that has not ticked for `threshold` is stalled until it
/// ticks again. Time in which nothing looked does not count: then the whole process stood still, or
/// the control thread did.
///
/// Pure  no threads, no clock.

#include "sluicegate/base/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sluicegate::app {

class StallWatch {
public:
    static constexpr Milliseconds threshold{5'000};
    /// How often to look().
    static constexpr Milliseconds look_every{250};

    struct Change {
        std::size_t worker = 0;
        bool is_stalled = false;  ///< false: it ticks again, or has ended
        Milliseconds lasted{0};   ///< since its last tick
    };
    struct Stall {
        std::size_t worker = 0;
        Milliseconds lasted{0};
    };

    /// `ticks`: how often each worker has ticked; nothing for one that does not run. Returns what
    /// has changed since the call before.
    std::vector<Change> look(Instant now, std::span<const std::optional<std::uint64_t>> ticks);
    /// Those that were stalled at the last look.
    [[nodiscard]] std::vector<Stall> stalls() const;

private:
    struct Watched {
        std::optional<std::uint64_t> ticks{};
        Milliseconds silent{0};  ///< between looks that found no new tick
        bool is_stalled = false;
    };

    std::vector<Watched> workers_;
    std::optional<Instant> looked_at_{};
};

}  // namespace sluicegate::app
