#pragma once
/// From (user, model) to its slots: shards of a mutex and, for each window, a flat set.
///
/// Speed      a set holds numbers of slots, and a key stands in its slot. So all sets of a million
///            keys take 6 MB, of which a cache can keep much.
/// Memory     bounded by the window's slots. When a new key needs one and all are in use, an idle
///            slot of its shard is evicted, never a live one.
/// Overflow   when none is idle, all newcomers of a shard share its overflow slot. Each is under
///            its own limits but counts what all of them use: it is refused sooner, never later.
/// Errors     no memory looks like a bound that was reached.

#include "sluicegate/base/ids.hpp"
#include "sluicegate/limit/limiter.hpp"

#include "limit/run_log.hpp"
#include "limit/slot.hpp"
#include "limit/window.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>

namespace sluicegate::limit {

constexpr Key key_of(UserId user, ModelId model) noexcept {
    return std::uint64_t{static_cast<std::uint32_t>(user)} << 32U |
           static_cast<std::uint32_t>(model);
}
constexpr UserId user_of(Key key) noexcept {
    return UserId{static_cast<std::uint32_t>(key >> 32U)};
}
constexpr ModelId model_of(Key key) noexcept {
    return ModelId{static_cast<std::uint32_t>(key)};
}

/// The slots of one shard in one window. All times are in the window's ticks.
class SlotMap {
public:
    struct Found {
        Slot& slot;
        bool is_overflow;
    };

    explicit SlotMap(Window& window)
        : window_(window), numbers_(0, HashOfKey{window.slots()}, SameKey{window.slots()}) {}

    [[nodiscard]] Window& window() const noexcept { return window_; }
    /// The key's own slot, or nullptr.
    [[nodiscard]] Slot* find(Key key) noexcept;
    /// The key's own slot, made if there is none; the overflow slot if none can be made.
    /// `counts_in_flight`: the key gets no slot of its own while the overflow slot holds
    /// reservations that could be the key's.
    Found find_or_make(Key key, std::uint64_t now, bool counts_in_flight) noexcept;
    /// Where something was charged: the overflow slot, or the key's own. A key's own slot may have
    /// been evicted if nothing was in flight in it; then it is made anew.
    Found find_charged(Key key, bool is_overflow, std::uint64_t now) noexcept {
        return is_overflow ? Found{overflow_, true} : find_or_make(key, now, false);
    }
    [[nodiscard]] Slot& overflow() noexcept { return overflow_; }
    /// Calls `act` with each key's own slot.
    template <class Act>
    void visit(Act&& act) const {
        for (const Number number : numbers_) act(slot_of(number));
    }
    [[nodiscard]] std::size_t map_bytes() const noexcept;

private:
    /// Of a slot in the window.
    using Number = std::uint32_t;
    /// Boost's set mixes the bits of what this returns.
    struct HashOfKey {
        using is_transparent = void;
        const Slot* slots;
        std::size_t operator()(Key key) const noexcept { return key; }
        std::size_t operator()(Number number) const noexcept { return slots[number].key; }
    };
    struct SameKey {
        using is_transparent = void;
        const Slot* slots;
        bool operator()(Key key, Number number) const noexcept { return key == slots[number].key; }
        bool operator()(Number a, Number b) const noexcept { return a == b; }
    };

    /// Keeps a search short; the next one goes on where it ended.
    static constexpr int looks_max = 16;

    [[nodiscard]] Slot& slot_of(Number number) const noexcept { return window_.slots()[number]; }
    Slot* evict_one(std::uint64_t now) noexcept;

    Window& window_;
    boost::unordered_flat_set<Number, HashOfKey, SameKey> numbers_;
    Slot overflow_;
    Slot* spare_ = nullptr;  ///< left over when there was no memory to enter it into the set
    Key looked_at_ = 0;      ///< the key at which the last search for an idle slot ended
    /// The latest time at which a slot was evicted. A new slot's clock starts no earlier: a clock
    /// that steps back could count the same window twice otherwise.
    std::uint64_t evicted_ = 0;
};

struct alignas(64) Shard {
    std::mutex mutex;
    SlotMap minutes;
    SlotMap days;

    Shard(Window& minute, Window& day) : minutes(minute), days(day) {}
};

class SlotTable {
public:
    SlotTable(std::uint64_t window_ms, std::uint32_t slots);

    [[nodiscard]] Shard& shard_of(Key key) noexcept;
    [[nodiscard]] std::deque<Shard>& shards() noexcept { return shards_; }
    [[nodiscard]] Window& minute() noexcept { return minute_; }
    [[nodiscard]] Window& day() noexcept { return day_; }
    [[nodiscard]] TableCounts counts(SlotMap Shard::* slots);

private:
    Window minute_;
    Window day_;
    std::deque<Shard> shards_;
};

}  // namespace sluicegate::limit
