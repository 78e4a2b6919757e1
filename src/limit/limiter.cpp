#include "sluicegate/limit/limiter.hpp"

#include "limit/run_log.hpp"
#include "limit/slot_table.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluicegate::limit {
namespace {

/// What an absent limit means, so that no sum can leave its field: 2^31 requests and 2^46 tokens
/// in one window.
constexpr std::uint64_t requests_unlimited = std::uint64_t{1} << 31U;
constexpr std::uint64_t tokens_unlimited = std::uint64_t{1} << 46U;
constexpr std::uint64_t tokens_max = Plan::value_max;

std::uint64_t to_ms(Instant now) noexcept {
    const auto since = std::chrono::floor<Milliseconds>(now.time_since_epoch()).count();
    return since < 0 ? 0 : static_cast<std::uint64_t>(since);
}

Milliseconds from_ms(std::uint64_t ms) noexcept {
    return Milliseconds(static_cast<Milliseconds::rep>(ms));
}

std::uint64_t bounded(const std::optional<std::int64_t>& value, std::uint64_t unlimited,
                      std::int64_t max) noexcept {
    if (!value) return unlimited;
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(*value, 0, max));
}

std::uint64_t bounded_tokens(std::int64_t tokens) noexcept {
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(tokens, 0, Plan::value_max));
}

/// The plan in the slot's terms.
struct Bounds {
    std::uint64_t requests;
    std::uint64_t tokens;
    std::uint64_t concurrency;

    explicit Bounds(const Plan& plan) noexcept
        : requests(bounded(plan.rpm, requests_unlimited, Plan::value_max)),
          tokens(bounded(plan.tpm, tokens_unlimited, Plan::value_max)),
          concurrency(bounded(plan.concurrency, Plan::concurrency_max, Plan::concurrency_max)) {}
};

/// What a slot counts, taken under its lock; the words for the caller are made from it afterwards.
struct Usage {
    std::uint64_t requests = 0;
    std::uint64_t requests_reset_ms = 0;
    std::uint64_t tokens = 0;
    std::uint64_t tokens_reset_ms = 0;
    std::uint64_t in_flight = 0;
};

template <class Log>
Usage usage_of(const Slot& slot, const Log& log) noexcept {
    return {.requests = slot.requests,
            .requests_reset_ms = slot.requests == 0 ? 0 : log.reset_of_requests(),
            .tokens = slot.tokens,
            .tokens_reset_ms = slot.tokens == 0 ? 0 : log.reset_of_tokens(),
            .in_flight = slot.in_flight};
}

Budget budget_of(bool is_limited, std::uint64_t limit, std::uint64_t used,
                 std::uint64_t reset_ms) noexcept {
    if (!is_limited) return {};
    return {.limit = static_cast<std::int64_t>(limit),
            .remaining = static_cast<std::int64_t>(used < limit ? limit - used : 0),
            .used = static_cast<std::int64_t>(used),
            .reset = from_ms(reset_ms),
            .is_limited = true,
            .is_dry_run = false};
}

Budgets budgets_of(const Plan& plan, const Bounds& bounds, const Usage& usage) noexcept {
    return {.requests = budget_of(plan.rpm.has_value(), bounds.requests, usage.requests,
                                  usage.requests_reset_ms),
            .tokens =
                budget_of(plan.tpm.has_value(), bounds.tokens, usage.tokens, usage.tokens_reset_ms),
            .requests_per_day = {},
            .tokens_per_day = {},
            .concurrency =
                budget_of(plan.concurrency.has_value(), bounds.concurrency, usage.in_flight, 0)};
}

struct Verdict {
    Resource refused_by = Resource::none;
    bool can_never_fit = false;
    std::uint64_t wait_ms = 0;
};

Verdict never(Resource resource) noexcept {
    return {.refused_by = resource, .can_never_fit = true, .wait_ms = 0};
}

