#pragma once
/// The sliding window of one key: a short ring of runs with cached sums.
///
/// While there is room, every tick has its own run, and the log is exact. Once the largest ring was
/// full, an event within w = W / (R - 1) of its run's first event joins that run. The run carries
/// the time of its last event, so an event may count for up to w too long, and never too short.
///
/// Units      ticks of the window; advance() moves the slot's clock, and nothing turns it back.
/// Ownership  a view; the caller holds the mutex of the slot's shard.
/// Source     docs/limits-proofs.md, laws L1-L6.

#include "limit/slot.hpp"
#include "limit/window.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <limits>

namespace sluicegate::limit {

class RunLog {
public:
    RunLog(Slot& slot, Window& window) noexcept : slot_(slot), window_(window) {}

    [[nodiscard]] Slot& slot() const noexcept { return slot_; }
    [[nodiscard]] const Window& window() const noexcept { return window_; }
    /// The slot's time, in which charges are stamped.
    [[nodiscard]] std::uint64_t clock() const noexcept { return slot_.clock; }

    /// Moves the slot's clock, never backwards, and drops the runs that are a window old.
    void advance(std::uint64_t now) noexcept {
        if (now <= slot_.clock) return;
        const std::uint64_t step = now - slot_.clock;
        while (slot_.count != 0 && step + age(slot_.run(0)) >= window_.length) drop_oldest();
        slot_.clock = now;
    }

    /// Sets the slot's time, also back: for a slot that holds nothing.
    void start_at(std::uint64_t time) noexcept {
        assert(slot_.count == 0 && slot_.in_flight == 0);
        slot_.clock = time;
    }

    /// Charges at the slot's time.
    void charge(std::uint32_t requests, std::uint64_t tokens) noexcept {
        if (!joins_newest()) begin_run();
        Run& newest = slot_.run(slot_.count - 1U);
        newest.stamp = stamp_now();
        newest.requests += requests;
        slot_.requests += requests;
        add_tokens(newest, tokens);
    }

    /// Charges all that another log counts, each run at its time; this slot must hold nothing.
    void take_over(const RunLog& other) noexcept {
        other.visit([&](std::uint64_t time, std::uint32_t requests, std::uint32_t tokens) {
            advance(time);
            charge(requests, tokens);
        });
        advance(other.clock());
    }

    /// Whether what was charged at `stamp` still counts. Its run may outlive it by the join span;
    /// it is taken for expired then, which is on the safe side: a refund never reaches a run that
    /// is not its own.
    [[nodiscard]] bool is_live(std::uint64_t stamp) const noexcept {
        return slot_.clock - stamp < window_.length;
    }

    /// Takes back what was charged at `stamp`, which is_live(). A count that stayed at its maximum
    /// gives back no more than it holds.
    void refund(std::uint64_t stamp, std::uint32_t requests, std::uint64_t tokens) noexcept {
        Run& charged = run_of(stamp);
        assert(charged.requests >= requests);
        const auto given =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(charged.tokens, tokens));
        charged.requests -= requests;
        charged.tokens -= given;
        slot_.requests -= requests;
        slot_.tokens -= given;
    }

    /// Adds tokens to what was charged at `stamp`, which is_live().
    void extend(std::uint64_t stamp, std::uint64_t tokens) noexcept {
        add_tokens(run_of(stamp), tokens);
    }

    /// Time until so many requests (tokens) have expired; the sum holds at least so many.
    [[nodiscard]] std::uint64_t wait_for(std::uint32_t Run::* count,
                                         std::uint64_t needed) const noexcept {
        std::uint64_t freed = 0;
        for (unsigned i = 0; i < slot_.count; ++i) {
            const Run& each = slot_.run(i);
            freed += each.*count;
            if (freed >= needed) return window_.length - age(each);
        }
        assert(false && "more was asked for than is counted");
        return window_.length;
    }

    /// Time until no request (no token) is counted any more.
    [[nodiscard]] std::uint64_t reset_of(std::uint32_t Run::* count) const noexcept {
        for (unsigned i = slot_.count; i-- > 0;) {
            const Run& each = slot_.run(i);
            if (each.*count != 0) return window_.length - age(each);
        }
        return 0;
    }

