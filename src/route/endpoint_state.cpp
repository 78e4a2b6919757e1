#include "sluicegate/route/endpoint_state.hpp"

#include "route/mix.hpp"
#include "route/span_text.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::route {

EndpointState::EndpointState(std::string label, const config::Upstream& upstream)
    : slots(upstream.in_flight_max),
      label_(std::move(label)),
      id_(hash_text(label_)),
      breaker_(upstream.breaker),
      check_(upstream.health) {
}

void EndpointState::configure(const config::Upstream& upstream) {
    slots.set_max(upstream.in_flight_max);
    breaker_.configure(upstream.breaker);
    const std::scoped_lock lock(mutex_);
    // The result of another check, or of one that is no longer made, says nothing.
    if (check_ && upstream.health && check_->path == upstream.health->path &&
        check_->model == upstream.health->model) {
        check_ = upstream.health;
        return;
    }
    check_ = upstream.health;
    checks_in_a_row_ = 0;
    check_note_ = {};
    is_check_failing_.store(false, std::memory_order_relaxed);
}

Instant EndpointState::ready_at(Instant now) const noexcept {
    if (is_check_failing_.load(std::memory_order_relaxed)) return Instant::max();
    Instant at = now;
    if (is_paused(now)) {
        at = Instant(Instant::duration(paused_until_.load(std::memory_order_relaxed)));
    }
    if (is_doubted(now)) {
        const Instant::rep until = doubted_until_.load(std::memory_order_relaxed);
        at = std::max(at, Instant(Instant::duration(until)));
    }
    switch (breaker_.state(now)) {
        case Breaker::State::closed: break;
        case Breaker::State::open: at = std::max(at, breaker_.open_until()); break;
        case Breaker::State::half_open:
            if (!breaker_.allows(now)) return Instant::max();
            break;
    }
    return at > now ? at : Instant::max();
}

std::optional<AttemptKind> EndpointState::begin_attempt(Instant now) {
    if (breaker_.is_closed()) return AttemptKind::ordinary;
    return breaker_.take_probe(now) ? std::optional(AttemptKind::probe) : std::nullopt;
}

std::optional<HealthChange> EndpointState::report(Outcome outcome, AttemptKind kind,
                                                  Milliseconds wait, Instant now) {
    note_doubt(outcome, now);
    std::optional<HealthChange> paused;
    if (outcome == Outcome::overloaded && wait > Milliseconds(0)) {
        paused = pause(std::min(wait, pause_max), now);
    }
    auto change = breaker_.report(outcome, kind, now);
    return change ? note_breaker(std::move(*change), now) : std::move(paused);
}

std::optional<HealthChange> EndpointState::settle_refusal(Instant reported_at, bool is_of_request,
                                                          Instant now) {
    auto change = breaker_.settle_refusal(reported_at, is_of_request, now);
    if (!change) return std::nullopt;
    return note_breaker(std::move(*change), now);
}

void EndpointState::note_doubt(Outcome outcome, Instant now) noexcept {
    switch (outcome) {
        case Outcome::abandoned: return;
        case Outcome::connect_failed:
        case Outcome::cut: doubt(now); return;
        case Outcome::success:
        case Outcome::rejected:
        case Outcome::refused:
        case Outcome::failed:
        case Outcome::overloaded:
        case Outcome::rate_limited: end_doubt(); return;
    }
}

std::optional<HealthChange> EndpointState::note_breaker(Breaker::Transition change, Instant now) {
    const std::scoped_lock lock(mutex_);
    breaker_note_ = {change.reason, now};
    if (change.to != Breaker::State::closed) {
        return HealthChange{.to = Health::open, .reason = std::move(change.reason)};
    }
    // The breaker was not all that spoke against it.
    if (is_check_failing_.load(std::memory_order_relaxed)) return std::nullopt;
    return current(now);
}

HealthChange EndpointState::current(Instant now) const {
    const Health state = health(now);
    switch (state) {
        case Health::checking_failed: return {.to = state, .reason = check_note_.reason};
        case Health::open:
        case Health::half_open: return {.to = state, .reason = breaker_note_.reason};
        case Health::paused: return {.to = state, .reason = pause_note_.reason};
        case Health::healthy: break;
    }
    const bool is_by_check = check_note_.since > breaker_note_.since;
    return {.to = state, .reason = is_by_check ? check_note_.reason : breaker_note_.reason};
}

std::optional<HealthChange> EndpointState::pause(Milliseconds wait, Instant now) {
    const std::scoped_lock lock(mutex_);
    const bool was_paused = is_paused(now);
    const Instant::rep until = (now + wait).time_since_epoch().count();
    paused_until_.store(std::max(until, paused_until_.load(std::memory_order_relaxed)),
                        std::memory_order_relaxed);
    if (was_paused) return std::nullopt;
    pause_note_ = {"it asked for a pause of " + span_text(wait), now};
    return HealthChange{Health::paused, pause_note_.reason};
}

std::optional<HealthChange> EndpointState::report_check(bool is_ok, std::string reason,
                                                        Instant now) {
    const std::scoped_lock lock(mutex_);
    const bool is_failing = is_check_failing_.load(std::memory_order_relaxed);
    if (!check_ || is_ok != is_failing) {
        checks_in_a_row_ = 0;
        return std::nullopt;
    }
    if (++checks_in_a_row_ < (is_ok ? check_->healthy_after : check_->unhealthy_after)) {
        return std::nullopt;
    }
    checks_in_a_row_ = 0;
    is_check_failing_.store(!is_ok, std::memory_order_relaxed);
    if (is_ok) end_doubt();
    check_note_ = {is_ok ? "the health check succeeds" : std::move(reason), now};
    // A check that succeeds does not close the breaker, and ends no pause.
    return current(now);
}

Health EndpointState::health(Instant now) const noexcept {
    if (is_check_failing_.load(std::memory_order_relaxed)) return Health::checking_failed;
    switch (breaker_.state(now)) {
        case Breaker::State::open: return Health::open;
        case Breaker::State::half_open: return Health::half_open;
        case Breaker::State::closed: break;
    }
    return is_paused(now) ? Health::paused : Health::healthy;
}

EndpointStatus EndpointState::status(Instant now) const {
    EndpointStatus status{.label = label_,
                          .in_flight = slots.in_flight(),
                          .in_flight_max = slots.max(),
                          .health = health(now),
                          .reason = "",
                          .since = std::nullopt};
    const std::scoped_lock lock(mutex_);
    const auto use = [&](const Note& note) {
        status.reason = note.reason;
        status.since = note.since;
    };
    switch (status.health) {
        case Health::checking_failed: use(check_note_); break;
        case Health::open:
        case Health::half_open: use(breaker_note_); break;
        case Health::paused: use(pause_note_); break;
        case Health::healthy:
            use(check_note_.since > breaker_note_.since ? check_note_ : breaker_note_);
            break;
    }
    return status;
}

}  // namespace sluicegate::route
