#include "sluicegate/limit/journal.hpp"

#include <algorithm>
#include <bit>
#include <optional>

namespace sluicegate::limit {
namespace {

constexpr unsigned clock_shift = 16;
constexpr std::uint64_t request_flag = 1;
constexpr std::uint64_t minute_flag = 2;
constexpr std::uint64_t day_flag = 4;
constexpr unsigned turn_bits = 32;
/// Larger numbers of format 1 are garbage.
constexpr std::uint64_t number_end = std::uint64_t{1} << 52U;

/// Folds the product of two words, so that each bit of them changes each half of the result.
std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

/// Damage agrees with it once in 2^32 records. It guards against accidents, not against forgers.
std::uint32_t checksum_of(std::uint64_t key, std::uint64_t when, std::uint64_t tokens,
                          std::uint64_t number) noexcept {
    constexpr std::uint64_t first = 0x9E3779B97F4A7C15;
    constexpr std::uint64_t second = 0xC2B2AE3D27D4EB4F;
    constexpr std::uint64_t third = 0x165667B19E3779F9;
    const std::uint64_t head = folded_product(key ^ first, when ^ second);
    const std::uint64_t tail = folded_product(tokens ^ second, number ^ third);
    return static_cast<std::uint32_t>(folded_product(head ^ first, tail ^ third) >> 32U);
}

unsigned turn_shift_of(std::size_t records) noexcept {
    return static_cast<unsigned>(std::countr_zero(records));
}

std::uint64_t seal_of(std::uint64_t turn, std::uint32_t checksum) noexcept {
    return (turn + 1) << turn_bits | checksum;
}

/// A record as it was read once: another process's pages may change meanwhile.
struct Words {
    std::uint64_t key = 0;
    std::uint64_t when = 0;
    std::uint64_t tokens = 0;
    std::uint64_t seal = 0;
};

Words words_of(const JournalRecord& record) noexcept {
    const std::uint64_t seal = record.seal.load(std::memory_order_acquire);
    return {.key = record.key.load(std::memory_order_relaxed),
            .when = record.when.load(std::memory_order_relaxed),
            .tokens = record.tokens.load(std::memory_order_relaxed),
            .seal = seal};
}

bool is_empty(const Words& words) noexcept {
    return (words.key | words.when | words.tokens | words.seal) == 0;
}

/// The number of a whole record at place `at` of a ring with so many turn bits.
std::optional<std::uint64_t> number_of(const Words& words, std::size_t at,
                                       unsigned turn_shift) noexcept {
    const std::uint64_t turn_and_one = words.seal >> turn_bits;
    if (turn_and_one == 0) return std::nullopt;
    const std::uint64_t number = (turn_and_one - 1) << turn_shift | at;
    const std::uint32_t checksum = checksum_of(words.key, words.when, words.tokens, number);
    if (words.seal != seal_of(turn_and_one - 1, checksum)) return std::nullopt;
    return number;
}

Charged charged_of(const Words& words) noexcept {
    return {.user = UserId{static_cast<std::uint32_t>(words.key >> 32U)},
            .model = ModelId{static_cast<std::uint32_t>(words.key)},
            .clock_ms = words.when >> clock_shift,
            .tokens = words.tokens,
            .is_request = (words.when & request_flag) != 0,
            .per_minute = (words.when & minute_flag) != 0,
            .per_day = (words.when & day_flag) != 0};
}

void clear(JournalRecord& record) noexcept {
    for (std::atomic<std::uint64_t>* word :
         {&record.seal, &record.key, &record.when, &record.tokens}) {
        word->store(0, std::memory_order_relaxed);
    }
}

}  // namespace

Journal::Journal(std::span<JournalRecord> ring, std::uint64_t next) noexcept
    : ring_(ring), mask_(ring.size() - 1), turn_shift_(turn_shift_of(ring.size())), next_(next) {
}

void Journal::append(const Charged& charged) noexcept {
    // A thread that reads a larger number from next() also sees the charge made before.
    const std::uint64_t number = next_.fetch_add(1, std::memory_order_acq_rel);
    const std::uint64_t key = std::uint64_t{static_cast<std::uint32_t>(charged.user)} << 32U |
                              static_cast<std::uint32_t>(charged.model);
    const std::uint64_t when =
        charged.clock_ms << clock_shift | (charged.is_request ? request_flag : 0U) |
        (charged.per_minute ? minute_flag : 0U) | (charged.per_day ? day_flag : 0U);
    JournalRecord& record = ring_[number & mask_];
    record.key.store(key, std::memory_order_relaxed);
    record.when.store(when, std::memory_order_relaxed);
    record.tokens.store(charged.tokens, std::memory_order_relaxed);
    const std::uint32_t checksum = checksum_of(key, when, charged.tokens, number);
    record.seal.store(seal_of(number >> turn_shift_, checksum), std::memory_order_release);
}

bool Journal::has_stored(std::uint64_t number) const noexcept {
    const std::uint64_t seal = ring_[number & mask_].seal.load(std::memory_order_acquire);
    return seal >> turn_bits > number >> turn_shift_;
}

void Journal::touch_ahead(std::size_t records) noexcept {
    constexpr std::size_t page_records = 4096 / sizeof(JournalRecord);
    const std::uint64_t from = next();
    for (std::size_t i = 0; i < std::min(records, ring_.size()); i += page_records) {
        ring_[(from + i) & mask_].key.fetch_or(0, std::memory_order_relaxed);
    }
}

std::uint64_t Journal::visit(std::span<const JournalRecord> ring, std::uint64_t from,
                             const std::function<void(const Charged&)>& act) {
    const std::uint64_t end = std::max(end_of(ring), from);
    const unsigned turn_shift = turn_shift_of(ring.size());
    std::uint64_t visited = 0;
    std::uint64_t damaged_behind = 0;  // beyond the end: the newest records, or unfinished ones
    for (std::size_t at = 0; at < ring.size(); ++at) {
        const Words words = words_of(ring[at]);
        const auto number = number_of(words, at, turn_shift);
        if (number && *number >= from) {
            ++visited;
            act(charged_of(words));
        } else if (!number && !is_empty(words)) {
            const std::uint64_t distance = (at - from) & (ring.size() - 1);
            if (distance >= end - from) ++damaged_behind;
        }
    }
    return end - from - visited + damaged_behind;
}

std::uint64_t Journal::end_of(std::span<const JournalRecord> ring) noexcept {
    const unsigned turn_shift = turn_shift_of(ring.size());
    std::uint64_t end = 0;
    for (std::size_t at = 0; at < ring.size(); ++at) {
        const auto number = number_of(words_of(ring[at]), at, turn_shift);
        if (number) end = std::max(end, *number + 1);
    }
    return end;
}

void Journal::remove_damaged(std::span<JournalRecord> ring) noexcept {
    const unsigned turn_shift = turn_shift_of(ring.size());
    for (std::size_t at = 0; at < ring.size(); ++at) {
        const Words words = words_of(ring[at]);
        if (!is_empty(words) && !number_of(words, at, turn_shift)) clear(ring[at]);
    }
}

void Journal::upgrade(std::span<JournalRecord> ring) noexcept {
    const unsigned turn_shift = turn_shift_of(ring.size());
    for (std::size_t at = 0; at < ring.size(); ++at) {
        const Words words = words_of(ring[at]);
        if (number_of(words, at, turn_shift)) continue;  // of an upgrade that was cut off
        const std::uint64_t number = words.seal - 1;
        const bool is_record =
            words.seal != 0 && number < number_end && (number & (ring.size() - 1)) == at;
        if (!is_record) continue;
        const std::uint32_t checksum = checksum_of(words.key, words.when, words.tokens, number);
        ring[at].seal.store(seal_of(number >> turn_shift, checksum), std::memory_order_relaxed);
    }
}

}  // namespace sluicegate::limit
