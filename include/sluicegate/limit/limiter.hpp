#pragma once
/// Decides whether a user may call a model now: requests, tokens and concurrency in one step.
///
/// Threads    any number may call everything at once; one spin byte guards one (user, model).
/// Memory     bounded by Settings::slots, twice where a plan has a limit per day; keys that were
///            idle for a window are evicted on demand, which loses nothing (law L4). Nothing is
///            allocated per request.
/// Errors     none: when every slot is in use, newcomers share overflow slots, which reject
///            sooner, never later.
/// Source     docs/limits.md states the laws that this holds to.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/ids.hpp"
#include "sluicegate/limit/decision.hpp"
#include "sluicegate/limit/hint.hpp"
#include "sluicegate/limit/plan.hpp"
#include "sluicegate/limit/reservation.hpp"
#include "sluicegate/limit/state.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

namespace sluicegate::limit {

struct Settings {
    static constexpr Milliseconds window_max{60'000};
    static constexpr std::uint32_t slots_max = 12'000'000;
    /// What "per day" means, and how exactly: a request counts up to one unit longer, never
    /// shorter.
    static constexpr Milliseconds day{86'400'000};
    static constexpr Milliseconds day_unit{2000};

    Milliseconds window{60'000};    ///< 1 ms … window_max; what "per minute" means
    std::uint32_t slots = 1 << 20;  ///< 1 … slots_max; (user, model) pairs active in one window
};

/// Since the Limiter was made; for metrics.
struct TableCounts {
    std::uint64_t slots_used = 0;        ///< now
    std::uint64_t bytes_mapped = 0;      ///< now: slots in slabs, and the index
    std::uint64_t promotions = 0;        ///< keys moved to a larger slot
    std::uint64_t promotions_short = 0;  ///< no larger slot was free: the key merges runs instead
    std::uint64_t evictions = 0;         ///< idle slots given to another key
    std::uint64_t overflows = 0;         ///< requests decided by a shared overflow slot
};

struct [[nodiscard]] Admission {
    Decision decision;
    Reservation reservation;  ///< active exactly when admitted
};

struct Asked;
struct Bounds;
class Journal;
struct Key;
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
    /// `hint`, if any: this limiter's own for this user and model.
    Admission admit(UserId user, ModelId model, const Plan& plan, const Demand& demand, Instant now,
                    Hint* hint = nullptr) noexcept;

    /// What is used and left, without charging anything. For status pages.
    [[nodiscard]] Budgets peek(UserId user, ModelId model, const Plan& plan, Instant now) noexcept;

    /// Brings the key's slot towards the cache: call as soon as user and model are known.
    void prefetch(UserId user, ModelId model) const noexcept;
    /// The same without a look-up, which may have to wait for memory itself.
    void prefetch(const Hint& hint) const noexcept;

    [[nodiscard]] TableCounts counts() const noexcept;
    /// The same of the table for limits per day, which is made for the first plan that has one.
    [[nodiscard]] TableCounts day_counts() const noexcept;

    /// Calls `act` with all that counts at `now`, with no lock held. What is charged meanwhile may
    /// be part of it or not; a journal tells.
    void visit_state(Instant now, const std::function<void(const KeyState&)>& act) const;
    /// Counts it again, as if it had been charged here: for a new limiter, before requests are
    /// admitted. Each key once for each window; then what is shared, in one piece for each window;
    /// then keys of which only the journal knew.
    void restore_state(const KeyState& state, Instant now);
    /// From now on every charge is appended to the journal before its caller goes on; nullptr ends
    /// it. The journal must live until then.
    void set_journal(Journal* journal) noexcept {
        journal_.store(journal, std::memory_order_release);
    }
    /// Settings::window, within its bounds.
    [[nodiscard]] Milliseconds window() const noexcept;

private:
    friend class Reservation;

    void record(const Key& key, std::uint64_t at_ms, std::uint64_t tokens, bool is_request,
                bool per_day) noexcept;
    void grow(Reservation::Ticket& ticket, std::int64_t tokens_in_all, Instant now) noexcept;
    void settle(Reservation::Ticket& ticket, std::int64_t actual_tokens, Instant now) noexcept;
    void correct(Reservation::Ticket& ticket, std::uint64_t used, Instant now, bool ends) noexcept;
    void cancel(const Reservation::Ticket& ticket, std::optional<Instant> now) noexcept;

    /// admit(), compiled once for plans with limits per day and once for those without.
    template <bool has_day>
    Admission admit_by(const Key& key, const Plan& plan, const Bounds& bounds, const Asked& asked,
                       std::uint64_t now_ms, Hint* hint) noexcept;
    /// Made when first asked for.
    SlotTable& days() noexcept;

    std::uint32_t slots_;
    std::unique_ptr<SlotTable> minutes_;
    std::atomic<SlotTable*> days_{nullptr};
    std::once_flag days_made_;
    std::unique_ptr<SlotTable> days_owner_;
    std::atomic<Journal*> journal_{nullptr};
};

}  // namespace sluicegate::limit
