#include "sluicegate/route/breaker.hpp"

#include "route/span_text.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace sluicegate::route {
namespace {

constexpr unsigned field_bits = 22;
constexpr std::uint64_t field_max = (std::uint64_t{1} << field_bits) - 1;
/// Refusals that wait to be settled. Beyond that they are failures.
constexpr std::size_t refusals_max = 1024;
constexpr std::uint64_t step_mask = (std::uint64_t{1} << (64 - 2 * field_bits)) - 1;

struct Packed {
    std::uint64_t step;
    std::uint64_t requests;
    std::uint64_t failures;

    static constexpr Packed from(std::uint64_t word) noexcept {
        return {word >> (2 * field_bits), (word >> field_bits) & field_max, word & field_max};
    }
    [[nodiscard]] constexpr std::uint64_t word() const noexcept {
        return (step << (2 * field_bits)) | (requests << field_bits) | failures;
    }
};

/// Steps from `then` to `now`, both modulo 2^20: negative if `then` lies ahead.
constexpr std::int64_t steps_between(std::uint64_t then, std::uint64_t now) noexcept {
    const std::uint64_t ahead = (now - then) & step_mask;
    return ahead > step_mask / 2
               ? static_cast<std::int64_t>(ahead) - static_cast<std::int64_t>(step_mask) - 1
               : static_cast<std::int64_t>(ahead);
}

}  // namespace

Breaker::Breaker(const config::BreakerSettings& settings) {
    configure(settings);
}

void Breaker::configure(const config::BreakerSettings& settings) {
    const std::scoped_lock lock(mutex_);
    settings_ = settings;
    const Instant::rep span =
        std::max<Instant::rep>(1, Instant::duration(settings.window).count() / Instant::rep{steps});
    if (step_span_.exchange(span, std::memory_order_relaxed) != span) forget_counts();
}

bool Breaker::allows(Instant now) const noexcept {
    switch (phase_.load(std::memory_order_relaxed)) {
        case Phase::closed: return true;
        case Phase::open: return now >= open_until();
        case Phase::probing: return false;
    }
    return true;
}

bool Breaker::take_probe(Instant now) {
    const std::scoped_lock lock(mutex_);
    if (phase_.load(std::memory_order_relaxed) != Phase::open || now < open_until()) return false;
    phase_.store(Phase::probing, std::memory_order_relaxed);
    return true;
}

Breaker::State Breaker::state(Instant now) const noexcept {
    switch (phase_.load(std::memory_order_relaxed)) {
        case Phase::closed: return State::closed;
        case Phase::open: return now >= open_until() ? State::half_open : State::open;
        case Phase::probing: return State::half_open;
    }
    return State::closed;
}

Instant Breaker::open_until() const noexcept {
    return Instant(Instant::duration(open_until_.load(std::memory_order_relaxed)));
}

std::int64_t Breaker::step_of(Instant now) const noexcept {
    return now.time_since_epoch().count() / step_span_.load(std::memory_order_relaxed);
}

void Breaker::count(bool is_failure, Instant now) noexcept {
    const std::int64_t step = step_of(now);
    const std::uint64_t stamp = static_cast<std::uint64_t>(step) & step_mask;
    std::atomic<std::uint64_t>& cell = window_[stamp % steps];
    std::uint64_t seen = cell.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
        Packed packed = Packed::from(seen);
        // A cell that is a little ahead belongs to a thread with a later clock: this one joins it.
        const std::int64_t age = steps_between(packed.step, stamp);
        if (age > 0 || age <= -std::int64_t{steps}) packed = {stamp, 0, 0};
        if (packed.requests == field_max) return;
        ++packed.requests;
        packed.failures += is_failure ? 1 : 0;
        next = packed.word();
    } while (!cell.compare_exchange_weak(seen, next, std::memory_order_relaxed));
}

Breaker::WindowCounts Breaker::counts_of_window(Instant now) const noexcept {
    const std::uint64_t stamp = static_cast<std::uint64_t>(step_of(now)) & step_mask;
    WindowCounts counts;
    for (const auto& cell : window_) {
        const Packed packed = Packed::from(cell.load(std::memory_order_relaxed));
        if (std::abs(steps_between(packed.step, stamp)) >= std::int64_t{steps}) continue;
        counts.requests += packed.requests;
        counts.failures += packed.failures;
    }
    return counts;
}

void Breaker::forget_counts() noexcept {
    for (auto& cell : window_) cell.store(0, std::memory_order_relaxed);
    last_success_.store(0, std::memory_order_relaxed);
    refusals_.clear();
}

