#include "limit/slot_table.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

namespace sluicegate::limit {
namespace {

/// Few enough that the overflow slots cost little, and enough that threads seldom meet.
constexpr std::uint32_t shards_max = 256;
constexpr std::uint32_t shard_slots_min = 1024;

/// A mix of its own, not the one by which Boost's map chooses a place: a shard whose keys all had
/// the same bits there would crowd them into a few places and take six times as long.
std::uint64_t mixed(Key key) noexcept {
    key = (key ^ key >> 33U) * 0xFF51AFD7ED558CCDU;
    key = (key ^ key >> 33U) * 0xC4CEB9FE1A85EC53U;
    return key ^ key >> 33U;
}

}  // namespace

Slot* SlotMap::find(Key key) noexcept {
    const auto at = slots_.find(key);
    return at == slots_.end() ? nullptr : at->second;
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
    try {
        slots_.emplace(key, slot);
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
    auto at = slots_.find(looked_at_);
    if (at != slots_.end()) ++at;
    for (int looks = 0; looks < looks_max && !slots_.empty(); ++looks, ++at) {
        if (at == slots_.end()) at = slots_.begin();
        Slot* const slot = at->second;
        if (slot->in_flight == 0 && now >= slot->clock + window_.length) {
            window_.block_bytes.fetch_sub(slot->block_bytes(), std::memory_order_relaxed);
            window_.evictions.fetch_add(1, std::memory_order_relaxed);
            slots_.erase(at);
            *slot = Slot();
            evicted_ = std::max(evicted_, now);
            return slot;
        }
        looked_at_ = at->first;
    }
    return nullptr;
}

std::size_t SlotMap::map_bytes() const noexcept {
    constexpr std::size_t place_bytes = sizeof(decltype(slots_)::value_type) + 1;
    return slots_.bucket_count() * place_bytes;
}

SlotTable::SlotTable(std::uint64_t window_ms, std::uint32_t slots)
    : minute_(window_ms, 1, slots),
      day_(static_cast<std::uint64_t>(Settings::day.count()),
           static_cast<std::uint64_t>(Settings::day_unit.count()), slots) {
    const std::uint32_t shards =
        std::bit_floor(std::clamp<std::uint32_t>(slots / shard_slots_min, 1, shards_max));
    for (std::uint32_t i = 0; i < shards; ++i) shards_.emplace_back(minute_, day_);
}

Shard& SlotTable::shard_of(Key key) noexcept {
    return shards_[mixed(key) & (shards_.size() - 1)];
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
