#pragma once
/// One key's whole decision: every limit is checked, then every count is charged, or none.
///
/// Ownership  the caller holds the locks of all slots that are passed in, until it has what it
///            needs of the outcome.
/// Source     docs/limits.md, laws L3 and L7, and what it says of dry runs.

#include "limit/bounds.hpp"
#include "limit/run_log.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <optional>

namespace sluicegate::limit {

/// What refuses a request, and how long it will; where several limits do, the one to wait for
/// longest, and before all others the first that nothing can wait for.
struct Verdict {
    Resource refused_by = Resource::none;
    bool can_never_fit = false;
    std::uint64_t wait_ms = 0;

    void never(Resource resource) noexcept {
        if (!can_never_fit) *this = {.refused_by = resource, .can_never_fit = true, .wait_ms = 0};
    }
    void wait(Resource resource, std::uint64_t for_ms) noexcept {
        if (can_never_fit || (refused_by != Resource::none && for_ms <= wait_ms)) return;
        *this = {.refused_by = resource, .can_never_fit = false, .wait_ms = for_ms};
    }
};

struct Findings {
    Verdict enforced;
    Verdict reported;  ///< by the limits in dry run
};

/// What a window counts, taken under its slot's lock; words for the caller are made from it later.
/// Its fields start with no value: most decisions need one window, and clearing the other shows.
struct WindowUsage {
    std::uint64_t requests;
    std::uint64_t requests_reset_ms;
    std::uint64_t tokens;
    std::uint64_t tokens_reset_ms;
};

/// One window of one key: its slot, and the names of its limits.
template <class Log>
class Window {
public:
    /// `now_ms`: the time that waits are counted from; the slot's clock may be ahead of it.
    Window(const Slot& slot, const Log& log, const WindowSpans& spans, std::uint64_t now_ms,
           Resource requests, Resource tokens) noexcept
        : slot_(slot),
          log_(log),
          tick_ms_(spans.tick_ms),
          now_ms_(now_ms),
          requests_(requests),
          tokens_(tokens) {}

    void judge(const WindowBounds& bounds, const Asked& asked, Findings& findings) const noexcept {
        if (std::uint64_t{slot_.requests} + 1 <= bounds.requests.lower() &&
            slot_.tokens + asked.reserved <= bounds.tokens.lower() && bounds.tokens.lower() != 0)
            [[likely]] {
            return;
        }
        judge_requests(bounds.requests.enforced, findings.enforced);
        judge_requests(bounds.requests.reported, findings.reported);
        judge_tokens(bounds.tokens.enforced, asked, findings.enforced);
        judge_tokens(bounds.tokens.reported, asked, findings.reported);
    }

    [[nodiscard]] std::uint64_t wait_for_run_ms() const noexcept {
        return in_ms(log_.wait_for_run());
    }

    [[nodiscard]] WindowUsage usage() const noexcept {
        return {.requests = slot_.requests,
                .requests_reset_ms = slot_.requests == 0 ? 0 : in_ms(log_.reset_of_requests()),
                .tokens = slot_.tokens,
                .tokens_reset_ms = slot_.tokens == 0 ? 0 : in_ms(log_.reset_of_tokens())};
    }

private:
    void judge_requests(std::uint64_t limit, Verdict& verdict) const noexcept {
        const std::uint64_t after = std::uint64_t{slot_.requests} + 1;
        if (limit == 0) {
            verdict.never(requests_);
        } else if (after > limit) {
            verdict.wait(requests_, in_ms(log_.wait_for_requests(after - limit)));
        }
    }

    /// A limit that only reports is judged as if it had made the reservation smaller: it tells what
    /// it would refuse if it were enforced.
    void judge_tokens(std::uint64_t limit, const Asked& asked, Verdict& verdict) const noexcept {
        const std::uint64_t after = slot_.tokens + std::min(asked.reserved, limit);
        if (limit == 0 || asked.stated > limit) {
            verdict.never(tokens_);
        } else if (after > limit) {
            verdict.wait(tokens_, in_ms(log_.wait_for_tokens(after - limit)));
        }
    }

    /// Until the slot's clock has moved on by so many ticks: exact in milliseconds whatever the
    /// tick is, because the clock moves when now is a multiple of it.
    [[nodiscard]] std::uint64_t in_ms(std::uint64_t ticks) const noexcept {
        return (slot_.clock + ticks) * tick_ms_ - now_ms_;
    }

