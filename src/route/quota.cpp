#include "sluicegate/route/quota.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace sluicegate::route {
namespace {

constexpr Milliseconds reset_if_unsaid = std::chrono::seconds(1);
/// Requests sent since a report count for at least this long. Then, without another report, nothing
/// is known any more.
constexpr Milliseconds memory = std::chrono::minutes(1);
constexpr std::uint32_t refusals_that_cool = 3;
constexpr std::uint32_t doublings_max = 5;
constexpr Milliseconds cool_max = std::chrono::seconds(30);

Instant::rep ticks_of(Instant at) noexcept {
    return at.time_since_epoch().count();
}

/// Rounded up, at least 1 ms.
Milliseconds span_of(double ns) noexcept {
    const double ms = std::ceil(ns / 1e6);
    const auto most = static_cast<double>(Quota::wait_max.count());
    return Milliseconds(static_cast<std::int64_t>(std::clamp(ms, 1.0, most)));
}

}  // namespace

void Quota::Bucket::take(std::int64_t count, Instant now) noexcept {
    const std::int64_t all = limit.load(std::memory_order_relaxed);
    if (all == 0) return;
    const double each = ns_each.load(std::memory_order_relaxed);
    const double at = static_cast<double>(ticks_of(now));
    const double full = std::max(static_cast<double>(full_at.load(std::memory_order_relaxed)), at);
    // A bucket that is empty already stays at empty.
    const double empty = at + each * static_cast<double>(all);
    const double then = std::min(full + each * static_cast<double>(count), empty);
    full_at.store(static_cast<Instant::rep>(then), std::memory_order_relaxed);
}

void Quota::Bucket::learn(const QuotaReport::Allowance& allowance, std::int64_t sent_since,
                          Instant now) noexcept {
    const std::int64_t remaining = std::max<std::int64_t>(0, allowance.remaining);
    const std::int64_t known = limit.load(std::memory_order_relaxed);
    const std::int64_t all =
        std::max({allowance.limit > 0 ? allowance.limit : known, remaining, std::int64_t{1}});
    const Milliseconds reset =
        std::min(allowance.reset > Milliseconds(0) ? allowance.reset : reset_if_unsaid, wait_max);
    const double reset_ns = static_cast<double>(Instant::duration(reset).count());
    double each = ns_each.load(std::memory_order_relaxed);
    // A full bucket does not say how fast it fills.
    if (remaining < all) {
        each = reset_ns / static_cast<double>(all - remaining);
    } else if (all != known) {
        each = 0;
    }
    known_until.store(ticks_of(now + std::max(reset, memory)), std::memory_order_relaxed);
    limit.store(all, std::memory_order_relaxed);
    ns_each.store(each, std::memory_order_relaxed);
    const double used = static_cast<double>(all - remaining);
    full_at.store(ticks_of(now) + static_cast<Instant::rep>(each * used),
                  std::memory_order_relaxed);
    take(sent_since, now);
}

Milliseconds Quota::Bucket::wait_for(std::int64_t count, Instant now) const noexcept {
    const std::int64_t all = limit.load(std::memory_order_relaxed);
    const double missing_ns =
        static_cast<double>(full_at.load(std::memory_order_relaxed) - ticks_of(now));
    if (all == 0 || missing_ns <= 0 ||
        ticks_of(now) >= known_until.load(std::memory_order_relaxed)) {
        return Milliseconds(0);
    }
    // A request that is larger than the bucket waits until it is full, and may be tried then.
    const double needed = static_cast<double>(std::clamp<std::int64_t>(count, 0, all));
    const double each = ns_each.load(std::memory_order_relaxed);
    const double short_ns = missing_ns - each * (static_cast<double>(all) - needed);
    // Rounding is wrong by up to half of one.
    return short_ns <= each / 2 ? Milliseconds(0) : span_of(short_ns);
}

