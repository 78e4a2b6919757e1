#include "sluicegate/client/address_table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <random>
#include <tuple>

namespace sluicegate::client {
namespace {

constexpr std::size_t entries_min = std::size_t{1} << 16;
constexpr std::size_t entries_max = std::size_t{1} << 21;
constexpr std::size_t entries_per_connection = 4;

std::uint32_t step_of(Instant now) noexcept {
    return static_cast<std::uint32_t>(now.time_since_epoch() / MinuteCount::step_length);
}

std::uint64_t random_word() {
    std::random_device device;
    return (std::uint64_t{device()} << 32U) | device();
}

/// The last mixing step of MurmurHash3.
std::uint64_t mixed(std::uint64_t word) noexcept {
    word ^= word >> 33U;
    word *= 0xff51afd7ed558ccdU;
    word ^= word >> 33U;
    word *= 0xc4ceb9fe1a85ec53U;
    return word ^ (word >> 33U);
}

}  // namespace

// Workers read the clock each for itself, so a step may be one behind the latest.
unsigned MinuteCount::expired(std::uint32_t step) const noexcept {
    return std::min(step - std::min(step, latest_), steps);
}

void MinuteCount::add(std::uint32_t step) noexcept {
    const unsigned cleared = expired(step);
    latest_ = std::max(step, latest_);
    for (unsigned age = 0; age < cleared; ++age) counts_[(latest_ - age) % steps] = 0;
    std::uint16_t& count = counts_[latest_ % steps];
    if (count < std::numeric_limits<std::uint16_t>::max()) ++count;
}

unsigned MinuteCount::sum(std::uint32_t step) const noexcept {
    unsigned sum = 0;
    for (unsigned age = 0; age + expired(step) < steps && age <= latest_; ++age) {
        sum += counts_[(latest_ - age) % steps];
    }
    return sum;
}

unsigned MinuteCount::steps_until_below(unsigned limit, std::uint32_t step) const noexcept {
    unsigned wait = 0;
    while (wait < steps && sum(step + wait) >= limit) ++wait;
    return wait;
}

AddressTable::AddressTable(std::size_t connections_max) : seed_{random_word(), random_word()} {
    set_connections_max(connections_max);
}

void AddressTable::set_connections_max(std::size_t connections_max) {
    const std::size_t wanted = std::min(connections_max, entries_max) * entries_per_connection;
    entries_ = std::vector<Entry>(std::clamp(std::bit_ceil(wanted), entries_min, entries_max));
    handshakes_open_max_ = std::max(connections_max / handshakes_open_divisor, handshakes_open_min);
}

bool AddressTable::is_known(const Entry& entry, std::uint32_t step) noexcept {
    if (entry.known > 0) return true;
    return entry.known_at > 0 && step - entry.known_at <= known_time / MinuteCount::step_length;
}

net::AddressBytes AddressTable::key_of(const net::AddressBytes& address) noexcept {
    static constexpr net::AddressBytes unix_socket{};
    static constexpr std::array<std::uint8_t, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
    if (address == unix_socket) return address;
    if (std::equal(v4_prefix.begin(), v4_prefix.end(), address.begin())) return address;
    net::AddressBytes key{};
    std::copy_n(address.begin(), 8, key.begin());
    key.back() = 1;  // ::1 is not the key of Unix sockets
    return key;
}

std::size_t AddressTable::bucket_of(const net::AddressBytes& key) const noexcept {
    std::array<std::uint64_t, 2> words;
    std::memcpy(words.data(), key.data(), key.size());
    const std::uint64_t hash = mixed(mixed(words[0] ^ seed_[0]) + (words[1] ^ seed_[1]));
    return static_cast<std::size_t>(hash) & (entries_.size() / entries_per_bucket - 1);
}

AddressTable::Entry* AddressTable::find_or_make(std::size_t bucket, const net::AddressBytes& key,
                                                std::uint32_t step) noexcept {
    Entry* const first = entries_.data() + bucket * entries_per_bucket;
    Entry* replaced = nullptr;
    std::tuple<bool, unsigned, std::uint32_t> least;
    for (Entry* entry = first; entry != first + entries_per_bucket; ++entry) {
        if (entry->is_used && entry->key == key) {
            entry->used_at = step;
            return entry;
        }
        if (entry->connections > 0) continue;
        const unsigned failures =
            entry->failed_authentications.sum(step) + entry->failed_handshakes.sum(step);
        const std::tuple rank(entry->is_used, failures, entry->used_at);
        if (replaced != nullptr && rank >= least) continue;
        replaced = entry;
        least = rank;
    }
    if (replaced == nullptr) return nullptr;
    *replaced = Entry();
    replaced->key = key;
    replaced->used_at = step;
    replaced->is_used = true;
    return replaced;
}

std::optional<AddressTable::Hold> AddressTable::open(const net::AddressBytes& address,
                                                     const Limits& limits, Instant now,
                                                     Refusal& refusal) {
    const net::AddressBytes key = key_of(address);
    const std::size_t bucket = bucket_of(key);
    const std::uint32_t step = step_of(now);
    const std::scoped_lock lock(mutex_of(bucket * entries_per_bucket));
    Entry* const entry = find_or_make(bucket, key, step);
    if (entry == nullptr) return Hold(nullptr, 0, false, false);
    if (limits.connections_max > 0 && entry->connections >= limits.connections_max) {
        refusal = Refusal::connections;
        return std::nullopt;
    }
    if (limits.is_tls && entry->failed_handshakes.sum(step) >= handshakes_failed_max &&
        !is_known(*entry, step)) {
        refusal = Refusal::handshakes;
        return std::nullopt;
    }
    const bool is_crowded = limits.is_tls && entry->handshakes >= handshakes_open_max_;
    ++entry->connections;
    if (limits.is_tls) ++entry->handshakes;
    return Hold(this, static_cast<std::size_t>(entry - entries_.data()), limits.is_tls, is_crowded);
}

std::optional<Milliseconds> AddressTable::note_auth_failure(const net::AddressBytes& address,
                                                            unsigned limit, Instant now) {
    const net::AddressBytes key = key_of(address);
    const std::size_t bucket = bucket_of(key);
    const std::uint32_t step = step_of(now);
    const std::scoped_lock lock(mutex_of(bucket * entries_per_bucket));
    Entry* const entry = find_or_make(bucket, key, step);
    if (entry == nullptr) return std::nullopt;
    MinuteCount& failures = entry->failed_authentications;
    if (failures.sum(step) < limit) {
        failures.add(step);
        return std::nullopt;
    }
    const Instant free_at{MinuteCount::step_length *
                          std::int64_t{step + failures.steps_until_below(limit, step)}};
    return std::max(std::chrono::ceil<Milliseconds>(free_at - now), Milliseconds(1));
}

AddressTable::Hold::~Hold() {
    if (table_ == nullptr) return;
    const std::scoped_lock lock(table_->mutex_of(entry_));
    Entry& entry = table_->entries_[entry_];
    --entry.connections;
    if (is_shaking_) --entry.handshakes;
    if (is_known_) --entry.known;
}

void AddressTable::Hold::end_handshake(bool has_failed, Instant now) noexcept {
    if (table_ == nullptr || !is_shaking_) return;
    is_shaking_ = false;
    const std::scoped_lock lock(table_->mutex_of(entry_));
    Entry& entry = table_->entries_[entry_];
    --entry.handshakes;
    if (has_failed) entry.failed_handshakes.add(step_of(now));
}

void AddressTable::Hold::note_known(Instant now) noexcept {
    if (table_ == nullptr || is_known_) return;
    is_known_ = true;
    const std::scoped_lock lock(table_->mutex_of(entry_));
    Entry& entry = table_->entries_[entry_];
    ++entry.known;
    entry.known_at = step_of(now);
}

}  // namespace sluicegate::client
