#pragma once
/// Budget held for one request until its real usage is known.
///
/// Units      model tokens; requests count as 1.
/// Ownership  movable, one owner; the Limiter must outlive it.
/// Threads    not safe to share; grow, settle or cancel on any thread.
/// Errors     none: nothing here fails.
/// Unsettled  destruction gives everything back, like cancel(), so every early return is safe.
/// Source     docs/limits-proofs.md, laws L5 and L8.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/ids.hpp"

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

    /// Raises the reservation to all that the answer has used so far; no effect when that is not
    /// more than reserved(). Once the request is older than the window, each call may take a run of
    /// the key's log: call it in steps of some hundred tokens, not for each token.
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

    /// The latest charge in one window, which can be given back while it still counts.
    struct Charged {
        std::uint64_t stamp = 0;   ///< when, by the slot's clock
        std::uint32_t tokens = 0;  ///< of this charge alone
        bool has_request = false;  ///< false for growth after the request had expired
        bool is_overflow = false;  ///< in an overflow slot that keys share
    };
    /// Names the charges by key and time.
    struct Ticket {
        UserId user{};
        ModelId model{};
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
