#include "limit/slot_table.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <new>

namespace sluicegate::limit {
namespace {

/// Keeps the search for an idle slot in one shard below a millisecond.
constexpr std::uint32_t shard_slots_wanted = 4096;
constexpr unsigned shard_bits_max = 12;
/// From here on the index outgrows what the processor translates without huge pages. Below, plain
/// pages cost less memory while there are few keys.
constexpr std::size_t huge_index_bytes = std::size_t{2} << 20U;

unsigned shard_bits_for(std::uint32_t slots) {
    const auto bits = static_cast<unsigned>(std::bit_width(slots / shard_slots_wanted));
    return std::min(bits == 0 ? 0 : bits - 1, shard_bits_max);
}

/// Between 1.5 and 3 places a key: 6 to 12 bytes of index for each.
std::uint32_t places_for(std::uint32_t slots, unsigned shard_bits) {
    constexpr std::uint32_t places_min = 64;
    const std::uint32_t shard_slots = slots >> shard_bits;
    return std::max(std::bit_ceil(shard_slots + shard_slots / 2 + 1), places_min);
}

void start_empty(Slot& slot, const Key& key, std::uint64_t now) noexcept {
    slot.tokens = 0;
    slot.in_flight = 0;
    slot.clock = now & ((std::uint64_t{1} << 48U) - 1);
    slot.first = 0;
    slot.requests = 0;
    slot.is_joining = 0;
    slot.head = 0;
    slot.count = 0;
    slot.key.store(key.value, std::memory_order_relaxed);
}

/// Fetches the line to own it. The compilers' built-in asks for reading only unless they are told
/// that the processor can do better, which every x86-64 in use can; the lock would then wait for
/// the line a second time.
void prefetch_to_write(const void* at) noexcept {
#if defined(__x86_64__)
    asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(at)));
#else
    __builtin_prefetch(at, 1);
#endif
}

/// All of the smallest slot, and of larger ones the header and the oldest runs.
void prefetch_slot(const Slot& slot) noexcept {
    prefetch_to_write(&slot);
    prefetch_to_write(reinterpret_cast<const std::byte*>(&slot) + 64);
}

}  // namespace

SlotTable::SlotTable(const WindowSpans& spans, std::uint32_t slots)
    : spans_(spans),
      pool_(slots),
      shard_bits_(shard_bits_for(slots)),
      place_mask_(places_for(slots, shard_bits_) - 1),
      shard_keys_max_(place_mask_ / 8 * 7),
      shards_(std::make_unique<Shard[]>(std::size_t{1} << shard_bits_)),
      overflow_(std::make_unique<OverflowSlot[]>(overflow_slots)) {
    const std::size_t bytes = (std::size_t{place_mask_} + 1) * sizeof(Entry) << shard_bits_;
    index_ = Pages(bytes, bytes < huge_index_bytes ? Pages::Kind::plain : Pages::Kind::huge);
    if (index_.data() == nullptr) throw std::bad_alloc();
    entries_ = reinterpret_cast<Entry*>(index_.data());
    for (std::size_t i = 0; i < overflow_slots; ++i) {
        Slot* slot = new (overflow_[i].bytes) Slot;
        slot->lock.store(0, std::memory_order_relaxed);
        slot->size = SizeClass::wide;
        start_empty(*slot, Key{.value = Slot::no_key, .hash = 0}, 0);
    }
}

FoundSlot SlotTable::make_or_share(const Key& key, std::uint64_t now,
                                   bool counts_in_flight) noexcept {
    Search search;
    Shard& shard = shards_[shard_of(key)];
    for (bool may_evict = true;;) {
        {
            const std::lock_guard guard(shard.mutex);
            if (SlotLock slot = look_up(key)) return {std::move(slot)};
            Made made = make(key, now, counts_in_flight);
            if (made.slot) return {std::move(made.slot)};
            // Locked before the shard is free: whoever makes a slot for this key from now on waits
            // until what we charge can be seen.
            if (!made.lacks_room || !may_evict) {
                SlotLock slot = overflow_slot(key);
                return {std::move(slot), true, overflow_of(key).leavers};
            }
        }
        // Others may take what is evicted for us, and then we search on.
        may_evict = evict_one(key, now, search);
    }
}

