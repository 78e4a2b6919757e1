#pragma once
/// The sliding window of one key: a short ring of runs with cached sums.
///
/// While the ring has room every tick has its own run, and the log is exact. Once it was full and
/// the slot cannot grow, an event within w = W / (R - 1) of its run's first event joins that run,
/// and the run carries the time of its last event: it expires later than it had to, by at most w,
/// never earlier.
///
/// Units      ticks of the slot's clock (WindowSpans), which advance() moves and nothing turns
/// back. Ownership  a view; the caller holds the slot's lock. Source     docs/limits.md, laws
/// L1-L6.

#include "limit/slot.hpp"

#include <cassert>
#include <cstdint>
#include <limits>

namespace sluicegate::limit {

enum class Charge : std::uint8_t {
    done,
    needs_larger,  ///< nothing charged: every run of the ring is in use
    needs_wide,    ///< nothing charged: the run cannot count so much
    impossible     ///< the same, and the slot may not grow
};

template <class Run>
class RunLog {
public:
    using Stamp = typename Run::Stamp;
    static constexpr std::uint64_t run_requests_max =
        std::numeric_limits<decltype(Run::requests)>::max();

    RunLog(Slot& slot, const WindowSpans& spans) noexcept
        : slot_(slot),
          runs_(reinterpret_cast<Run*>(slot.ring)),
          window_(spans.window),
          join_(spans.join[index_of(slot.size)]),
          runs_max_(runs_max[index_of(slot.size)]) {}

    /// Moves the slot's clock, never backwards, and drops the runs that are a window old.
    void advance(std::uint64_t now) noexcept {
        const std::uint64_t before = slot_.clock;
        if (now <= before) return;
        const std::uint64_t step = now - before;
        if (step >= window_) {
            clear();
        } else {
            while (slot_.count != 0 && step + age(run(0)) >= window_) drop_oldest();
        }
        slot_.clock = now & clock_mask;
    }

    /// The slot's time, in which charges are stamped.
    [[nodiscard]] std::uint64_t clock() const noexcept { return slot_.clock; }

    /// Finds room for a charge at the slot's time, if need be by merging runs, and charges nothing:
    /// a decision that needs several logs looks for room in all of them first. `may_grow`: tell
    /// what is lacking instead of making do.
    Charge make_room(std::uint32_t requests, bool may_grow) noexcept {
        if (slot_.count != 0 && joins_newest()) return room_in_newest(requests, may_grow);
        if (slot_.count < runs_max_) return Charge::done;
        drop_empty();
        if (slot_.count < runs_max_) return Charge::done;
        if (may_grow && slot_.size < SizeClass::large) return Charge::needs_larger;
        merge_near();
        if (joins_newest()) return room_in_newest(requests, may_grow);
        if (slot_.count < runs_max_) return Charge::done;
        return may_grow ? Charge::needs_wide : Charge::impossible;
    }

    /// Charges at the slot's time; make_room() has just said that it can be done.
    void charge(std::uint32_t requests, std::uint64_t tokens) noexcept {
        if (slot_.count != 0 && joins_newest()) {
            add_to_newest(requests, tokens);
        } else {
            push(requests, tokens);
        }
    }

    /// Charges tokens that were used already: never impossible.
    Charge charge_debt(std::uint64_t tokens, bool may_grow) noexcept {
        const Charge room = make_room(0, may_grow);
        if (room == Charge::done) {
            charge(0, tokens);
            return Charge::done;
        }
        if (room != Charge::impossible) return room;
        Run& newest = run(slot_.count - 1U);
        newest.stamp = stamp_now();
        add_tokens(newest, tokens);
        return Charge::done;
    }

    /// Whether what was charged at `stamp` still counts. Its run may outlive it by the join
    /// span; to take it for expired then is on the safe side, and needs no record of what was
    /// dropped: a refund can never reach a run that is not its own.
    [[nodiscard]] bool is_live(std::uint64_t stamp) const noexcept {
        return slot_.clock - stamp < window_;
    }

    /// Takes back what was charged at `stamp`, which is_live().
    void refund(std::uint64_t stamp, std::uint32_t requests, std::uint64_t tokens) noexcept {
        Run& charged = run_of(stamp);
        assert(charged.requests >= requests);
        // A count that had saturated gives back no more than it holds.
        const std::uint64_t given = std::min<std::uint64_t>(charged.tokens, tokens);
        subtract(charged, requests, given);
    }

    /// Adds tokens to what was charged at `stamp`, which is_live().
    void extend(std::uint64_t stamp, std::uint64_t tokens) noexcept {
        add_tokens(run_of(stamp), tokens);
    }

