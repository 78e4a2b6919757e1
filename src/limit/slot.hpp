#pragma once
/// What the limiter keeps of one key in one window: sums, and the runs that make them up.
///
/// Threads    the mutex of the key's shard guards it.
/// Memory     a slot has room for 12 runs. A key that needs more gets one block of 28, 60 or 124.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace sluicegate::limit {

/// All events of one run count as if they had happened at the time of the last of them.
struct Run {
    std::uint32_t stamp;     ///< that time: the low bits of the slot's clock
    std::uint32_t requests;  ///< a slot counts at most Bounds::requests_countable
    std::uint32_t tokens;    ///< stays at its maximum, which is beyond every limit of a plan
};

/// R in docs/limits-proofs.md, from the first room of a key to its last.
inline constexpr std::array<std::uint8_t, 4> room_sizes{12, 28, 60, 124};

/// The user in the upper half, the model in the lower.
using Key = std::uint64_t;

/// Three cache lines; a key of at most 12 runs takes these, and its entry in a set.
class alignas(64) Slot {
public:
    Key key = 0;                  ///< whose slot it is; says nothing in an overflow slot
    std::uint64_t clock = 0;      ///< in ticks of the window: the latest time that it was told
    std::uint64_t tokens = 0;     ///< sum over the runs
    std::uint32_t requests = 0;   ///< sum over the runs
    std::uint32_t in_flight = 0;  ///< reservations neither settled nor cancelled; not kept by day
    std::uint32_t first = 0;      ///< low bits of the time of the newest run's first event
    std::uint8_t count = 0;       ///< runs in the ring
    bool is_joining = false;      ///< the ring was full: events now join runs until it is empty

    /// Runs that it has room for.
    [[nodiscard]] unsigned room() const noexcept { return room_; }
    [[nodiscard]] std::size_t block_bytes() const noexcept {
        return block_ ? room_ * sizeof(Run) : 0;
    }
    /// The oldest run is number 0.
    [[nodiscard]] Run& run(unsigned i) noexcept {
        const unsigned at = head_ + i;
        return runs()[at < room_ ? at : at - room_];
    }
    [[nodiscard]] const Run& run(unsigned i) const noexcept {
        return const_cast<Slot*>(this)->run(i);
    }
    void drop_oldest() noexcept {
        head_ = static_cast<std::uint8_t>(head_ + 1U == room_ ? 0 : head_ + 1U);
        --count;
    }

    /// Moves the runs to the next larger block. False when there is none, or no memory.
    bool grow() noexcept {
        const auto* larger = std::ranges::upper_bound(room_sizes, room_);
        if (larger == room_sizes.end()) return false;
        std::unique_ptr<Run[]> block(new (std::nothrow) Run[*larger]);
        if (!block) return false;
        copy_runs(block.get());
        block_ = std::move(block);
        room_ = *larger;
        head_ = 0;
        return true;
    }

private:
    [[nodiscard]] Run* runs() noexcept { return block_ ? block_.get() : own_.data(); }
    void copy_runs(Run* to) const noexcept {
        for (unsigned i = 0; i < count; ++i) to[i] = run(i);
    }

    std::uint8_t head_ = 0;  ///< place of the oldest run
    std::uint8_t room_ = room_sizes.front();
    std::unique_ptr<Run[]> block_;  ///< in use once the slot has outgrown its own room
    std::array<Run, room_sizes.front()> own_;
};

static_assert(sizeof(Slot) == 192);

}  // namespace sluicegate::limit