SlotLock SlotTable::find(const Key& key) noexcept {
    if (SlotLock slot = look_up(key)) [[likely]]
        return slot;
    const std::lock_guard guard(shards_[shard_of(key)].mutex);
    return look_up(key);
}

FoundSlot SlotTable::find_at_once(const Key& key,
                                  std::optional<std::uint32_t> overflow_at) noexcept {
    SlotLock slot = look_up(key);
    if (slot || !overflow_at) return {std::move(slot)};
    slot = overflow_slot(key);
    if (overflow_of(key).leavers != *overflow_at) return {};
    return {std::move(slot), true, *overflow_at};
}

SlotLock SlotTable::overflow_slot(const Key& key) noexcept {
    return lock_of(overflow_of(key));
}

SlotTable::Made SlotTable::make(const Key& key, std::uint64_t now, bool counts_in_flight) noexcept {
    const std::size_t shard = shard_of(key);
    if (shards_[shard].used >= shard_keys_max_) return {.slot = {}, .lacks_room = true};

    // While a shared slot holds live counts, some may be this key's own: it takes them all over.
    const SlotLock shared = overflow_slot(key);
    with_run_log(*shared, spans_, [&](auto log) { log.advance(now); });
    if (counts_in_flight && shared->in_flight != 0) return {};
    const bool takes_over = shared->count != 0;

    const SlotRef ref = pool_.allocate_first(takes_over ? SizeClass::wide : SizeClass::tiny);
    if (ref == 0) return {.slot = {}, .lacks_room = true};
    SlotLock slot(pool_.at(ref));
    start_empty(*slot, key, std::max(now, shards_[shard].evicted));
    if (takes_over) {
        RunLog<WideRun>(*slot, spans_).copy_from(RunLog<WideRun>(*shared, spans_));
    }
    ++overflow_of(key).leavers;

    Entry* entries = entries_of(shard);
    std::uint32_t at = place_of(key);
    while (entries[at].load(std::memory_order_relaxed) != 0) at = (at + 1) & place_mask_;
    entries[at].store(mark_of(key) | ref, std::memory_order_release);
    ++shards_[shard].used;
    return {.slot = std::move(slot)};
}

