#pragma once
/// One key's whole decision: every limit is checked, then every count is charged, or none.
///
/// Ownership  the caller holds the mutex of the slots' shard.
/// Source     docs/limits-proofs.md, laws L3 and L7, and what it says of dry runs.

#include "limit/bounds.hpp"
#include "limit/run_log.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>

namespace sluicegate::limit {

/// What refuses a request, and for how long. Where several limits do, the one to wait for longest;
/// before all others, the first that no wait can help.
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

/// What a window counts.
struct WindowUsage {
    std::uint64_t requests = 0;
    std::uint64_t requests_reset_ms = 0;
    std::uint64_t tokens = 0;
    std::uint64_t tokens_reset_ms = 0;
};

/// One window of one key, and the names of its limits.
class WindowCheck {
public:
    /// `now_ms`: the time that waits are counted from; the log's clock may be ahead of it.
    WindowCheck(const RunLog& log, std::uint64_t now_ms, Resource requests,
                Resource tokens) noexcept
        : log_(log), now_ms_(now_ms), requests_(requests), tokens_(tokens) {}

    void judge(const WindowBounds& bounds, const Asked& asked, Findings& findings) const noexcept {
        if (log_.slot().requests + std::uint64_t{1} <= bounds.requests.lower() &&
            log_.slot().tokens + asked.reserved <= bounds.tokens.lower() &&
            bounds.tokens.lower() != 0) [[likely]] {
            return;
        }
        judge_requests(bounds.requests.enforced, findings.enforced);
        judge_requests(bounds.requests.reported, findings.reported);
        judge_tokens(bounds.tokens.enforced, asked, findings.enforced);
        judge_tokens(bounds.tokens.reported, asked, findings.reported);
    }

    [[nodiscard]] WindowUsage usage() const noexcept {
        const Slot& slot = log_.slot();
        return {.requests = slot.requests,
                .requests_reset_ms = slot.requests == 0 ? 0 : in_ms(log_.reset_of(&Run::requests)),
                .tokens = slot.tokens,
                .tokens_reset_ms = slot.tokens == 0 ? 0 : in_ms(log_.reset_of(&Run::tokens))};
    }

private:
    void judge_requests(std::uint64_t limit, Verdict& verdict) const noexcept {
        const std::uint64_t after = log_.slot().requests + std::uint64_t{1};
        if (limit == 0) {
            verdict.never(requests_);
        } else if (after > limit) {
            verdict.wait(requests_, in_ms(log_.wait_for(&Run::requests, after - limit)));
        }
    }

    /// A limit that only reports is judged as if it had made the reservation smaller: it tells what
    /// it would refuse if it were enforced.
    void judge_tokens(std::uint64_t limit, const Asked& asked, Verdict& verdict) const noexcept {
        const std::uint64_t after = log_.slot().tokens + std::min(asked.reserved, limit);
        if (limit == 0 || asked.stated > limit) {
            verdict.never(tokens_);
        } else if (after > limit) {
            verdict.wait(tokens_, in_ms(log_.wait_for(&Run::tokens, after - limit)));
        }
    }

    /// Until the log's clock has moved on by so many ticks. It moves when now is a multiple of a
    /// tick, so this is exact in milliseconds, however long a tick is.
    [[nodiscard]] std::uint64_t in_ms(std::uint64_t ticks) const noexcept {
        return (log_.clock() + ticks) * log_.window().tick_ms - now_ms_;
    }

    const RunLog& log_;
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
    judge(bound.enforced, findings.enforced);
    judge(bound.reported, findings.reported);
}

struct Outcome {
    Findings findings;
    WindowUsage minute;
    WindowUsage day;  ///< this and day_stamp: only where there is a day
    std::uint64_t in_flight = 0;
    std::uint64_t minute_stamp = 0;
    std::uint64_t day_stamp = 0;

    [[nodiscard]] bool is_admitted() const noexcept {
        return findings.enforced.refused_by == Resource::none;
    }
};

/// `day`: nullptr where the plan has no limit per day.
inline Outcome decide(RunLog minute, RunLog* day, const Bounds& bounds, const Asked& asked,
                      std::uint64_t now_ms) noexcept {
    Outcome outcome;
    std::uint32_t& in_flight = minute.slot().in_flight;
    minute.advance(now_ms);
    outcome.minute_stamp = minute.clock();
    const WindowCheck minute_check(minute, minute.clock(), Resource::requests, Resource::tokens);
    minute_check.judge(bounds.minute, asked, outcome.findings);
    if (day != nullptr) {
        day->advance(day->window().ticks_of(minute.clock()));
        outcome.day_stamp = day->clock();
        WindowCheck(*day, minute.clock(), Resource::requests_per_day, Resource::tokens_per_day)
            .judge(bounds.day, asked, outcome.findings);
    }
    judge_concurrency(in_flight, bounds.concurrency, outcome.findings);

    if (outcome.is_admitted()) {
        minute.charge(1, asked.reserved);
        ++in_flight;
        if (day != nullptr) day->charge(1, asked.reserved);
    }
    outcome.in_flight = in_flight;
    outcome.minute = minute_check.usage();
    if (day != nullptr) {
        outcome.day = WindowCheck(*day, minute.clock(), Resource::none, Resource::none).usage();
    }
    return outcome;
}

}  // namespace sluicegate::limit
