#include "sluicegate/limit/limiter.hpp"

#include "limit/bounds.hpp"
#include "limit/decide.hpp"
#include "limit/slot_table.hpp"
#include "limit/time.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::limit {
namespace {

constexpr WindowSpans day_spans(static_cast<std::uint64_t>(Settings::day.count()),
                                static_cast<std::uint64_t>(Settings::day_unit.count()));
static_assert(day_spans.fit_stamps());
static_assert(WindowSpans(Settings::window_max.count(), 1).fit_stamps());

Milliseconds from_ms(std::uint64_t ms) noexcept {
    return Milliseconds(static_cast<Milliseconds::rep>(ms));
}

Budget budget_of(const std::optional<std::int64_t>& limit, const Bound& bound, bool is_dry_run,
                 std::uint64_t used, std::uint64_t reset_ms) noexcept {
    if (!limit) return {};
    const std::uint64_t allowed = is_dry_run ? bound.reported : bound.enforced;
    return {.limit = static_cast<std::int64_t>(allowed),
            .remaining = static_cast<std::int64_t>(used < allowed ? allowed - used : 0),
            .used = static_cast<std::int64_t>(used),
            .reset = from_ms(reset_ms),
            .is_limited = true,
            .is_dry_run = is_dry_run};
}

/// What the caller is told of each limit. `has_day`: of limits per day too.
template <bool has_day>
struct Words {
    const Plan& plan;
    const Bounds& bounds;
    const WindowUsage& minute;
    const WindowUsage& day;
    std::uint64_t in_flight;

    [[nodiscard]] bool is_dry_run(Resource resource) const noexcept {
        return Bounds::is_dry_run(plan, resource);
    }
    [[nodiscard]] Budget requests() const noexcept {
        return budget_of(plan.rpm, bounds.minute.requests, is_dry_run(Resource::requests),
                         minute.requests, minute.requests_reset_ms);
    }
    [[nodiscard]] Budget tokens() const noexcept {
        return budget_of(plan.tpm, bounds.minute.tokens, is_dry_run(Resource::tokens),
                         minute.tokens, minute.tokens_reset_ms);
    }
    [[nodiscard]] Budget requests_per_day() const noexcept {
        if constexpr (!has_day) return {};
        return budget_of(plan.rpd, bounds.day.requests, is_dry_run(Resource::requests_per_day),
                         day.requests, day.requests_reset_ms);
    }
    [[nodiscard]] Budget tokens_per_day() const noexcept {
        if constexpr (!has_day) return {};
        return budget_of(plan.tpd, bounds.day.tokens, is_dry_run(Resource::tokens_per_day),
                         day.tokens, day.tokens_reset_ms);
    }
    [[nodiscard]] Budget concurrency() const noexcept {
        return budget_of(plan.concurrency, bounds.concurrency, is_dry_run(Resource::concurrency),
                         in_flight, 0);
    }
};

WindowUsage usage_of(Slot& slot, const WindowSpans& spans, std::uint64_t now_ms) noexcept {
    return with_run_log(slot, spans, [&](auto log) {
        log.advance(spans.ticks_of(now_ms));
        return Window(slot, log, spans, std::max(now_ms, log.clock() * spans.tick_ms),
                      Resource::none, Resource::none)
            .usage();
    });
}

}  // namespace

Limiter::Limiter(const Settings& settings)
    : slots_(std::clamp<std::uint32_t>(settings.slots, 1, Settings::slots_max)),
      minutes_(std::make_unique<SlotTable>(
          WindowSpans(
              static_cast<std::uint64_t>(
                  std::clamp(settings.window, Milliseconds(1), Settings::window_max).count()),
              1),
          slots_)) {
}

Limiter::~Limiter() = default;

Admission Limiter::admit(UserId user, ModelId model, const Plan& plan, const Demand& demand,
                         Instant now, Hint* hint) noexcept {
    const Key key = Key::of(user, model);
    const Bounds bounds(plan);
    const Asked asked(demand, bounds);
    return bounds.has_day ? admit_by<true>(key, plan, bounds, asked, to_ms(now), hint)
                          : admit_by<false>(key, plan, bounds, asked, to_ms(now), hint);
}

