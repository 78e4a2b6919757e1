#include "sluicegate/limit/journal.hpp"

#include <algorithm>

namespace sluicegate::limit {
namespace {

constexpr unsigned clock_shift = 16;
constexpr std::uint64_t request_flag = 1;
constexpr std::uint64_t minute_flag = 2;
constexpr std::uint64_t day_flag = 4;
/// No journal gets as far as this. Larger numbers are garbage, and a ring cannot go on from them.
constexpr std::uint64_t number_end = std::uint64_t{1} << 62U;

/// Finds the number of the record at this place; false when there is no whole record.
bool number_at(std::span<const JournalRecord> ring, std::size_t at, std::uint64_t& number) {
    const std::uint64_t stored = ring[at].number.load(std::memory_order_acquire);
    number = stored - 1;
    return stored != 0 && number < number_end && (number & (ring.size() - 1)) == at;
}

}  // namespace

void Journal::append(const Charged& charged) noexcept {
    // A thread that reads a larger number from next() also sees the charge made before.
    const std::uint64_t number = next_.fetch_add(1, std::memory_order_acq_rel);
    JournalRecord& record = ring_[number & mask_];
    record.key.store(std::uint64_t{static_cast<std::uint32_t>(charged.user)} << 32U |
                         static_cast<std::uint32_t>(charged.model),
                     std::memory_order_relaxed);
    record.when.store(charged.clock_ms << clock_shift | (charged.is_request ? request_flag : 0U) |
                          (charged.per_minute ? minute_flag : 0U) |
                          (charged.per_day ? day_flag : 0U),
                      std::memory_order_relaxed);
    record.tokens.store(charged.tokens, std::memory_order_relaxed);
    record.number.store(number + 1, std::memory_order_release);
}

bool Journal::has_stored(std::uint64_t number) const noexcept {
    return ring_[number & mask_].number.load(std::memory_order_acquire) > number;
}

void Journal::touch_ahead(std::size_t records) noexcept {
    constexpr std::size_t page_records = 4096 / sizeof(JournalRecord);
    const std::uint64_t from = next();
    for (std::size_t i = 0; i < std::min(records, ring_.size()); i += page_records) {
        ring_[(from + i) & mask_].key.fetch_or(0, std::memory_order_relaxed);
    }
}

void Journal::visit(std::span<const JournalRecord> ring, std::uint64_t from,
                    const std::function<void(const Charged&)>& act) {
    for (std::size_t at = 0; at < ring.size(); ++at) {
        std::uint64_t number = 0;
        if (!number_at(ring, at, number) || number < from) continue;
        const std::uint64_t key = ring[at].key.load(std::memory_order_relaxed);
        const std::uint64_t when = ring[at].when.load(std::memory_order_relaxed);
        act({.user = UserId{static_cast<std::uint32_t>(key >> 32U)},
             .model = ModelId{static_cast<std::uint32_t>(key)},
             .clock_ms = when >> clock_shift,
             .tokens = ring[at].tokens.load(std::memory_order_relaxed),
             .is_request = (when & request_flag) != 0,
             .per_minute = (when & minute_flag) != 0,
             .per_day = (when & day_flag) != 0});
    }
}

std::uint64_t Journal::end_of(std::span<const JournalRecord> ring) noexcept {
    std::uint64_t end = 0;
    for (std::size_t at = 0; at < ring.size(); ++at) {
        std::uint64_t number = 0;
        if (number_at(ring, at, number)) end = std::max(end, number + 1);
    }
    return end;
}

}  // namespace sluicegate::limit
