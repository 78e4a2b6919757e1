#pragma once
/// The keys that seal the session tickets of all listeners. They are replaced from time to time, so
/// that a key that is stolen opens little of what was recorded before.
///
/// One object serves the whole process: a ticket of one worker is good at each other one, and stays
/// good over a reload that brings a new certificate.
///
/// Life       a key seals tickets for one `period`, and opens them for `kept_max` more. No ticket
///            lives longer than that (`ticket_lifetime`).
/// Threads    any; handshakes of all workers share one short lock.
/// Secrecy    keys are never written down, and are wiped when they are dropped.
/// Source     RFC 5077, 4 and 5.5; RFC 8446, 4.6.1 and C.4; RFC 9325, 3.4.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

struct ssl_ctx_st;

namespace sluicegate::net {

class TicketKeys {
public:
    static constexpr std::chrono::hours period{1};
    static constexpr std::chrono::seconds ticket_lifetime = std::chrono::hours(2);
    static constexpr std::size_t kept_max = 2;
    static_assert(kept_max * period >= ticket_lifetime);

    using Name = std::array<std::uint8_t, 16>;
    struct Key {
        Name name{};  ///< stands in the ticket, in plain
        std::array<std::uint8_t, 32> cipher{};
        std::array<std::uint8_t, 32> mac{};

        Key() = default;
        Key(const Key&) = default;
        Key& operator=(const Key&) = default;
        ~Key();
    };
    struct Found {
        Key key;
        bool is_newest = false;
    };

    /// Throws std::runtime_error if OpenSSL has no randomness.
    TicketKeys();
    TicketKeys(const TicketKeys&) = delete;
    TicketKeys& operator=(const TicketKeys&) = delete;

    /// Makes a new key, which seals from now on, and drops the oldest. Call once in each `period`.
    void rotate();
    /// The key that seals.
    [[nodiscard]] Key newest() const;
    /// Nothing for a key that was dropped, or never existed.
    [[nodiscard]] std::optional<Found> find(const std::uint8_t* name) const;

private:
    mutable std::mutex mutex_;
    std::deque<Key> keys_;  ///< the newest first; never empty
};

/// `server` seals and opens its tickets with these keys, and keeps them alive.
void use_ticket_keys(ssl_ctx_st* server, std::shared_ptr<const TicketKeys> keys);

}  // namespace sluicegate::net