    /// Time until that many requests have expired; the sum holds at least so many.
    [[nodiscard]] std::uint64_t wait_for_requests(std::uint64_t requests) const noexcept {
        return wait_for(&Run::requests, requests);
    }
    [[nodiscard]] std::uint64_t wait_for_tokens(std::uint64_t tokens) const noexcept {
        return wait_for(&Run::tokens, tokens);
    }
    /// Time until a new run may begin; for a run that is full (Charge::impossible).
    [[nodiscard]] std::uint64_t wait_for_run() const noexcept {
        if (slot_.is_joining == 0) return 1;
        return join_ + 1 - static_cast<std::uint16_t>(stamp_now() - slot_.first);
    }

    /// Time until no request (no token) is counted any more.
    [[nodiscard]] std::uint64_t reset_of_requests() const noexcept {
        return reset_of(&Run::requests);
    }
    [[nodiscard]] std::uint64_t reset_of_tokens() const noexcept { return reset_of(&Run::tokens); }

    /// Takes over the runs of another slot; this one has room for all of them.
    template <class Other>
    void copy_from(const RunLog<Other>& other) noexcept {
        slot_.clock = other.slot_.clock;
        slot_.first = other.slot_.first;
        slot_.is_joining = other.slot_.is_joining;
        slot_.requests = other.slot_.requests;
        slot_.tokens = other.slot_.tokens;
        slot_.head = 0;
        slot_.count = other.slot_.count;
        assert(slot_.count <= runs_max_);
        for (unsigned i = 0; i < slot_.count; ++i) {
            const Other& from = other.run(i);
            // Stamps differ in width: age is what they have in common.
            runs_[i] = Run{static_cast<Stamp>(stamp_now() - other.age(from)),
                           static_cast<decltype(Run::requests)>(from.requests),
                           static_cast<decltype(Run::tokens)>(from.tokens)};
        }
    }

    /// Calls `act` with the time, the requests and the tokens of each run, oldest first.
    template <class Act>
    void visit(Act&& act) const {
        for (unsigned i = 0; i < slot_.count; ++i) {
            const Run& each = run(i);
            act(slot_.clock - age(each), std::uint64_t{each.requests}, std::uint64_t{each.tokens});
        }
    }

    /// Sets the slot's time, also back: for a slot that holds nothing.
    void start_at(std::uint64_t time) noexcept {
        assert(slot_.count == 0);
        slot_.clock = time & clock_mask;
    }

private:
    template <class>
    friend class RunLog;

    static constexpr std::uint64_t clock_mask = (std::uint64_t{1} << 48U) - 1;

    [[nodiscard]] Stamp stamp_now() const noexcept { return static_cast<Stamp>(slot_.clock); }
    /// Before the slot's time.
    [[nodiscard]] std::uint64_t age(const Run& of) const noexcept {
        return static_cast<Stamp>(stamp_now() - of.stamp);
    }
    [[nodiscard]] Run& run(unsigned i) const noexcept {
        const unsigned at = slot_.head + i;
        return runs_[at < runs_max_ ? at : at - runs_max_];
    }

    void clear() noexcept {
        slot_.count = 0;
        slot_.head = 0;
        slot_.requests = 0;
        slot_.tokens = 0;
        slot_.is_joining = 0;
    }

    void drop_oldest() noexcept {
        const Run& oldest = run(0);
        slot_.requests -= oldest.requests;
        set_tokens(slot_.tokens - oldest.tokens);
        const unsigned next = slot_.head + 1U;
        slot_.head = static_cast<std::uint8_t>(next == runs_max_ ? 0 : next);
        if (--slot_.count == 0) clear();
    }

    /// Equal stamps always share a run: a refund finds its run by the stamp.
    [[nodiscard]] bool joins_newest() const noexcept {
        if (run(slot_.count - 1U).stamp == stamp_now()) return true;
        return slot_.is_joining != 0 &&
               static_cast<std::uint16_t>(stamp_now() - slot_.first) <= join_;
    }

    [[nodiscard]] static bool fits(std::uint64_t held, std::uint64_t requests) noexcept {
        return held + requests <= run_requests_max;
    }

    [[nodiscard]] Charge room_in_newest(std::uint32_t requests, bool may_grow) const noexcept {
        if (fits(run(slot_.count - 1U).requests, requests)) return Charge::done;
        return may_grow ? Charge::needs_wide : Charge::impossible;
    }

    void add_to_newest(std::uint32_t requests, std::uint64_t tokens) noexcept {
        Run& newest = run(slot_.count - 1U);
        newest.stamp = stamp_now();
        newest.requests = static_cast<decltype(Run::requests)>(newest.requests + requests);
        slot_.requests += requests;
        add_tokens(newest, tokens);
    }

