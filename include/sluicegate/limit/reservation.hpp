#pragma once
/// Budget held for one request until its real usage is known.
///
/// Units      model tokens; requests count as 1.
/// Ownership  movable, one owner; the Limiter must outlive it.
/// Threads    not safe to share; grow, settle or cancel on any thread.
/// Errors     none: nothing here fails.
/// Unsettled  destruction gives everything back, like cancel(), so every early return is safe.
/// Source     docs/limits.md, laws L5 and L8.

#include "sluicegate/base/clock.hpp"

#include <cstdint>
#include <utility>

namespace sluicegate::limit {

class Limiter;

class [[nodiscard]] Reservation {
public:
    /// Holds nothing.
    Reservation() noexcept = default;
    Reservation(Reservation&& other) noexcept
        : limiter_(std::exchange(other.limiter_, nullptr)), ticket_(other.ticket_) {}
    Reservation& operator=(Reservation&& other) noexcept {
        if (this != &other) {
            release();
            limiter_ = std::exchange(other.limiter_, nullptr);
            ticket_ = other.ticket_;
        }
        return *this;
    }
    ~Reservation() {
        if (limiter_ != nullptr) release();
    }

    /// Raises the reservation to what the answer has used up to now, in all; no effect when that is
    /// not more than reserved(). Each call may take a run of the key's log once the request is
    /// older than the window: call it in steps of some hundred tokens, not for each one.
    void grow(std::int64_t tokens_in_all, Instant now) noexcept;
    /// Replaces the estimate by what was really used: the request stays counted, tokens that were
    /// not needed come back, tokens beyond the estimate are charged. Then holds nothing.
    void settle(std::int64_t actual_tokens, Instant now) noexcept;
    /// The request never reached an upstream: it and its tokens are given back. Then holds nothing.
    void cancel(Instant now) noexcept;
    [[nodiscard]] bool is_active() const noexcept { return limiter_ != nullptr; }
    /// Tokens held now.
    [[nodiscard]] std::int64_t reserved() const noexcept {
        return limiter_ == nullptr ? 0 : ticket_.tokens;
    }

private:
    friend class Limiter;

    /// The latest charge in one window: what can still be given back while it is live.
    struct Charged {
        std::uint64_t stamp = 0;   ///< when, by the slot's clock
        std::uint32_t tokens = 0;  ///< by this charge alone
        bool has_request = false;  ///< false for growth after the request had expired
        bool is_overflow = false;  ///< in an overflow slot that keys share
    };
    /// Finds the charges again by key and time, never by address: slots may have moved.
    struct Ticket {
        std::uint64_t key = 0;
        Charged minute;
        Charged day;               ///< only if counts_day
        std::uint32_t tokens = 0;  ///< reserved in all
        bool counts_day = false;   ///< the plan had a limit per day
    };

    Reservation(Limiter& limiter, const Ticket& ticket) noexcept
        : limiter_(&limiter), ticket_(ticket) {}
    void release() noexcept;

    Limiter* limiter_ = nullptr;
    Ticket ticket_;
};

}  // namespace sluicegate::limit
