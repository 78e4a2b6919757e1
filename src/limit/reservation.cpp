#include "sluicegate/limit/reservation.hpp"

#include "sluicegate/limit/limiter.hpp"

#include "limit/bounds.hpp"
#include "limit/decide.hpp"
#include "limit/slot_table.hpp"
#include "limit/window.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluicegate::limit {
namespace {

/// Replaces what is reserved by what was used. Tokens come back only from the latest charge, and
/// only while it lives. What was used beyond the reservation counts where the request does. Once
/// that has expired, it counts from now on, as debt, and is then the latest charge.
template <class Charged>
void correct(RunLog& log, Charged& charged, std::uint64_t reserved, std::uint64_t used) noexcept {
    const bool is_live = log.is_live(charged.stamp);
    if (used <= reserved) {
        if (!is_live) return;
        const std::uint64_t back = std::min<std::uint64_t>(reserved - used, charged.tokens);
        log.refund(charged.stamp, 0, back);
        charged.tokens -= static_cast<std::uint32_t>(back);
        return;
    }
    const std::uint64_t more = used - reserved;
    if (is_live && charged.has_request) {
        log.extend(charged.stamp, more);
    } else {
        log.charge(0, more);
        if (charged.stamp != log.clock()) charged.tokens = 0;
        charged.stamp = log.clock();
        charged.has_request = false;
    }
    charged.tokens += static_cast<std::uint32_t>(more);
}

/// Corrects one window; returns its log.
template <class Charged>
RunLog correct_in(SlotMap& slots, Key key, Charged& charged, std::uint64_t reserved,
                  std::uint64_t used, std::uint64_t now) noexcept {
    const SlotMap::Found found = slots.find_charged(key, charged.is_overflow, now);
    RunLog log(found.slot, slots.window());
    log.advance(now);
    correct(log, charged, reserved, used);
    // A key that has left the overflow slot took along only what was charged there until then.
    Slot* const own = charged.is_overflow ? slots.find(key) : nullptr;
    if (own != nullptr && used > reserved) {
        RunLog own_log(*own, slots.window());
        own_log.advance(now);
        own_log.charge(0, used - reserved);
    }
    charged.is_overflow = found.is_overflow;
    return log;
}

/// Gives the latest charge back, with the request if it is part of it; returns the window's log.
template <class Charged>
RunLog cancel_in(SlotMap& slots, Key key, const Charged& charged, std::uint64_t now) noexcept {
    RunLog log(slots.find_charged(key, charged.is_overflow, now).slot, slots.window());
    log.advance(now);
    if (log.is_live(charged.stamp)) {
        log.refund(charged.stamp, charged.has_request ? 1 : 0, charged.tokens);
    }
    return log;
}

void release_in_flight(Slot& slot) noexcept {
    assert(slot.in_flight != 0);
    --slot.in_flight;
}

}  // namespace

void Limiter::correct(Reservation::Ticket& ticket, std::uint64_t used, Instant now,
                      bool ends) noexcept {
    const Key key = key_of(ticket.user, ticket.model);
    std::uint64_t clock_ms = 0;
    {
        Shard& shard = table_->shard_of(key);
        const std::lock_guard guard(shard.mutex);
        const RunLog minute =
            correct_in(shard.minutes, key, ticket.minute, ticket.tokens, used, to_ms(now));
        if (ends) release_in_flight(minute.slot());
        clock_ms = minute.clock();
        if (ticket.counts_day) {
            correct_in(shard.days, key, ticket.day, ticket.tokens, used,
                       shard.days.window().ticks_of(clock_ms));
        }
    }
    if (used > ticket.tokens) {
        record(ticket.user, ticket.model, clock_ms, used - ticket.tokens, false, ticket.counts_day);
    }
}

void Limiter::cancel(const Reservation::Ticket& ticket, std::optional<Instant> now) noexcept {
    const Key key = key_of(ticket.user, ticket.model);
    Shard& shard = table_->shard_of(key);
    const std::lock_guard guard(shard.mutex);
    // Without a clock at hand, the time of the charge moves the slot's clock nowhere.
    const RunLog minute =
        cancel_in(shard.minutes, key, ticket.minute, now ? to_ms(*now) : ticket.minute.stamp);
    release_in_flight(minute.slot());
    if (!ticket.counts_day) return;
    cancel_in(shard.days, key, ticket.day, shard.days.window().ticks_of(minute.clock()));
}

void Reservation::grow(std::int64_t tokens_in_all, Instant now) noexcept {
    const std::uint64_t used = bounded(tokens_in_all, Plan::value_max);
    if (limiter_ == nullptr || used <= ticket_.tokens) return;
    limiter_->correct(ticket_, used, now, false);
    ticket_.tokens = static_cast<std::uint32_t>(used);
}

void Reservation::settle(std::int64_t actual_tokens, Instant now) noexcept {
    if (limiter_ == nullptr) return;
    std::exchange(limiter_, nullptr)
        ->correct(ticket_, bounded(actual_tokens, Plan::value_max), now, true);
}

void Reservation::cancel(Instant now) noexcept {
    if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->cancel(ticket_, now);
}

void Reservation::release() noexcept {
    if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->cancel(ticket_, std::nullopt);
}

}  // namespace sluicegate::limit
