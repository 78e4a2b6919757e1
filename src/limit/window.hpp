#pragma once
/// One of the two windows in which requests are counted, a minute or a day: its length, and the
/// slots of all keys.
///
/// Time       an event's time is rounded down to a tick, and the event counts until it is `length`
///            ticks old. That is up to one tick longer than the window, never shorter, and exactly
///            as long where a tick is a millisecond.
/// Memory     address space for all slots is taken at the start, memory when a slot is first used.
/// Threads    any number.

#include "sluicegate/base/clock.hpp"

#include "limit/slot.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

namespace sluicegate::limit {

/// CLOCK_MONOTONIC begins with the machine. The limiter's time begins so much earlier that what
/// was charged a day before the machine was booted still has a time in it.
inline constexpr std::uint64_t ms_before_boot = std::uint64_t{2} * 86'400'000;

/// Whole milliseconds; before the clock's beginning, time stands still.
inline std::uint64_t to_ms(Instant now) noexcept {
    const auto since = std::chrono::floor<Milliseconds>(now.time_since_epoch()).count();
    return ms_before_boot + (since < 0 ? 0 : static_cast<std::uint64_t>(since));
}

class Window {
public:
    Window(std::uint64_t window_ms, std::uint64_t each_tick_ms, std::uint32_t slots);

    [[nodiscard]] std::uint64_t ticks_of(std::uint64_t time_ms) const noexcept {
        return tick_ms == 1 ? time_ms : time_ms / tick_ms;
    }
    /// A slot that was never used, or nullptr when there is none left. It stays where it is.
    [[nodiscard]] Slot* new_slot() noexcept;
    [[nodiscard]] std::size_t slots_used() const noexcept;
    /// The first of all slots. A slot's number is its distance from this one.
    [[nodiscard]] Slot* slots() noexcept { return slots_.data(); }

    const std::uint64_t tick_ms;
    const std::uint64_t length;                 ///< in ticks
    std::atomic<std::uint64_t> block_bytes{0};  ///< of slots that have outgrown their own room
    std::atomic<std::uint64_t> evictions{0};
    std::atomic<std::uint64_t> overflows{0};

private:
    mutable std::mutex mutex_;
    std::vector<Slot> slots_;  ///< never moves: its capacity is the bound
};

}  // namespace sluicegate::limit
