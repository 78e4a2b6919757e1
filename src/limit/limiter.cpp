#include "sluicegate/limit/limiter.hpp"

#include "sluicegate/limit/journal.hpp"

#include "limit/bounds.hpp"
#include "limit/decide.hpp"
#include "limit/slot_table.hpp"

#include <algorithm>
#include <mutex>
#include <optional>

namespace sluicegate::limit {
namespace {

Milliseconds from_ms(std::uint64_t ms) noexcept {
    return Milliseconds(static_cast<Milliseconds::rep>(ms));
}

/// Sets what the caller is told of each limit, in a Decision or in Budgets.
template <class Told>
void set_budgets(Told& told, const Plan& plan, const Bounds& bounds, const WindowUsage& minute,
                 const WindowUsage& day, std::uint64_t in_flight) noexcept {
    const auto set = [&plan](Budget& budget, Resource resource,
                             const std::optional<std::int64_t>& limit, const Bound& bound,
                             std::uint64_t used, std::uint64_t reset_ms) {
        if (!limit) return;
        budget.is_limited = true;
        budget.is_dry_run = is_dry_run(plan, resource);
        const std::uint64_t allowed = budget.is_dry_run ? bound.reported : bound.enforced;
        budget.limit = static_cast<std::int64_t>(allowed);
        budget.remaining = static_cast<std::int64_t>(used < allowed ? allowed - used : 0);
        budget.used = static_cast<std::int64_t>(used);
        budget.reset = from_ms(reset_ms);
    };
    set(told.requests, Resource::requests, plan.rpm, bounds.minute.requests, minute.requests,
        minute.requests_reset_ms);
    set(told.tokens, Resource::tokens, plan.tpm, bounds.minute.tokens, minute.tokens,
        minute.tokens_reset_ms);
    set(told.requests_per_day, Resource::requests_per_day, plan.rpd, bounds.day.requests,
        day.requests, day.requests_reset_ms);
    set(told.tokens_per_day, Resource::tokens_per_day, plan.tpd, bounds.day.tokens, day.tokens,
        day.tokens_reset_ms);
    set(told.concurrency, Resource::concurrency, plan.concurrency, bounds.concurrency, in_flight,
        0);
}

}  // namespace

Limiter::Limiter(const Settings& settings)
    : table_(std::make_unique<SlotTable>(
          static_cast<std::uint64_t>(
              std::clamp(settings.window, Milliseconds(1), Settings::window_max).count()),
          std::clamp<std::uint32_t>(settings.slots, 1, Settings::slots_max))) {
}

Limiter::~Limiter() = default;

Admission Limiter::admit(UserId user, ModelId model, const Plan& plan, const Demand& demand,
                         Instant now) noexcept {
    const Key key = key_of(user, model);
    const Bounds bounds(plan);
    const Asked asked(demand, bounds);
    const std::uint64_t now_ms = to_ms(now);
    Outcome outcome;
    bool is_minute_overflow = false;
    bool is_day_overflow = false;
    {
        Shard& shard = table_->shard_of(key);
        const std::lock_guard guard(shard.mutex);
        const auto minute = shard.minutes.find_or_make(key, now_ms, plan.concurrency.has_value());
        is_minute_overflow = minute.is_overflow;
        std::optional<RunLog> day_log;
        if (bounds.has_day) {
            Window& days = shard.days.window();
            const auto day = shard.days.find_or_make(key, days.ticks_of(now_ms), false);
            is_day_overflow = day.is_overflow;
            day_log.emplace(day.slot, days);
        }
        outcome = decide(RunLog(minute.slot, shard.minutes.window()), day_log ? &*day_log : nullptr,
                         bounds, asked, now_ms);
    }
    if (is_minute_overflow) table_->minute().overflows.fetch_add(1, std::memory_order_relaxed);
    if (is_day_overflow) table_->day().overflows.fetch_add(1, std::memory_order_relaxed);

    Admission admission;
    Decision& decision = admission.decision;
    const Verdict& refusal = outcome.findings.enforced;
    decision.admitted = outcome.is_admitted();
    decision.refused_by = refusal.refused_by;
    decision.would_refuse = outcome.findings.reported.refused_by;
    decision.can_never_fit = refusal.can_never_fit;
    decision.retry_after = from_ms(refusal.wait_ms);
    set_budgets(decision, plan, bounds, outcome.minute, outcome.day, outcome.in_flight);
    if (!decision.admitted) return admission;

    record(user, model, outcome.minute_stamp, asked.reserved, true, bounds.has_day);
    const auto tokens = static_cast<std::uint32_t>(asked.reserved);
    decision.reserved = tokens;
    admission.reservation = Reservation(*this, {.user = user,
                                                .model = model,
                                                .minute = {.stamp = outcome.minute_stamp,
                                                           .tokens = tokens,
                                                           .has_request = true,
                                                           .is_overflow = is_minute_overflow},
                                                .day = {.stamp = outcome.day_stamp,
                                                        .tokens = tokens,
                                                        .has_request = true,
                                                        .is_overflow = is_day_overflow},
                                                .tokens = tokens,
                                                .counts_day = bounds.has_day});
    return admission;
}

Budgets Limiter::peek(UserId user, ModelId model, const Plan& plan, Instant now) noexcept {
    const Key key = key_of(user, model);
    const Bounds bounds(plan);
    WindowUsage minute;
    WindowUsage day;
    std::uint64_t in_flight = 0;
    {
        Shard& shard = table_->shard_of(key);
        const std::lock_guard guard(shard.mutex);
        std::uint64_t now_ms = to_ms(now);
        const auto usage_in = [&](const SlotMap& slots, Slot& slot) {
            RunLog log(slot, slots.window());
            log.advance(slots.window().ticks_of(now_ms));
            now_ms = std::max(now_ms, log.clock() * slots.window().tick_ms);
            return WindowCheck(log, now_ms, Resource::none, Resource::none).usage();
        };
        if (Slot* slot = shard.minutes.find(key)) {
            minute = usage_in(shard.minutes, *slot);
            in_flight = slot->in_flight;
        }
        if (Slot* slot = shard.days.find(key)) day = usage_in(shard.days, *slot);
    }
    Budgets budgets;
    set_budgets(budgets, plan, bounds, minute, day, in_flight);
    return budgets;
}

TableCounts Limiter::counts() const noexcept {
    return table_->counts(&Shard::minutes);
}

TableCounts Limiter::day_counts() const noexcept {
    return table_->counts(&Shard::days);
}

/// After the shard's mutex is free: a store to the journal may have to wait for the kernel. That
/// tokens were given back is not recorded: without it, a restart only refuses more.
void Limiter::record(UserId user, ModelId model, std::uint64_t at_ms, std::uint64_t tokens,
                     bool is_request, bool per_day) noexcept {
    Journal* const journal = journal_.load(std::memory_order_acquire);
    if (journal == nullptr) [[likely]]
        return;
    journal->append({.user = user,
                     .model = model,
                     .clock_ms = at_ms < ms_before_boot ? 0 : at_ms - ms_before_boot,
                     .tokens = tokens,
                     .is_request = is_request,
                     .per_minute = true,
                     .per_day = per_day});
}

}  // namespace sluicegate::limit