    void push(std::uint32_t requests, std::uint64_t tokens) noexcept {
        ++slot_.count;
        Run& newest = run(slot_.count - 1U);
        newest = Run{stamp_now(), static_cast<decltype(Run::requests)>(requests), 0};
        slot_.first = slot_.clock & 0xFFFFU;
        slot_.requests += requests;
        add_tokens(newest, tokens);
    }

    /// Saturates: a full 32-bit count is beyond every limit that a plan can state.
    void add_tokens(Run& to, std::uint64_t tokens) noexcept {
        const std::uint64_t room = std::numeric_limits<decltype(Run::tokens)>::max() - to.tokens;
        const std::uint64_t added = std::min(room, tokens);
        to.tokens = static_cast<decltype(Run::tokens)>(to.tokens + added);
        set_tokens(slot_.tokens + added);
    }

    void subtract(Run& from, std::uint32_t requests, std::uint64_t tokens) noexcept {
        from.requests = static_cast<decltype(Run::requests)>(from.requests - requests);
        from.tokens = static_cast<decltype(Run::tokens)>(from.tokens - tokens);
        slot_.requests -= requests;
        set_tokens(slot_.tokens - tokens);
    }

    void set_tokens(std::uint64_t sum) noexcept { slot_.tokens = sum & clock_mask; }

    /// The run that holds what was charged at `stamp`: the oldest that ends no earlier, because
    /// a run's events all lie after the end of the run before it.
    [[nodiscard]] Run& run_of(std::uint64_t stamp) const noexcept {
        assert(slot_.count != 0 && is_live(stamp));
        const std::uint64_t charged_age = slot_.clock - stamp;
        unsigned i = slot_.count - 1U;
        while (i > 0 && age(run(i - 1)) <= charged_age) --i;
        assert(age(run(i)) <= charged_age);
        return run(i);
    }

    /// Removes runs that refunds have emptied. The newest stays: `first` speaks of it.
    void drop_empty() noexcept {
        unsigned kept = 0;
        for (unsigned i = 0; i < slot_.count; ++i) {
            const Run each = run(i);
            const bool is_newest = i + 1U == slot_.count;
            if (each.requests != 0 || each.tokens != 0 || is_newest) run(kept++) = each;
        }
        slot_.count = static_cast<std::uint8_t>(kept);
    }

    /// From now on runs hold all events of a join span. Runs that start further apart than
    /// W / (R - 1) and lie within W are fewer than R, so this makes room, unless counts are too
    /// large for a run.
    void merge_near() noexcept {
        unsigned kept = 0;
        Stamp first = run(0).stamp;
        for (unsigned i = 1; i < slot_.count; ++i) {
            const Run each = run(i);
            Run& group = run(kept);
            if (static_cast<Stamp>(each.stamp - first) <= join_ &&
                fits(group.requests, each.requests) && fits_tokens(group, each.tokens)) {
                group.stamp = each.stamp;
                group.requests =
                    static_cast<decltype(Run::requests)>(group.requests + each.requests);
                group.tokens = static_cast<decltype(Run::tokens)>(group.tokens + each.tokens);
            } else {
                run(++kept) = each;
                first = each.stamp;
            }
        }
        slot_.count = static_cast<std::uint8_t>(kept + 1);
        slot_.first = static_cast<std::uint16_t>(first);
        slot_.is_joining = 1;
    }

    [[nodiscard]] static bool fits_tokens(const Run& held, std::uint64_t tokens) noexcept {
        return tokens <= std::numeric_limits<decltype(Run::tokens)>::max() - held.tokens;
    }

    template <class Count>
    [[nodiscard]] std::uint64_t wait_for(Count Run::* count, std::uint64_t needed) const noexcept {
        std::uint64_t freed = 0;
        for (unsigned i = 0; i < slot_.count; ++i) {
            const Run& each = run(i);
            freed += each.*count;
            if (freed >= needed) return window_ - age(each);
        }
        assert(false && "more was asked for than is counted");
        return window_;
    }

    template <class Count>
    [[nodiscard]] std::uint64_t reset_of(Count Run::* count) const noexcept {
        for (unsigned i = slot_.count; i-- > 0;) {
            const Run& each = run(i);
            if (each.*count != 0) return window_ - age(each);
        }
        return 0;
    }

    Slot& slot_;
    Run* runs_;
    std::uint64_t window_;
    std::uint32_t join_;
    unsigned runs_max_;
};

/// Calls `act` with the slot's log in the width of its runs.
template <class Act>
decltype(auto) with_run_log(Slot& slot, const WindowSpans& spans, Act&& act) {
    if (slot.size == SizeClass::wide) [[unlikely]] {
        return act(RunLog<WideRun>(slot, spans));
    }
    return act(RunLog<PackedRun>(slot, spans));
}

}  // namespace sluicegate::limit
