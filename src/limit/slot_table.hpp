#pragma once
/// From (user, model) to its slot: a sharded open-addressing index over the slot pool.
///
/// An index entry is 32 bits: 26 name the slot, 6 are bits of the key's hash, so that a look-up
/// touches a foreign slot once in 64 collisions. Entries are read without a lock: whoever finds a
/// slot locks it and looks at its key, and whoever finds none looks again under the shard's mutex.
///
/// Units     ticks of the table's window (WindowSpans), in every time.
/// Threads   any. Order of locks: shard, slot, pool. Nobody waits for a shard with a slot locked,
///           and nobody who has locked a shard waits for a slot of another table.
/// Memory    bounded by `slots`; idle slots are evicted when a new key needs one, never live ones.
/// Time      bounded: a search for an idle slot looks at looks_max slots, and the next one goes on
///           where it ended.

#include "sluicegate/base/ids.hpp"
#include "sluicegate/limit/hint.hpp"
#include "sluicegate/limit/limiter.hpp"

#include "limit/run_log.hpp"
#include "limit/slot.hpp"
#include "limit/slot_pool.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <optional>

namespace sluicegate::limit {

/// What a slot belongs to, and its hash: different bits choose shard, place and mark, because one
/// set of bits for two of them would crowd a shard's keys into a few places.
struct Key {
    std::uint64_t value;
    std::uint64_t hash;

    static Key of(UserId user, ModelId model) noexcept {
        return of((std::uint64_t{static_cast<std::uint32_t>(user)} << 32U) |
                  static_cast<std::uint32_t>(model));
    }
    static Key of(std::uint64_t value) noexcept {
        std::uint64_t h = value * 0x9E3779B97F4A7C15U;
        h = (h ^ (h >> 32U)) * 0xD6E8FEB86659FD93U;
        return {.value = value, .hash = h ^ (h >> 32U)};
    }
    [[nodiscard]] UserId user() const noexcept {
        return UserId{static_cast<std::uint32_t>(value >> 32U)};
    }
    [[nodiscard]] ModelId model() const noexcept {
        return ModelId{static_cast<std::uint32_t>(value)};
    }
};

struct FoundSlot {
    SlotLock slot;
    bool is_overflow = false;
    /// Of an overflow slot: keys that had left it for slots of their own by then.
    std::uint32_t leavers = 0;
};

class SlotTable {
public:
    SlotTable(const WindowSpans& spans, std::uint32_t slots);

    [[nodiscard]] const WindowSpans& spans() const noexcept { return spans_; }

    /// The key's slot; made if there is none. When all are live, an overflow slot that many keys
    /// share. `counts_in_flight`: the key may not start afresh while an overflow slot holds
    /// reservations that could be its own.
    FoundSlot find_or_make(const Key& key, std::uint64_t now, bool counts_in_flight,
                           Hint* hint = nullptr) noexcept {
        if (hint != nullptr) {
            if (SlotLock slot = slot_at(*hint, key)) [[likely]]
                return {std::move(slot)};
        }
        std::uint32_t at = place_of(key);
        if (SlotLock slot = look_up(key, at)) [[likely]] {
            if (hint != nullptr) set(*hint, entries_of(shard_of(key))[at]);
            return {std::move(slot)};
        }
        return make_or_share(key, now, counts_in_flight);
    }
    /// The key's slot, or none.
    SlotLock find(const Key& key) noexcept;
    /// The same for a caller that has locked a slot of another table: it takes no shard's mutex,
    /// and may miss the slot. `overflow_at`: where find_or_make() has found an overflow slot, what
    /// it said of its leavers; that slot is then found again, if this key cannot have left it
    /// since.
    FoundSlot find_at_once(const Key& key, std::optional<std::uint32_t> overflow_at) noexcept;
    SlotLock overflow_slot(const Key& key) noexcept;

    [[nodiscard]] std::size_t shards() const noexcept { return std::size_t{1} << shard_bits_; }
    /// For each slot of a shard: `copy` with the slot locked, then `keep` without. No key of the
    /// shard comes, goes or grows meanwhile.
    template <class Copy, class Keep>
    void visit(std::size_t shard, Copy&& copy, Keep&& keep) {
        const std::lock_guard guard(shards_[shard].mutex);
        const Entry* entries = entries_of(shard);
        for (std::uint32_t at = 0; at <= place_mask_; ++at) {
            const SlotRef ref = ref_of(entries[at].load(std::memory_order_relaxed));
            if (ref == 0) continue;
            copy(*SlotLock(pool_.at(ref)));
            keep();
        }
    }
    static constexpr std::size_t overflow_slots = 16;
    SlotLock overflow_slot(std::size_t at) noexcept { return lock_of(overflow_[at]); }

    /// Moves the key to a larger slot (to a wide one if asked). False when none is left.
    bool promote(const Key& key, bool to_wide) noexcept;

    void prefetch(const Key& key) const noexcept;
    void prefetch(const Hint& hint) const noexcept;

    [[nodiscard]] TableCounts counts() const noexcept;
    void count_overflow() noexcept { overflows_.fetch_add(1, std::memory_order_relaxed); }

private:
    using Entry = std::atomic<std::uint32_t>;
    static constexpr std::uint32_t ref_mask = (1U << slot_ref_bits) - 1;