    /// Calls `act` with the time, the requests and the tokens of each run, oldest first.
    template <class Act>
    void visit(Act&& act) const {
        for (unsigned i = 0; i < slot_.count; ++i) {
            const Run& each = slot_.run(i);
            act(slot_.clock - age(each), each.requests, each.tokens);
        }
    }

private:
    static constexpr std::uint32_t run_tokens_max = std::numeric_limits<std::uint32_t>::max();

    [[nodiscard]] std::uint32_t stamp_now() const noexcept {
        return static_cast<std::uint32_t>(slot_.clock);
    }
    /// Before the slot's time.
    [[nodiscard]] std::uint32_t age(const Run& of) const noexcept { return stamp_now() - of.stamp; }
    /// How long after its first event a run takes in others, once runs are joined. Spans that start
    /// further apart than this and lie within one window are fewer than R.
    [[nodiscard]] std::uint32_t join_span() const noexcept {
        return static_cast<std::uint32_t>(window_.length) / (slot_.room() - 1U);
    }

    void drop_oldest() noexcept {
        const Run& oldest = slot_.run(0);
        slot_.requests -= oldest.requests;
        slot_.tokens -= oldest.tokens;
        slot_.drop_oldest();
        if (slot_.count == 0) slot_.is_joining = false;
    }

    /// Equal stamps always share a run: a refund finds its run by the stamp.
    [[nodiscard]] bool joins_newest() const noexcept {
        if (slot_.count == 0) return false;
        if (slot_.run(slot_.count - 1U).stamp == stamp_now()) return true;
        return slot_.is_joining && stamp_now() - slot_.first <= join_span();
    }

    void begin_run() noexcept {
        make_room();
        if (joins_newest()) return;  // runs have just been merged
        slot_.run(slot_.count++) = {.stamp = stamp_now(), .requests = 0, .tokens = 0};
        slot_.first = stamp_now();
    }

    /// Room for one more run: empty ones go, the ring grows, and at last runs are merged.
    void make_room() noexcept {
        if (slot_.count < slot_.room()) return;
        drop_empty();
        if (slot_.count < slot_.room()) return;
        const std::size_t bytes_before = slot_.block_bytes();
        if (slot_.grow()) {
            window_.block_bytes.fetch_add(slot_.block_bytes() - bytes_before,
                                          std::memory_order_relaxed);
        } else {
            merge_near();
        }
    }

    /// Removes runs that refunds have emptied. The newest stays: `first` speaks of it.
    void drop_empty() noexcept {
        unsigned kept = 0;
        for (unsigned i = 0; i < slot_.count; ++i) {
            const Run each = slot_.run(i);
            const bool is_newest = i + 1U == slot_.count;
            if (each.requests != 0 || each.tokens != 0 || is_newest) slot_.run(kept++) = each;
        }
        slot_.count = static_cast<std::uint8_t>(kept);
    }

    /// From now on runs hold all events of a join span. So few of them fit into a window that this
    /// makes room, and that the ring never fills again.
    void merge_near() noexcept {
        unsigned kept = 0;
        slot_.first = slot_.run(0).stamp;
        for (unsigned i = 1; i < slot_.count; ++i) {
            const Run each = slot_.run(i);
            Run& group = slot_.run(kept);
            if (each.stamp - slot_.first > join_span()) {
                slot_.run(++kept) = each;
                slot_.first = each.stamp;
                continue;
            }
            group.stamp = each.stamp;
            group.requests += each.requests;
            slot_.tokens -= each.tokens;
            add_tokens(group, each.tokens);
        }
        slot_.count = static_cast<std::uint8_t>(kept + 1);
        slot_.is_joining = true;
    }

    void add_tokens(Run& to, std::uint64_t tokens) noexcept {
        const std::uint64_t added = std::min<std::uint64_t>(run_tokens_max - to.tokens, tokens);
        to.tokens += static_cast<std::uint32_t>(added);
        slot_.tokens += added;
    }

    /// The run that holds what was charged at `stamp`: the oldest that ends no earlier, because
    /// a run's events all lie after the end of the run before it.
    [[nodiscard]] Run& run_of(std::uint64_t stamp) const noexcept {
        assert(slot_.count != 0 && is_live(stamp));
        const std::uint64_t charged_age = slot_.clock - stamp;
        unsigned i = slot_.count - 1U;
        while (i > 0 && age(slot_.run(i - 1)) <= charged_age) --i;
        assert(age(slot_.run(i)) <= charged_age);
        return slot_.run(i);
    }

    Slot& slot_;
    Window& window_;
};

}  // namespace sluicegate::limit
