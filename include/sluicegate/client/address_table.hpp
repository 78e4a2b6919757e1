#pragma once
/// What the process knows of each client address: its open connections, its TLS handshakes and its
/// failed authentications.
///
/// Address    an IPv4 address, an IPv6 network of 64 bits, or all Unix sockets together. An IPv4
///            address that is mapped into IPv6 counts as IPv4.
/// Bounds     a fixed number of entries, at least four for each connection that may be open.
/// Replacing  an entry with open connections stays. Of the others, a newcomer replaces the one of
///            its bucket with the fewest failures. An attacker with many addresses can therefore
///            not wipe out the failures of one, except by failing as often on each of the others.
///            The hash is seeded, so that buckets cannot be chosen. Where all entries of a bucket
///            have open connections, a further address is served and not counted.
/// Windows    a minute is 12 to 13 steps of 5 s: never less than a minute.
/// Threads    any; one mutex for each group of buckets.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/net/stream.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace sluicegate::client {

/// How often something has happened in the last minute.
class MinuteCount {
public:
    /// One more at `step`, the number of a span of step_length.
    void add(std::uint32_t step) noexcept;
    [[nodiscard]] unsigned sum(std::uint32_t step) const noexcept;
    /// How many steps from now the sum falls below `limit` if nothing more happens.
    [[nodiscard]] unsigned steps_until_below(unsigned limit, std::uint32_t step) const noexcept;

    static constexpr Milliseconds step_length{5000};

private:
    static constexpr unsigned steps = 13;
    [[nodiscard]] unsigned expired(std::uint32_t step) const noexcept;

    std::array<std::uint16_t, steps> counts_{};  ///< by step modulo steps
    std::uint32_t latest_ = 0;
};

class AddressTable {
public:
    /// In a minute. A failed handshake costs up to some 1 ms of CPU, so that these are 5 % of one
    /// core.
    static constexpr unsigned handshakes_failed_max = 3000;
    /// An address may have so many failures for this time after it has shown a valid key: it may be
    /// a balancer, and its other clients are not to blame.
    static constexpr Milliseconds known_time = std::chrono::minutes(10);
    /// Unfinished at the same time: this share of the connections that may be open. Beyond it, a
    /// new connection of the address takes over the place of the longest idle stranger.
    static constexpr std::size_t handshakes_open_divisor = 4;
    static constexpr std::size_t handshakes_open_min = 16;

    enum class Refusal : std::uint8_t {
        connections,  ///< the address has as many as it may have
        handshakes    ///< too many of its handshakes have failed
    };
    struct Limits {
        std::size_t connections_max = 0;  ///< of one address; 0: no limit
        bool is_tls = false;              ///< the connection begins with a handshake
    };
    class Hold;

    explicit AddressTable(std::size_t connections_max);
    AddressTable(const AddressTable&) = delete;
    AddressTable& operator=(const AddressTable&) = delete;

    /// Before the first connection.
    void set_connections_max(std::size_t connections_max);

    /// A connection from `address` begins. Nothing, with the reason in `refusal`, when the address
    /// has too many.
    [[nodiscard]] std::optional<Hold> open(const net::AddressBytes& address, const Limits& limits,
                                           Instant now, Refusal& refusal);

    /// An attempt to authenticate has failed. Nothing when it is one of the first `limit` in a
    /// minute, which are counted; else the time after which another one may be counted.
    [[nodiscard]] std::optional<Milliseconds> note_auth_failure(const net::AddressBytes& address,
                                                                unsigned limit, Instant now);

    [[nodiscard]] std::size_t capacity() const noexcept { return entries_.size(); }

    /// What counts as one address.
    [[nodiscard]] static net::AddressBytes key_of(const net::AddressBytes& address) noexcept;

private:
    struct Entry {
        net::AddressBytes key{};
        std::uint32_t connections = 0;
        std::uint32_t known = 0;       ///< of these: have shown a valid key
        std::uint32_t handshakes = 0;  ///< of these: not finished
        std::uint32_t known_at = 0;    ///< step at which one has shown a valid key; 0: never
        MinuteCount failed_authentications;
        MinuteCount failed_handshakes;
        std::uint32_t used_at = 0;  ///< step of the latest use
        bool is_used = false;
    };

    static constexpr std::size_t entries_per_bucket = 16;
    static constexpr std::size_t groups = 64;

    [[nodiscard]] static bool is_known(const Entry& entry, std::uint32_t step) noexcept;
    [[nodiscard]] std::size_t bucket_of(const net::AddressBytes& key) const noexcept;
    [[nodiscard]] std::mutex& mutex_of(std::size_t entry) noexcept {
        return mutexes_[entry / entries_per_bucket % groups];
    }
    /// The entry of `key`, perhaps a new one; null when its bucket is full of open connections.
    [[nodiscard]] Entry* find_or_make(std::size_t bucket, const net::AddressBytes& key,
                                      std::uint32_t step) noexcept;

    std::array<std::uint64_t, 2> seed_;
    std::vector<Entry> entries_;
    std::size_t handshakes_open_max_ = 0;
    std::array<std::mutex, groups> mutexes_;
};

/// One open connection of an address.
class [[nodiscard]] AddressTable::Hold {
public:
    /// Of a connection that is not counted.
    Hold() noexcept : Hold(nullptr, 0, false, false) {}
    Hold(Hold&& other) noexcept
        : table_(std::exchange(other.table_, nullptr)),
          entry_(other.entry_),
          is_shaking_(other.is_shaking_),
          is_crowded_(other.is_crowded_),
          is_known_(other.is_known_) {}
    Hold& operator=(Hold&&) = delete;
    ~Hold();

    /// The handshake is over. One that we have cut off ourselves is no failure of the client.
    void end_handshake(bool has_failed, Instant now) noexcept;
    /// The connection has shown a valid key.
    void note_known(Instant now) noexcept;
    /// The address has so many unfinished handshakes that this connection is to take over a place.
    [[nodiscard]] bool is_crowded() const noexcept { return is_crowded_; }

private:
    friend class AddressTable;
    /// `table` is null for a connection that is not counted.
    Hold(AddressTable* table, std::size_t entry, bool is_shaking, bool is_crowded) noexcept
        : table_(table), entry_(entry), is_shaking_(is_shaking), is_crowded_(is_crowded) {}

    AddressTable* table_;
    std::size_t entry_;
    bool is_shaking_;
    bool is_crowded_;
    bool is_known_ = false;
};

}  // namespace sluicegate::client
