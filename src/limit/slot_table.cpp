#include "limit/slot_table.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace sluicegate::limit {
namespace {

/// A set with 3,840 places grows at 3,360 keys. Where all slots are in use, hardly a shard has so
/// many: its places are few, so the processor's cache can hold more of them.
constexpr std::uint32_t shard_slots = 3000;

/// A mix of its own, not the one by which Boost's set chooses a place: a shard whose keys all had
/// the same bits there would crowd them into a few places and take six times as long.
std::uint64_t mixed(Key key) noexcept {
    key = (key ^ key >> 33U) * 0xFF51AFD7ED558CCDU;
    key = (key ^ key >> 33U) * 0xC4CEB9FE1A85EC53U;
    return key ^ key >> 33U;
}

}  // namespace

Slot* SlotMap::find(Key key) noexcept {
    const auto at = numbers_.find(key);
    return at == numbers_.end() ? nullptr : &slot_of(*at);
}

SlotMap::Found SlotMap::find_or_make(Key key, std::uint64_t now, bool counts_in_flight) noexcept {
    if (Slot* own = find(key)) [[likely]]
        return {*own, false};
    RunLog(overflow_, window_).advance(now);
    if (counts_in_flight && overflow_.in_flight != 0) return {overflow_, true};
    Slot* slot = std::exchange(spare_, nullptr);
    if (slot == nullptr) slot = window_.new_slot();
    if (slot == nullptr) slot = evict_one(now);
    if (slot == nullptr) return {overflow_, true};
    slot->key = key;
    try {
        numbers_.insert(static_cast<Number>(slot - window_.slots()));
    } catch (const std::bad_alloc&) {
        spare_ = slot;
        return {overflow_, true};
    }
    // Some of the counts in the overflow slot may be this key's own: it takes over all of them.
    RunLog log(*slot, window_);
    if (overflow_.count != 0) log.take_over(RunLog(overflow_, window_));
    log.advance(std::max(now, evicted_));
    return {*slot, false};
}

/// Looks at the next few slots of the shard, and takes the first that is idle from its key.
Slot* SlotMap::evict_one(std::uint64_t now) noexcept {
    auto at = numbers_.find(looked_at_);
    if (at != numbers_.end()) ++at;
    for (int looks = 0; looks < looks_max && !numbers_.empty(); ++looks, ++at) {
        if (at == numbers_.end()) at = numbers_.begin();
        Slot* const slot = &slot_of(*at);
        if (slot->in_flight == 0 && now >= slot->clock + window_.length) {
            window_.block_bytes.fetch_sub(slot->block_bytes(), std::memory_order_relaxed);
            window_.evictions.fetch_add(1, std::memory_order_relaxed);
            numbers_.erase(at);
            *slot = Slot();
            evicted_ = std::max(evicted_, now);
            return slot;
        }
        looked_at_ = slot->key;
    }
    return nullptr;
}

std::size_t SlotMap::map_bytes() const noexcept {
    constexpr std::size_t place_bytes = sizeof(Number) + 1;
    return numbers_.bucket_count() * place_bytes;
}

SlotTable::SlotTable(std::uint64_t window_ms, std::uint32_t slots)
    : minute_(window_ms, 1, slots),
      day_(static_cast<std::uint64_t>(Settings::day.count()),
           static_cast<std::uint64_t>(Settings::day_unit.count()), slots) {
    const std::uint32_t shards = std::max(slots / shard_slots, 1U);
    for (std::uint32_t i = 0; i < shards; ++i) shards_.emplace_back(minute_, day_);
}

Shard& SlotTable::shard_of(Key key) noexcept {
    return shards_[(mixed(key) >> 32U) * shards_.size() >> 32U];
}

TableCounts SlotTable::counts(SlotMap Shard::* slots) {
    const Window& window = (shards_.front().*slots).window();
    const std::size_t used = window.slots_used();
    std::uint64_t bytes = used * sizeof(Slot) + window.block_bytes.load(std::memory_order_relaxed);
    for (Shard& shard : shards_) {
        const std::lock_guard guard(shard.mutex);
        bytes += (shard.*slots).map_bytes();
    }
    return {.slots_used = used,
            .bytes_mapped = bytes,
            .evictions = window.evictions.load(std::memory_order_relaxed),
            .overflows = window.overflows.load(std::memory_order_relaxed)};
}

}  // namespace sluicegate::limit