std::optional<QuotaReport::Allowance> Quota::Bucket::shown(Instant now) const noexcept {
    const std::int64_t all = limit.load(std::memory_order_relaxed);
    if (all == 0) return std::nullopt;
    const double each = ns_each.load(std::memory_order_relaxed);
    const double missing_ns =
        std::max(0.0, static_cast<double>(full_at.load(std::memory_order_relaxed) - ticks_of(now)));
    const double used = each > 0 ? missing_ns / each : 0;
    const auto remaining = static_cast<std::int64_t>(static_cast<double>(all) - used + 0.5);
    return QuotaReport::Allowance{.limit = all,
                                  .remaining = std::clamp<std::int64_t>(remaining, 0, all),
                                  .reset = missing_ns > 0 ? span_of(missing_ns) : Milliseconds(0)};
}

Quota::SentTotal Quota::sent(std::int64_t tokens, Instant now) {
    if (!has_learned_.load(std::memory_order_relaxed)) return {};
    const std::scoped_lock lock(mutex_);
    ++total_.requests;
    total_.tokens += tokens;
    requests_.take(1, now);
    tokens_.take(tokens, now);
    return total_;
}

void Quota::unsent(const SentTotal& sent, std::int64_t tokens, Instant now) {
    if (sent.requests == 0) return;  // it was not counted
    const std::scoped_lock lock(mutex_);
    --total_.requests;
    total_.tokens -= tokens;
    requests_.take(-1, now);
    tokens_.take(-tokens, now);
}

void Quota::report(const QuotaReport& report, const SentTotal& sent, Instant now) {
    if (!report.requests && !report.tokens) return;
    const std::scoped_lock lock(mutex_);
    if (sent.requests < reported_.requests) return;
    reported_ = sent;
    const std::int64_t requests = std::max<std::int64_t>(0, total_.requests - sent.requests);
    const std::int64_t tokens = std::max<std::int64_t>(0, total_.tokens - sent.tokens);
    if (report.requests) requests_.learn(*report.requests, requests, now);
    if (report.tokens) tokens_.learn(*report.tokens, tokens, now);
    has_learned_.store(true, std::memory_order_relaxed);
}

std::optional<Milliseconds> Quota::refused(std::int64_t tokens, Milliseconds wait, Instant now) {
    const std::scoped_lock lock(mutex_);
    const Instant::rep until = cooling_until_.load(std::memory_order_relaxed);
    const bool is_cooling = ticks_of(now) < until;
    if (wait <= Milliseconds(0)) {
        const std::int64_t all = tokens_.limit.load(std::memory_order_relaxed);
        if (all != 0 && tokens > all) return std::nullopt;
        // Answers to what was sent before it began to cool say nothing new.
        if (is_cooling) return std::nullopt;
        const std::uint32_t refusals = refusals_.fetch_add(1, std::memory_order_relaxed) + 1;
        if (refusals < refusals_that_cool) return std::nullopt;
        const std::uint32_t doublings = std::min(refusals - refusals_that_cool, doublings_max);
        wait = std::min<Milliseconds>(std::chrono::seconds(1U << doublings), cool_max);
    }
    wait = std::min(wait, wait_max);
    cooling_until_.store(std::max(until, ticks_of(now + wait)), std::memory_order_relaxed);
    if (is_cooling) return std::nullopt;
    return wait;
}

void Quota::accepted() noexcept {
    if (refusals_.load(std::memory_order_relaxed) != 0) {
        refusals_.store(0, std::memory_order_relaxed);
    }
}

Quota::Availability Quota::availability(std::int64_t tokens, Instant now) const noexcept {
    const Instant::rep until = cooling_until_.load(std::memory_order_relaxed);
    if (ticks_of(now) < until) {
        return {Availability::cooling, span_of(static_cast<double>(until - ticks_of(now)))};
    }
    if (!has_learned_.load(std::memory_order_relaxed)) return {};
    const Milliseconds wait = std::max(requests_.wait_for(1, now), tokens_.wait_for(tokens, now));
    if (wait == Milliseconds(0)) return {};
    return {Availability::paced, wait};
}

Quota::Status Quota::status(Instant now) const {
    Status status;
    const Instant::rep until = cooling_until_.load(std::memory_order_relaxed);
    if (ticks_of(now) < until) status.cooling_until = Instant(Instant::duration(until));
    status.requests = requests_.shown(now);
    status.tokens = tokens_.shown(now);
    return status;
}

}  // namespace sluicegate::route