/// Which limit refuses and how long it will; none when the request fits all of them.
template <class Log>
Verdict judge(const Slot& slot, const Log& log, const Bounds& bounds, std::uint64_t stated,
              std::uint64_t tokens) noexcept {
    const std::uint64_t requests_after = std::uint64_t{slot.requests} + 1;
    const std::uint64_t tokens_after = slot.tokens + tokens;
    if (requests_after <= bounds.requests && tokens_after <= bounds.tokens &&
        slot.in_flight < bounds.concurrency && bounds.tokens != 0) [[likely]] {
        return {};
    }
    if (bounds.requests == 0) return never(Resource::requests);
    if (bounds.tokens == 0 || stated > bounds.tokens) return never(Resource::tokens);
    if (bounds.concurrency == 0) return never(Resource::concurrency);

    Verdict verdict{.refused_by = Resource::concurrency, .can_never_fit = false, .wait_ms = 0};
    if (requests_after > bounds.requests) {
        verdict.refused_by = Resource::requests;
        verdict.wait_ms = log.wait_for_requests(requests_after - bounds.requests);
    }
    if (tokens_after > bounds.tokens) {
        const std::uint64_t wait_ms = log.wait_for_tokens(tokens_after - bounds.tokens);
        if (wait_ms > verdict.wait_ms) {
            verdict.refused_by = Resource::tokens;
            verdict.wait_ms = wait_ms;
        }
    }
    return verdict;
}

struct Outcome {
    Charge charge = Charge::done;  ///< needs_*: nothing was charged, and the rest says nothing
    Verdict verdict{};
    Usage usage{};
};

/// One slot's whole decision.
template <class Log>
Outcome decide(Slot& slot, Log log, const Bounds& bounds, std::uint64_t stated,
               std::uint64_t tokens, std::uint64_t now_ms, bool may_grow) noexcept {
    log.advance(now_ms);
    Outcome outcome;
    outcome.verdict = judge(slot, log, bounds, stated, tokens);
    if (outcome.verdict.refused_by == Resource::none) {
        outcome.charge = log.charge(1, tokens, may_grow);
        if (outcome.charge == Charge::done) {
            slot.in_flight = (slot.in_flight + 1U) & 0xFFFFU;
        } else if (outcome.charge == Charge::impossible) {
            outcome.charge = Charge::done;
            outcome.verdict.refused_by = Resource::requests;
            outcome.verdict.wait_ms = log.wait_for_run();
        }
    }
    outcome.usage = usage_of(slot, log);
    return outcome;
}

/// Replaces what was reserved at `stamp_ms` by what was used. Once that has expired, nothing comes
/// back, and what was used beyond it is owed from now on.
template <class Log>
Charge correct(Log log, std::uint64_t stamp_ms, std::uint64_t reserved, std::uint64_t actual,
               bool may_grow) noexcept {
    const bool is_live = log.is_live(stamp_ms);
    if (actual > reserved) {
        if (!is_live) return log.charge_debt(actual - reserved, may_grow);
        log.extend(stamp_ms, actual - reserved);
    } else if (is_live) {
        log.refund(stamp_ms, 0, reserved - actual);
    }
    return Charge::done;
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
    const Key key = Key::of(user, model);
    const Bounds bounds(plan);
    const std::uint64_t stated = bounded_tokens(demand.stated);
    const std::uint64_t reserved = std::min(
        {stated + bounded_tokens(demand.guessed), std::max(stated, bounds.tokens), tokens_max});
    const std::uint64_t now_ms = to_ms(now);
    for (bool may_grow = true;;) {
        FoundSlot found = table_->find_or_make(key, now_ms, plan.concurrency.has_value());
        Slot& slot = *found.slot;
        const Outcome outcome = with_run_log(slot, table_->spans(), [&](auto log) {
            return decide(slot, log, bounds, stated, reserved, now_ms,
                          may_grow && !found.is_overflow);
        });
        const std::uint64_t stamp_ms = slot.last_ms;
        found.slot.unlock();
        if (outcome.charge != Charge::done) {
            may_grow = table_->promote(key, outcome.charge == Charge::needs_wide);
            continue;
        }
        if (found.is_overflow) table_->count_overflow();
        const Verdict& verdict = outcome.verdict;
        const bool is_admitted = verdict.refused_by == Resource::none;
        const Budgets budgets = budgets_of(plan, bounds, outcome.usage);
        return {
            .decision = {.admitted = is_admitted,
                         .refused_by = verdict.refused_by,
                         .would_refuse = Resource::none,
                         .can_never_fit = verdict.can_never_fit,
                         .retry_after = from_ms(verdict.wait_ms),
                         .requests = budgets.requests,
                         .tokens = budgets.tokens,
                         .requests_per_day = budgets.requests_per_day,
                         .tokens_per_day = budgets.tokens_per_day,
                         .concurrency = budgets.concurrency,
                         .reserved = is_admitted ? static_cast<std::int64_t>(reserved) : 0},
            .reservation = is_admitted
                               ? Reservation(*this, {.key = key.value,
                                                     .stamp_ms = stamp_ms,
                                                     .tokens = static_cast<std::uint32_t>(reserved),
                                                     .is_overflow = found.is_overflow})
                               : Reservation()};
    }
}