    const Slot& slot_;
    const Log& log_;
    std::uint64_t tick_ms_;
    std::uint64_t now_ms_;
    Resource requests_;
    Resource tokens_;
};

inline void judge_concurrency(std::uint64_t in_flight, const Bound& bound,
                              Findings& findings) noexcept {
    const auto judge = [in_flight](std::uint64_t limit, Verdict& verdict) {
        if (limit == 0) {
            verdict.never(Resource::concurrency);
        } else if (in_flight >= limit) {
            verdict.wait(Resource::concurrency, 0);
        }
    };
    if (in_flight < bound.lower()) [[likely]]
        return;
    judge(bound.enforced, findings.enforced);
    judge(bound.reported, findings.reported);
}

inline void count_in_flight(Slot& slot) noexcept {
    slot.in_flight = (slot.in_flight + 1U) & 0xFFFFU;
}

inline void release_in_flight(Slot& slot) noexcept {
    assert(slot.in_flight != 0);
    slot.in_flight = (slot.in_flight - 1U) & 0xFFFFU;
}

/// The key's slot in one of the tables.
struct Side {
    Slot& slot;
    const WindowSpans& spans;
    bool may_grow = false;  ///< tell what room is lacking instead of making do
};

struct Outcome {
    /// needs_*: nothing was charged, and nothing else is said but where room is lacking.
    Charge room = Charge::done;
    bool day_lacks_room = false;
    Findings findings{};
    WindowUsage minute;
    WindowUsage day;  ///< this and day_stamp: only where there is a day
    std::uint64_t in_flight;
    std::uint64_t minute_stamp;
    std::uint64_t day_stamp;

    [[nodiscard]] bool is_admitted() const noexcept {
        return findings.enforced.refused_by == Resource::none;
    }
};

/// A log that cannot take another request refuses like a limit that is used up.
template <class Log>
Charge room_for_request(Log& log, const Window<Log>& window, Resource requests, bool may_grow,
                        Verdict& verdict) noexcept {
    const Charge room = log.make_room(1, may_grow);
    if (room != Charge::impossible) return room;
    verdict.wait(requests, window.wait_for_run_ms());
    return Charge::done;
}

/// `has_day`: whether the plan has a limit per day, and `day` a value; each is compiled alone,
/// because most plans have none. Room is found in both logs before either is charged, so that no
/// promotion leaves half a charge.
template <bool has_day>
void decide(const Side& minute, const std::optional<Side>& day, const Bounds& bounds,
            const Asked& asked, std::uint64_t now_ms, Outcome& outcome) noexcept {
    with_run_log(minute.slot, minute.spans, [&](auto log) {
        Verdict& refusal = outcome.findings.enforced;
        log.advance(now_ms);
        const std::uint64_t clock_ms = log.clock();
        const Window window(minute.slot, log, minute.spans, clock_ms, Resource::requests,
                            Resource::tokens);
        const auto in_day = [&]([[maybe_unused]] auto&& act) {
            if constexpr (has_day) {
                with_run_log(day->slot, day->spans, [&](auto day_log) {
                    act(day_log, Window(day->slot, day_log, day->spans, clock_ms,
                                        Resource::requests_per_day, Resource::tokens_per_day));
                });
            }
        };

        window.judge(bounds.minute, asked, outcome.findings);
        in_day([&](auto& day_log, const auto& day_window) {
            day_log.advance(day->spans.ticks_of(clock_ms));
            day_window.judge(bounds.day, asked, outcome.findings);
            // A slot that keys share may hold more requests than any of them.
            const std::uint64_t in_flight = day->slot.in_flight;
            if (in_flight >= std::uint64_t{Plan::concurrency_max}) {
                refusal.wait(Resource::concurrency, 0);
            }
        });
        judge_concurrency(minute.slot.in_flight, bounds.concurrency, outcome.findings);

        if (outcome.is_admitted()) {
            Charge room =
                room_for_request(log, window, Resource::requests, minute.may_grow, refusal);
            in_day([&](auto& day_log, const auto& day_window) {
                if (room != Charge::done) return;
                room = room_for_request(day_log, day_window, Resource::requests_per_day,
                                        day->may_grow, refusal);
                outcome.day_lacks_room = room != Charge::done;
            });
            outcome.room = room;
            if (room == Charge::done && outcome.is_admitted()) {
                log.charge(1, asked.reserved);
                count_in_flight(minute.slot);
                in_day([&](auto& day_log, const auto&) {
                    day_log.charge(1, asked.reserved);
                    count_in_flight(day->slot);
                });
            }
        }
        outcome.minute = window.usage();
        outcome.minute_stamp = clock_ms;
        outcome.in_flight = minute.slot.in_flight;
        in_day([&](auto& day_log, const auto& day_window) {
            outcome.day = day_window.usage();
            outcome.day_stamp = day_log.clock();
        });
    });
}

}  // namespace sluicegate::limit