template <bool has_day>
Admission Limiter::admit_by(const Key& key, const Plan& plan, const Bounds& bounds,
                            const Asked& asked, std::uint64_t now_ms, Hint* hint) noexcept {
    SlotTable* const days = has_day ? &this->days() : nullptr;
    std::optional<std::uint32_t> day_overflow;
    bool minute_may_grow = true;
    bool day_may_grow = true;
    for (;;) {
        FoundSlot minute = minutes_->find_or_make(key, now_ms, plan.concurrency.has_value(), hint);
        FoundSlot day;
        std::optional<Side> day_side;
        if constexpr (has_day) {
            day = days->find_at_once(key, day_overflow);
            if (!day.slot) {
                // To make it takes a mutex, which nobody waits for with a slot locked.
                minute.slot.unlock();
                day = days->find_or_make(key, days->spans().ticks_of(now_ms), false);
                if (day.is_overflow) day_overflow = day.leavers;
                continue;
            }
            day_side.emplace(*day.slot, days->spans(), day_may_grow && !day.is_overflow);
        }
        const Side minute_side{*minute.slot, minutes_->spans(),
                               minute_may_grow && !minute.is_overflow};
        Outcome outcome;
        decide<has_day>(minute_side, day_side, bounds, asked, now_ms, outcome);
        day.slot.unlock();
        minute.slot.unlock();
        if (outcome.room != Charge::done) [[unlikely]] {
            SlotTable& table = has_day && outcome.day_lacks_room ? *days : *minutes_;
            bool& may_grow = outcome.day_lacks_room ? day_may_grow : minute_may_grow;
            may_grow = table.promote(key, outcome.room == Charge::needs_wide);
            continue;
        }
        if (minute.is_overflow) minutes_->count_overflow();
        if constexpr (has_day) {
            if (day.is_overflow) days->count_overflow();
        }

        const Verdict& refusal = outcome.findings.enforced;
        const bool is_admitted = outcome.is_admitted();
        if (is_admitted) record(key, outcome.minute_stamp, asked.reserved, true, has_day);
        const auto tokens = static_cast<std::uint32_t>(asked.reserved);
        const Words<has_day> words{plan, bounds, outcome.minute, outcome.day, outcome.in_flight};
        // Every field is made in its place: a decision is too large to be copied for nothing.
        return {.decision = {.admitted = is_admitted,
                             .refused_by = refusal.refused_by,
                             .would_refuse = outcome.findings.reported.refused_by,
                             .can_never_fit = refusal.can_never_fit,
                             .retry_after = from_ms(refusal.wait_ms),
                             .requests = words.requests(),
                             .tokens = words.tokens(),
                             .requests_per_day = words.requests_per_day(),
                             .tokens_per_day = words.tokens_per_day(),
                             .concurrency = words.concurrency(),
                             .reserved = is_admitted ? std::int64_t{tokens} : 0},
                .reservation =
                    is_admitted
                        ? Reservation(*this, {.key = key.value,
                                              .minute = {.stamp = outcome.minute_stamp,
                                                         .tokens = tokens,
                                                         .has_request = true,
                                                         .is_overflow = minute.is_overflow},
                                              .day = {.stamp = has_day ? outcome.day_stamp : 0,
                                                      .tokens = tokens,
                                                      .has_request = true,
                                                      .is_overflow = day.is_overflow},
                                              .tokens = tokens,
                                              .counts_day = has_day})
                        : Reservation()};
    }
}

Budgets Limiter::peek(UserId user, ModelId model, const Plan& plan, Instant now) noexcept {
    const Key key = Key::of(user, model);
    const Bounds bounds(plan);
    std::uint64_t now_ms = to_ms(now);
    WindowUsage minute{};
    WindowUsage day{};
    std::uint64_t in_flight = 0;
    if (const SlotLock slot = minutes_->find(key)) {
        minute = usage_of(*slot, minutes_->spans(), now_ms);
        in_flight = slot->in_flight;
        now_ms = std::max<std::uint64_t>(now_ms, slot->clock);
    }
    if (bounds.has_day) {
        SlotTable& days = this->days();
        if (const SlotLock slot = days.find(key)) day = usage_of(*slot, days.spans(), now_ms);
    }
    const Words<true> words{plan, bounds, minute, day, in_flight};
    return {.requests = words.requests(),
            .tokens = words.tokens(),
            .requests_per_day = words.requests_per_day(),
            .tokens_per_day = words.tokens_per_day(),
            .concurrency = words.concurrency()};
}

void Limiter::prefetch(UserId user, ModelId model) const noexcept {
    minutes_->prefetch(Key::of(user, model));
}

void Limiter::prefetch(const Hint& hint) const noexcept {
    minutes_->prefetch(hint);
}

TableCounts Limiter::counts() const noexcept {
    return minutes_->counts();
}

TableCounts Limiter::day_counts() const noexcept {
    const SlotTable* days = days_.load(std::memory_order_acquire);
    return days == nullptr ? TableCounts{} : days->counts();
}

SlotTable& Limiter::days() noexcept {
    if (SlotTable* made = days_.load(std::memory_order_acquire)) return *made;
    std::call_once(days_made_, [this] {
        days_owner_ = std::make_unique<SlotTable>(day_spans, slots_);
        days_.store(days_owner_.get(), std::memory_order_release);
    });
    return *days_owner_;
}

}  // namespace sluicegate::limit
