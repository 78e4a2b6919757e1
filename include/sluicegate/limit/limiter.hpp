#pragma once
/// Decides whether a user may call a model now: requests, tokens and concurrency in one step.
///
/// Threads    any number may call everything at once; a shard of the keys has one mutex.
/// Memory     bounded by Settings::slots, twice where a plan has a limit per day. A key that was
///            idle for a window is evicted when another one needs its slot; that loses nothing
///            (law L4).
/// Errors     none: when every slot is in use, new keys share overflow slots, which refuse sooner,
///            never later.
/// Source     docs/limits.md states what it promises, docs/limits-proofs.md the laws.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/ids.hpp"
#include "sluicegate/limit/decision.hpp"
#include "sluicegate/limit/plan.hpp"
#include "sluicegate/limit/reservation.hpp"
#include "sluicegate/limit/state.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace sluicegate::limit {

struct Settings {
    static constexpr Milliseconds window_max{60'000};
    static constexpr std::uint32_t slots_max = 12'000'000;
    /// What "per day" means. A request counts up to one unit longer, never shorter.
    static constexpr Milliseconds day{86'400'000};
    static constexpr Milliseconds day_unit{2000};

    Milliseconds window{60'000};    ///< 1 ms … window_max; what "per minute" means
    std::uint32_t slots = 1 << 20;  ///< 1 … slots_max; (user, model) pairs active in one window
};

/// Of one window, since the limiter was made; for metrics.
struct TableCounts {
    std::uint64_t slots_used = 0;    ///< now
    std::uint64_t bytes_mapped = 0;  ///< now: slots, their blocks, and the maps
    std::uint64_t evictions = 0;     ///< idle slots given to another key
    std::uint64_t overflows = 0;     ///< requests decided by a shared overflow slot
};

struct [[nodiscard]] Admission {
    Decision decision;
    Reservation reservation;  ///< active exactly when admitted
};

class Journal;
class SlotTable;

class Limiter {
public:
    /// Settings out of range are moved to the nearest bound. Throws std::bad_alloc only.
    explicit Limiter(const Settings& settings);
    ~Limiter();
    Limiter(const Limiter&) = delete;
    Limiter& operator=(const Limiter&) = delete;

    /// Checks every limit, then charges all of them or none. Reserves what the demand states and
    /// guesses together, but no more than the smallest token limit that is enforced: an idle key
    /// always admits a request whose size is only guessed. A request that states more than such a
    /// limit can never fit. `now` may step back: time then stands still for the key (law L6).
    Admission admit(UserId user, ModelId model, const Plan& plan, const Demand& demand,
                    Instant now) noexcept;

    /// What is used and left, without charging anything. For status pages.
    [[nodiscard]] Budgets peek(UserId user, ModelId model, const Plan& plan, Instant now) noexcept;

    [[nodiscard]] TableCounts counts() const noexcept;
    /// The same for limits per day, which are counted from the first plan that has one.
    [[nodiscard]] TableCounts day_counts() const noexcept;

    /// Calls `act` with all that counts at `now`, with no lock held. What is charged meanwhile may
    /// or may not be part of it; the journal has it.
    void visit_state(Instant now, const std::function<void(const KeyState&)>& act) const;
    /// Counts it again, as if it had been charged here: for a new limiter, before it admits
    /// requests. First each key once for each window, then what is shared, in one piece for each
    /// window, then keys that only the journal knew.
    void restore_state(const KeyState& state, Instant now);
    /// From now on every charge is appended to the journal before its caller goes on. nullptr ends
    /// that; the journal must live until then.
    void set_journal(Journal* journal) noexcept {
        journal_.store(journal, std::memory_order_release);
    }
    /// Settings::window, within its bounds.
    [[nodiscard]] Milliseconds window() const noexcept;

private:
    friend class Reservation;

    void record(UserId user, ModelId model, std::uint64_t at_ms, std::uint64_t tokens,
                bool is_request, bool per_day) noexcept;
    /// Replaces what is reserved by what was used; `ends`: the request is no longer in flight.
    void correct(Reservation::Ticket& ticket, std::uint64_t used, Instant now, bool ends) noexcept;
    void cancel(const Reservation::Ticket& ticket, std::optional<Instant> now) noexcept;

    std::unique_ptr<SlotTable> table_;
    std::atomic<Journal*> journal_{nullptr};
};

}  // namespace sluicegate::limit