bool SlotTable::promote(const Key& key, bool to_wide) noexcept {
    const std::size_t shard = shard_of(key);
    const std::lock_guard guard(shards_[shard].mutex);
    std::uint32_t at = place_of(key);
    const SlotLock slot = look_up(key, at);
    if (!slot) return true;  // evicted meanwhile: the caller makes a new one
    Slot& from = *slot;
    const std::size_t first =
        to_wide ? index_of(SizeClass::wide) : std::size_t{index_of(from.size) + 1};
    const std::size_t last = index_of(to_wide ? SizeClass::wide : SizeClass::large);
    SlotRef ref = 0;
    for (std::size_t i = first; i <= last && ref == 0; ++i) {
        ref = pool_.allocate(SizeClass{static_cast<std::uint8_t>(i)});
    }
    if (ref == 0) {
        promotions_short_.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    const SlotLock to(pool_.at(ref));
    to->in_flight = from.in_flight;
    with_run_log(*to, spans_,
                 [&](auto larger) { larger.copy_from(RunLog<PackedRun>(from, spans_)); });
    to->key.store(key.value, std::memory_order_relaxed);

    Entry& entry = entries_of(shard)[at];
    const SlotRef old = entry.load(std::memory_order_relaxed) & ref_mask;
    entry.store(mark_of(key) | ref, std::memory_order_release);
    from.key.store(Slot::no_key, std::memory_order_relaxed);
    pool_.release(old);
    promotions_.fetch_add(1, std::memory_order_relaxed);
    return true;
}

/// Closes the gap that a linear probe would stop at. Readers without the mutex may miss an entry
/// that moves; they look again with it.
void SlotTable::erase(std::size_t shard, std::uint32_t at) noexcept {
    Entry* entries = entries_of(shard);
    for (std::uint32_t next = (at + 1) & place_mask_;; next = (next + 1) & place_mask_) {
        const std::uint32_t entry = entries[next].load(std::memory_order_relaxed);
        if (entry == 0) break;
        const Key key = Key::of(pool_.at(entry & ref_mask).key.load(std::memory_order_relaxed));
        // It may move only if its probe passes the gap.
        const std::uint32_t probed = (next - place_of(key)) & place_mask_;
        if (probed >= ((next - at) & place_mask_)) {
            entries[at].store(entry, std::memory_order_release);
            at = next;
        }
    }
    entries[at].store(0, std::memory_order_release);
    --shards_[shard].used;
}

/// First in the key's own shard, whose part of the index may be what is full, then in some others,
/// each search in the next ones.
bool SlotTable::evict_one(const Key& wanted_by, std::uint64_t now, Search& search) noexcept {
    constexpr std::size_t shards_max = 16;
    const std::size_t shards = std::size_t{1} << shard_bits_;
    const std::size_t own = shard_of(wanted_by);
    if (shards == 1) return evict_from(own, now, search);
    Search first{.looks = search.looks / 2, .places = search.places / 2};
    search.looks -= first.looks;
    search.places -= first.places;
    const bool was_evicted = evict_from(own, now, first);
    search.looks += first.looks;
    search.places += first.places;
    if (was_evicted) return true;
    for (std::size_t i = 0; i < std::min(shards, shards_max); ++i) {
        const std::size_t next = next_shard_.fetch_add(1, std::memory_order_relaxed);
        if (evict_from(next & (shards - 1), now, search)) return true;
    }
    return false;
}

/// Moves the shard's hand on to the next idle slot and evicts it. A shard in which a whole round
/// has found none is left alone until one can be idle.
bool SlotTable::evict_from(std::size_t shard_at, std::uint64_t now, Search& search) noexcept {
    Shard& shard = shards_[shard_at];
    if (now < shard.idle_from.load(std::memory_order_relaxed)) return false;
    const std::lock_guard guard(shard.mutex);
    for (; search.looks != 0 && search.places != 0; --search.places, ++shard.hand) {
        if (shard.hand > place_mask_) begin_round(shard, now);
        if (now < shard.idle_from.load(std::memory_order_relaxed)) return false;
        const std::uint32_t at = shard.hand;
        const std::uint32_t entry = entries_of(shard_at)[at].load(std::memory_order_relaxed);
        if (entry == 0) continue;
        --search.looks;
        const SlotLock slot(pool_.at(entry & ref_mask));
        // Its settlement makes it live for another window. One that is released without a clock may
        // be idle sooner; the search then finds it late, by as long as it was in flight at most.
        if (slot->in_flight != 0) continue;
        const std::uint64_t slot_idle_from = slot->clock + spans_.window;
        if (now < slot_idle_from) {
            shard.round_idle_from = std::min(shard.round_idle_from, slot_idle_from);
            continue;
        }
        erase(shard_at, at);
        slot->key.store(Slot::no_key, std::memory_order_relaxed);
        pool_.release(entry & ref_mask);
        shard.evicted = std::max(shard.evicted, now);
        evictions_.fetch_add(1, std::memory_order_relaxed);
        return true;
    }
    return false;
}

void SlotTable::begin_round(Shard& shard, std::uint64_t now) const noexcept {
    shard.idle_from.store(shard.round_idle_from, std::memory_order_relaxed);
    // A slot that is in flight or made during the round is not idle before this.
    shard.round_idle_from = now + spans_.window;
    shard.hand = 0;
}

void SlotTable::prefetch(const Key& key) const noexcept {
    const std::uint32_t entry =
        entries_of(shard_of(key))[place_of(key)].load(std::memory_order_acquire);
    if (entry != 0) prefetch_slot(pool_.at(ref_of(entry)));
}

void SlotTable::prefetch(const Hint& hint) const noexcept {
    const SlotRef ref = hint.slot_.load(std::memory_order_acquire);
    if (ref != 0) prefetch_slot(pool_.at(ref));
}

TableCounts SlotTable::counts() const noexcept {
    const SlotPool::Counts pool = pool_.counts();
    return {.slots_used = pool.slots_used,
            .bytes_mapped = pool.bytes_mapped + index_.size(),
            .promotions = promotions_.load(std::memory_order_relaxed),
            .promotions_short = promotions_short_.load(std::memory_order_relaxed),
            .evictions = evictions_.load(std::memory_order_relaxed),
            .overflows = overflows_.load(std::memory_order_relaxed)};
}

}  // namespace sluicegate::limit