Budgets Limiter::peek(UserId user, ModelId model, const Plan& plan, Instant now) noexcept {
    Usage usage;
    if (const SlotLock slot = table_->find(Key::of(user, model))) {
        usage = with_run_log(*slot, table_->spans(), [&](auto log) {
            log.advance(to_ms(now));
            return usage_of(*slot, log);
        });
    }
    return budgets_of(plan, Bounds(plan), usage);
}

void Limiter::prefetch(UserId user, ModelId model) const noexcept {
    table_->prefetch(Key::of(user, model));
}

TableCounts Limiter::counts() const noexcept {
    return table_->counts();
}

void Limiter::grow(Reservation::Ticket& ticket, std::int64_t tokens_in_all, Instant now) noexcept {
    const Key key = Key::of(ticket.key);
    const std::uint64_t in_all = bounded_tokens(tokens_in_all);
    if (in_all <= ticket.tokens) return;
    for (bool may_grow = !ticket.is_overflow;;) {
        SlotLock slot = ticket.is_overflow ? table_->overflow_slot(key) : table_->find(key);
        assert(slot && slot->in_flight != 0);
        const Charge charge = with_run_log(*slot, table_->spans(), [&](auto log) {
            log.advance(to_ms(now));
            return correct(log, ticket.stamp_ms, ticket.tokens, in_all, may_grow);
        });
        if (charge == Charge::done) {
            ticket.tokens = static_cast<std::uint32_t>(in_all);
            return;
        }
        slot.unlock();
        may_grow = table_->promote(key, charge == Charge::needs_wide);
    }
}

void Limiter::settle(const Reservation::Ticket& ticket, std::int64_t actual_tokens,
                     Instant now) noexcept {
    const Key key = Key::of(ticket.key);
    const std::uint64_t actual = bounded_tokens(actual_tokens);
    for (bool may_grow = !ticket.is_overflow;;) {
        SlotLock slot = ticket.is_overflow ? table_->overflow_slot(key) : table_->find(key);
        assert(slot && slot->in_flight != 0);
        const Charge charge = with_run_log(*slot, table_->spans(), [&](auto log) {
            log.advance(to_ms(now));
            return correct(log, ticket.stamp_ms, ticket.tokens, actual, may_grow);
        });
        if (charge == Charge::done) {
            slot->in_flight = (slot->in_flight - 1U) & 0xFFFFU;
            return;
        }
        slot.unlock();  // still in flight: it is promoted, never evicted
        may_grow = table_->promote(key, charge == Charge::needs_wide);
    }
}

void Limiter::cancel(const Reservation::Ticket& ticket, std::uint64_t now_ms) noexcept {
    const Key key = Key::of(ticket.key);
    const SlotLock slot = ticket.is_overflow ? table_->overflow_slot(key) : table_->find(key);
    assert(slot && slot->in_flight != 0);
    slot->in_flight = (slot->in_flight - 1U) & 0xFFFFU;
    with_run_log(*slot, table_->spans(), [&](auto log) {
        log.advance(now_ms);
        if (log.is_live(ticket.stamp_ms)) log.refund(ticket.stamp_ms, 1, ticket.tokens);
    });
}

void Reservation::grow(std::int64_t tokens_in_all, Instant now) noexcept {
    if (limiter_ != nullptr) limiter_->grow(ticket_, tokens_in_all, now);
}

void Reservation::settle(std::int64_t actual_tokens, Instant now) noexcept {
    if (limiter_ == nullptr) return;
    std::exchange(limiter_, nullptr)->settle(ticket_, actual_tokens, now);
}

void Reservation::cancel(Instant now) noexcept {
    if (limiter_ == nullptr) return;
    std::exchange(limiter_, nullptr)->cancel(ticket_, to_ms(now));
}

void Reservation::release() noexcept {
    // No clock at hand: the time of the admission moves the slot's clock nowhere.
    if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->cancel(ticket_, ticket_.stamp_ms);
}

}  // namespace sluicegate::limit
