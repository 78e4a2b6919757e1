#pragma once
/// Short forms for tests that ask a limiter as one user for one model.

#include "sluicegate/limit/limiter.hpp"

#include <chrono>
#include <cstdint>

namespace sluicegate::limit {

constexpr UserId alice{1};
constexpr UserId bob{2};
constexpr ModelId gpt{3};
constexpr ModelId llama{4};

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t hour_ms = 60 * minute_ms;
constexpr std::int64_t day_ms = 24 * hour_ms;

/// The memory of a key's runs once there is room for 124 of them.
constexpr std::uint64_t largest_block_bytes = std::uint64_t{124} * 12;

/// A point in time by the zero of the clock.
inline Instant instant(std::int64_t ms) {
    return Instant(Milliseconds(ms));
}

/// A point in time some way after it.
inline Instant at(std::int64_t ms) {
    return Instant(Milliseconds(1'000'000 + ms));
}

inline Admission ask(Limiter& limiter, const Plan& plan, std::int64_t ms,
                     const Demand& demand = {}) {
    return limiter.admit(alice, gpt, plan, demand, at(ms));
}

/// Admits a request, and settles it at once with what was reserved.
inline Decision call(Limiter& limiter, const Plan& plan, std::int64_t ms, std::int64_t tokens = 0,
                     UserId user = alice, ModelId model = gpt) {
    Admission admission = limiter.admit(user, model, plan, {.stated = tokens}, at(ms));
    admission.reservation.settle(admission.reservation.reserved(), at(ms));
    return admission.decision;
}

inline Budgets left(Limiter& limiter, const Plan& plan, std::int64_t ms) {
    return limiter.peek(alice, gpt, plan, at(ms));
}

}  // namespace sluicegate::limit