    struct alignas(64) Shard {
        std::mutex mutex;
        std::uint32_t used = 0;
        /// Where the search for idle slots goes on; behind the last place, a new round begins.
        std::uint32_t hand = ~std::uint32_t{0};
        /// The earliest time at which one of the slots that the hand has passed in this round can
        /// be idle.
        std::uint64_t round_idle_from = 0;
        /// The latest time at which a slot was evicted: a new slot's clock starts no earlier, or a
        /// clock that steps back could count the same window twice.
        std::uint64_t evicted = 0;
        /// No slot of the shard can be idle before this time.
        std::atomic<std::uint64_t> idle_from{0};
    };
    struct OverflowSlot {
        alignas(64) std::byte bytes[slot_bytes.back()];
        std::uint32_t leavers = 0;  ///< under the slot's lock
    };
    /// Slots that one search for an idle one may look at, and places of the index.
    struct Search {
        std::uint32_t looks = looks_max;
        std::uint32_t places = 16 * looks_max;
    };
    static constexpr std::uint32_t looks_max = 64;
    struct Made {
        SlotLock slot;
        bool lacks_room = false;  ///< an idle slot must go first
    };

    static SlotLock lock_of(OverflowSlot& slot) noexcept {
        return SlotLock(*std::launder(reinterpret_cast<Slot*>(slot.bytes)));
    }
    [[nodiscard]] static SlotRef ref_of(std::uint32_t entry) noexcept { return entry & ref_mask; }
    [[nodiscard]] std::size_t shard_of(const Key& key) const noexcept {
        return shard_bits_ == 0 ? 0 : key.hash >> (64U - shard_bits_);
    }
    [[nodiscard]] Entry* entries_of(std::size_t shard) const noexcept {
        return entries_ + shard * (std::size_t{place_mask_} + 1);
    }
    [[nodiscard]] static std::uint32_t mark_of(const Key& key) noexcept {
        return static_cast<std::uint32_t>(key.hash >> 32U) << slot_ref_bits;
    }
    [[nodiscard]] std::uint32_t place_of(const Key& key) const noexcept {
        return static_cast<std::uint32_t>(key.hash) & place_mask_;
    }

    /// Every decision begins with it: `at` is where the search goes on, and where it has ended.
    SlotLock look_up(const Key& key, std::uint32_t& at) noexcept {
        const Entry* entries = entries_of(shard_of(key));
        const std::uint32_t mark = mark_of(key);
        for (;; at = (at + 1) & place_mask_) {
            const std::uint32_t entry = entries[at].load(std::memory_order_acquire);
            if (entry == 0) return {};
            if ((entry & ~ref_mask) != mark) continue;
            Slot& slot = pool_.at(entry & ref_mask);
            // Not read before it is locked: that would fetch the line twice, to read and then to
            // own it.
            SlotLock lock(slot);
            if (slot.key.load(std::memory_order_relaxed) == key.value) [[likely]]
                return lock;
        }
    }
    SlotLock look_up(const Key& key) noexcept {
        std::uint32_t at = place_of(key);
        return look_up(key, at);
    }
    /// A slot that was given to another key since has another key in it, one that was released
    /// has none.
    SlotLock slot_at(const Hint& hint, const Key& key) noexcept {
        const SlotRef ref = hint.slot_.load(std::memory_order_acquire);
        if (ref == 0) return {};
        SlotLock lock(pool_.at(ref));
        if (lock->key.load(std::memory_order_relaxed) != key.value) [[unlikely]]
            return {};
        return lock;
    }
    /// An entry may have moved by now: what it says is then as wrong as a stale hint.
    static void set(Hint& hint, const Entry& entry) noexcept {
        hint.slot_.store(ref_of(entry.load(std::memory_order_acquire)), std::memory_order_release);
    }
    FoundSlot make_or_share(const Key& key, std::uint64_t now, bool counts_in_flight) noexcept;
    Made make(const Key& key, std::uint64_t now, bool counts_in_flight) noexcept;
    void erase(std::size_t shard, std::uint32_t at) noexcept;
    bool evict_one(const Key& wanted_by, std::uint64_t now, Search& search) noexcept;
    bool evict_from(std::size_t shard, std::uint64_t now, Search& search) noexcept;
    void begin_round(Shard& shard, std::uint64_t now) const noexcept;
    [[nodiscard]] OverflowSlot& overflow_of(const Key& key) noexcept {
        return overflow_[(key.hash >> 40U) % overflow_slots];
    }

    WindowSpans spans_;
    SlotPool pool_;
    unsigned shard_bits_;
    std::uint32_t place_mask_;
    std::uint32_t shard_keys_max_;
    Pages index_;
    Entry* entries_;
    std::unique_ptr<Shard[]> shards_;
    std::unique_ptr<OverflowSlot[]> overflow_;
    std::atomic<std::size_t> next_shard_{0};  ///< where a search beyond the key's own shard goes on
    std::atomic<std::uint64_t> promotions_{0};
    std::atomic<std::uint64_t> promotions_short_{0};
    std::atomic<std::uint64_t> evictions_{0};
    std::atomic<std::uint64_t> overflows_{0};
};

}  // namespace sluicegate::limit
