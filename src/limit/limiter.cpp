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

Budget budget_of(std::uint64_t limit, std::uint64_t used, std::uint64_t reset_ms) noexcept {
    return {.limit = static_cast<std::int64_t>(limit),
            .remaining = static_cast<std::int64_t>(used < limit ? limit - used : 0),
            .reset = from_ms(reset_ms),
            .is_limited = true};
}

template <class Log, class Out>
void fill_budgets(const Slot& slot, const Log& log, const Plan& plan, const Bounds& bounds,
                  Out& out) noexcept {
    if (plan.rpm) {
        out.requests = budget_of(bounds.requests, slot.requests, log.reset_of_requests());
    }
    if (plan.tpm) out.tokens = budget_of(bounds.tokens, slot.tokens, log.reset_of_tokens());
    if (plan.concurrency) out.concurrency = budget_of(bounds.concurrency, slot.in_flight, 0);
}

bool forbids(const Bounds& bounds, std::uint64_t tokens, Decision& decision) noexcept {
    if (bounds.requests == 0) {
        decision.refused_by = Resource::requests;
    } else if (bounds.tokens == 0 || tokens > bounds.tokens) {
        decision.refused_by = Resource::tokens;
    } else if (bounds.concurrency == 0) {
        decision.refused_by = Resource::concurrency;
    } else {
        return false;
    }
    decision.can_never_fit = true;
    return true;
}

/// Says which limit refuses and how long it will, if one does.
template <class Log>
bool refuses(const Slot& slot, const Log& log, const Bounds& bounds, std::uint64_t tokens,
             Decision& decision) noexcept {
    const std::uint64_t requests_after = std::uint64_t{slot.requests} + 1;
    const std::uint64_t tokens_after = slot.tokens + tokens;
    if (requests_after <= bounds.requests && tokens_after <= bounds.tokens &&
        slot.in_flight < bounds.concurrency) [[likely]] {
        return false;
    }
    std::uint64_t wait_ms = 0;
    decision.refused_by = Resource::concurrency;
    if (requests_after > bounds.requests) {
        decision.refused_by = Resource::requests;
        wait_ms = log.wait_for_requests(requests_after - bounds.requests);
    }
    if (tokens_after > bounds.tokens) {
        const std::uint64_t tokens_wait_ms = log.wait_for_tokens(tokens_after - bounds.tokens);
        if (tokens_wait_ms > wait_ms) {
            decision.refused_by = Resource::tokens;
            wait_ms = tokens_wait_ms;
        }
    }
    decision.retry_after = from_ms(wait_ms);
    return true;
}

/// One slot's whole decision. needs_*: nothing was charged and nothing was decided.
template <class Log>
Charge decide(Slot& slot, Log log, const Plan& plan, const Bounds& bounds, std::uint64_t tokens,
              std::uint64_t now_ms, bool may_grow, Decision& decision) noexcept {
    log.advance(now_ms);
    if (!forbids(bounds, tokens, decision) && !refuses(slot, log, bounds, tokens, decision)) {
        const Charge charge = log.charge(1, tokens, may_grow);
        if (charge == Charge::needs_larger || charge == Charge::needs_wide) return charge;
        decision.admitted = charge == Charge::done;
        if (decision.admitted) {
            slot.in_flight = (slot.in_flight + 1U) & 0xFFFFU;
        } else {
            decision.refused_by = Resource::requests;
            decision.retry_after = from_ms(log.wait_for_run());
        }
    }
    fill_budgets(slot, log, plan, bounds, decision);
    return Charge::done;
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

Admission Limiter::admit(UserId user, ModelId model, const Plan& plan, std::int64_t tokens,
                         Instant now) noexcept {
    const Key key = Key::of(user, model);
    const Bounds bounds(plan);
    const std::uint64_t reserved = bounded_tokens(tokens);
    const std::uint64_t now_ms = to_ms(now);
    Admission admission;
    for (bool may_grow = true;;) {
        FoundSlot found = table_->find_or_make(key, now_ms, plan.concurrency.has_value());
        Slot& slot = *found.slot;
        const Charge charge = with_run_log(slot, table_->spans(), [&](auto log) {
            return decide(slot, log, plan, bounds, reserved, now_ms, may_grow && !found.is_overflow,
                          admission.decision);
        });
        if (charge == Charge::done) {
            if (found.is_overflow) table_->count_overflow();
            if (admission.decision.admitted) {
                admission.reservation =
                    Reservation(*this, {.key = key.value,
                                        .stamp_ms = slot.last_ms,
                                        .tokens = static_cast<std::uint32_t>(reserved),
                                        .is_overflow = found.is_overflow});
            }
            return admission;
        }
        found.slot.unlock();
        may_grow = table_->promote(key, charge == Charge::needs_wide);
    }
}

Budgets Limiter::peek(UserId user, ModelId model, const Plan& plan, Instant now) noexcept {
    const Key key = Key::of(user, model);
    const Bounds bounds(plan);
    Budgets budgets;
    const SlotLock slot = table_->find(key);
    if (!slot) {
        if (plan.rpm) budgets.requests = budget_of(bounds.requests, 0, 0);
        if (plan.tpm) budgets.tokens = budget_of(bounds.tokens, 0, 0);
        if (plan.concurrency) budgets.concurrency = budget_of(bounds.concurrency, 0, 0);
        return budgets;
    }
    with_run_log(*slot, table_->spans(), [&](auto log) {
        log.advance(to_ms(now));
        fill_budgets(*slot, log, plan, bounds, budgets);
    });
    return budgets;
}

void Limiter::prefetch(UserId user, ModelId model) const noexcept {
    table_->prefetch(Key::of(user, model));
}

TableCounts Limiter::counts() const noexcept {
    return table_->counts();
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
