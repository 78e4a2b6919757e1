#include "sluicegate/limit/reservation.hpp"

#include "sluicegate/limit/limiter.hpp"

#include "limit/bounds.hpp"
#include "limit/decide.hpp"
#include "limit/slot_table.hpp"
#include "limit/time.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluicegate::limit {
namespace {

enum class Stage : std::uint8_t { in_flight, ends };

/// The slot of a reservation: it is in flight there, so it may have been promoted, never evicted.
SlotLock slot_of(SlotTable& table, const Key& key, bool is_overflow) noexcept {
    SlotLock slot = is_overflow ? table.overflow_slot(key) : table.find(key);
    assert(slot && slot->in_flight != 0);
    return slot;
}

/// Replaces what is reserved by what was used. Tokens come back only from the latest charge and
/// only while it lives. What was used beyond the reservation counts where the request does, and
/// once that has expired from now on, as debt; from then on the debt is the latest charge.
template <class Log, class Charged>
Charge correct(Log& log, Charged& charged, std::uint64_t reserved, std::uint64_t used,
               bool may_grow) noexcept {
    const bool is_live = log.is_live(charged.stamp);
    if (used <= reserved) {
        if (is_live) {
            const std::uint64_t back = std::min<std::uint64_t>(reserved - used, charged.tokens);
            log.refund(charged.stamp, 0, back);
            charged.tokens -= static_cast<std::uint32_t>(back);
        }
        return Charge::done;
    }
    const std::uint64_t more = used - reserved;
    if (is_live && charged.has_request) {
        log.extend(charged.stamp, more);
    } else {
        const Charge room = log.charge_debt(more, may_grow);
        if (room != Charge::done) return room;
        if (charged.stamp != log.clock()) charged.tokens = 0;
        charged.stamp = log.clock();
        charged.has_request = false;
    }
    charged.tokens += static_cast<std::uint32_t>(more);
    return Charge::done;
}

/// Charges tokens that were used already to the key's own slot, if it has one.
void charge_debt(SlotTable& table, const Key& key, std::uint64_t tokens,
                 std::uint64_t now) noexcept {
    for (bool may_grow = true;;) {
        SlotLock slot = table.find(key);
        if (!slot) return;
        const Charge room = with_run_log(*slot, table.spans(), [&](auto log) {
            log.advance(now);
            return log.charge_debt(tokens, may_grow);
        });
        if (room == Charge::done) return;
        slot.unlock();
        may_grow = table.promote(key, room == Charge::needs_wide);
    }
}

/// Corrects one table; returns its slot's time.
template <class Charged>
std::uint64_t correct_in(SlotTable& table, const Key& key, Charged& charged, std::uint64_t reserved,
                         std::uint64_t used, std::uint64_t now, Stage stage) noexcept {
    for (bool may_grow = !charged.is_overflow;;) {
        SlotLock slot = slot_of(table, key, charged.is_overflow);
        const Charge room = with_run_log(*slot, table.spans(), [&](auto log) {
            log.advance(now);
            return correct(log, charged, reserved, used, may_grow);
        });
        if (room == Charge::done) {
            if (stage == Stage::ends) release_in_flight(*slot);
            const std::uint64_t clock = slot->clock;
            slot.unlock();
            // A key that has left the overflow slot took along what was charged there until then.
            if (charged.is_overflow && used > reserved) {
                charge_debt(table, key, used - reserved, now);
            }
            return clock;
        }
        slot.unlock();
        may_grow = table.promote(key, room == Charge::needs_wide);
    }
}

/// Gives the latest charge back, with the request if it is part of it; returns the slot's time.
template <class Charged>
std::uint64_t cancel_in(SlotTable& table, const Key& key, const Charged& charged,
                        std::uint64_t now) noexcept {
    const SlotLock slot = slot_of(table, key, charged.is_overflow);
    release_in_flight(*slot);
    with_run_log(*slot, table.spans(), [&](auto log) {
        log.advance(now);
        if (log.is_live(charged.stamp)) {
            log.refund(charged.stamp, charged.has_request ? 1 : 0, charged.tokens);
        }
    });
    return slot->clock;
}

}  // namespace

void Limiter::grow(Reservation::Ticket& ticket, std::int64_t tokens_in_all, Instant now) noexcept {
    const std::uint64_t used = bounded_tokens(tokens_in_all);
    if (used <= ticket.tokens) return;
    correct(ticket, used, now, false);
    ticket.tokens = static_cast<std::uint32_t>(used);
}

void Limiter::settle(Reservation::Ticket& ticket, std::int64_t actual_tokens,
                     Instant now) noexcept {
    correct(ticket, bounded_tokens(actual_tokens), now, true);
}

void Limiter::correct(Reservation::Ticket& ticket, std::uint64_t used, Instant now,
                      bool ends) noexcept {
    const Key key = Key::of(ticket.key);
    const Stage stage = ends ? Stage::ends : Stage::in_flight;
    const std::uint64_t clock_ms =
        correct_in(*minutes_, key, ticket.minute, ticket.tokens, used, to_ms(now), stage);
    if (ticket.counts_day) {
        SlotTable& days = this->days();
        correct_in(days, key, ticket.day, ticket.tokens, used, days.spans().ticks_of(clock_ms),
                   stage);
    }
    if (used > ticket.tokens) {
        record(key, clock_ms, used - ticket.tokens, false, ticket.counts_day);
    }
}

void Limiter::cancel(const Reservation::Ticket& ticket, std::optional<Instant> now) noexcept {
    const Key key = Key::of(ticket.key);
    // Without a clock at hand, the time of the charge moves the slot's clock nowhere.
    const std::uint64_t clock_ms =
        cancel_in(*minutes_, key, ticket.minute, now ? to_ms(*now) : ticket.minute.stamp);
    if (!ticket.counts_day) return;
    SlotTable& days = this->days();
    cancel_in(days, key, ticket.day, days.spans().ticks_of(clock_ms));
}

void Reservation::grow(std::int64_t tokens_in_all, Instant now) noexcept {
    if (limiter_ != nullptr) limiter_->grow(ticket_, tokens_in_all, now);
}

void Reservation::settle(std::int64_t actual_tokens, Instant now) noexcept {
    if (limiter_ != nullptr) {
        std::exchange(limiter_, nullptr)->settle(ticket_, actual_tokens, now);
    }
}

void Reservation::cancel(Instant now) noexcept {
    if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->cancel(ticket_, now);
}

void Reservation::release() noexcept {
    if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->cancel(ticket_, std::nullopt);
}

}  // namespace sluicegate::limit