std::optional<Breaker::Transition> Breaker::report(Outcome outcome, AttemptKind kind, Instant now) {
    const bool says_nothing = outcome == Outcome::abandoned || outcome == Outcome::rate_limited;
    const bool is_good = outcome == Outcome::success || outcome == Outcome::rejected;
    if (outcome != Outcome::connect_failed && outcome != Outcome::abandoned &&
        connect_failures_.load(std::memory_order_relaxed) != 0) {
        connect_failures_.store(0, std::memory_order_relaxed);
    }
    if (is_closed()) {
        if (says_nothing) return std::nullopt;
        count(!is_good, now);
        if (outcome == Outcome::success) {
            // Seldom written, so that workers do not take the line from each other.
            const Instant::rep at = now.time_since_epoch().count();
            const Instant::rep seen = last_success_.load(std::memory_order_relaxed);
            if (seen == 0 || at - seen >= step_span_.load(std::memory_order_relaxed)) {
                last_success_.store(std::max<Instant::rep>(at, 1), std::memory_order_relaxed);
            }
        }
        if (is_good) return std::nullopt;
        return judge_failure(outcome, now);
    }
    if (kind == AttemptKind::ordinary) return std::nullopt;

    const std::scoped_lock lock(mutex_);
    const Phase phase = phase_.load(std::memory_order_relaxed);
    if (phase == Phase::closed) return std::nullopt;
    if (is_good) {
        connect_failures_.store(0, std::memory_order_relaxed);
        forget_counts();
        closed_at_ = now;
        phase_.store(Phase::closed, std::memory_order_relaxed);
        return Transition{State::closed, "a request succeeded"};
    }
    if (kind != AttemptKind::probe || phase != Phase::probing) return std::nullopt;
    if (says_nothing) {
        phase_.store(Phase::open, std::memory_order_relaxed);
        return std::nullopt;
    }
    return open("a probe failed", now);
}

std::optional<Breaker::Transition> Breaker::judge_failure(Outcome outcome, Instant now) {
    const std::scoped_lock lock(mutex_);
    if (!is_closed()) return std::nullopt;
    if (outcome == Outcome::connect_failed) {
        const std::uint32_t in_a_row =
            connect_failures_.fetch_add(1, std::memory_order_relaxed) + 1;
        if (in_a_row >= settings_.connect_failures) {
            return open(in_a_row == 1
                            ? "connect failed"
                            : "connect failed " + std::to_string(in_a_row) + " times in a row",
                        now);
        }
    }
    if (outcome == Outcome::refused) note_refusal(now);
    return judge_window(now);
}

std::optional<Breaker::Transition> Breaker::judge_window(Instant now) {
    WindowCounts seen = counts_of_window(now);
    // What may yet be taken back opens nothing.
    const auto waiting = static_cast<std::uint64_t>(
        std::ranges::count_if(refusals_, [&](Instant at) { return now - at < refusal_grace; }));
    seen.failures -= std::min(seen.failures, waiting);
    seen.requests -= std::min(seen.requests, waiting);
    const bool is_enough = seen.failures >= 2 && seen.requests >= settings_.requests_min &&
                           seen.failures * 100 >= seen.requests * settings_.error_percent;
    if (!is_enough) return std::nullopt;
    return open(std::to_string(seen.failures) + " of " + std::to_string(seen.requests) +
                    " requests failed in " + span_text(settings_.window),
                now);
}

void Breaker::note_refusal(Instant now) {
    std::erase_if(refusals_, [&](Instant at) { return now - at >= settings_.window; });
    if (refusals_.size() < refusals_max) refusals_.push_back(now);
}

std::optional<Breaker::Transition> Breaker::settle_refusal(Instant reported_at, bool is_of_request,
                                                           Instant now) {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(refusals_, reported_at);
    if (!is_closed() || found == refusals_.end()) return std::nullopt;
    refusals_.erase(found);
    const Instant::rep succeeded = last_success_.load(std::memory_order_relaxed);
    const bool has_succeeded =
        succeeded != 0 && now - Instant(Instant::duration(succeeded)) <= settings_.window;
    if (!is_of_request || !has_succeeded) return judge_window(now);
    take_back(reported_at);
    return std::nullopt;
}

void Breaker::take_back(Instant counted_at) noexcept {
    const std::uint64_t stamp = static_cast<std::uint64_t>(step_of(counted_at)) & step_mask;
    std::atomic<std::uint64_t>& cell = window_[stamp % steps];
    std::uint64_t seen = cell.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
        Packed packed = Packed::from(seen);
        if (packed.step != stamp || packed.failures == 0) return;
        --packed.requests;
        --packed.failures;
        next = packed.word();
    } while (!cell.compare_exchange_weak(seen, next, std::memory_order_relaxed));
}

Breaker::Transition Breaker::open(std::string reason, Instant now) {
    constexpr unsigned doublings_max = 20;
    if (closed_at_ && now - *closed_at_ >= settings_.window) times_in_vain_ = 0;
    closed_at_.reset();
    const Milliseconds span =
        std::min(settings_.open_max, settings_.open_for * (1 << times_in_vain_));
    times_in_vain_ = std::min(times_in_vain_ + 1, doublings_max);
    open_until_.store((now + span).time_since_epoch().count(), std::memory_order_relaxed);
    phase_.store(Phase::open, std::memory_order_relaxed);
    return Transition{State::open, std::move(reason) + "; next try in " + span_text(span)};
}

}  // namespace sluicegate::route
