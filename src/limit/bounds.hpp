#pragma once
/// A plan and a demand in the terms of a decision: what every limit allows, and what is reserved.

#include "sluicegate/limit/plan.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace sluicegate::limit {

constexpr bool is_dry_run(const Plan& plan, Resource resource) noexcept {
    return (plan.dry_run & dry_run_bit(resource)) != 0;
}

constexpr std::uint64_t bounded(std::int64_t value, std::int64_t value_max) noexcept {
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(value, 0, value_max));
}

/// One limit. Where the plan has none, `countable` bounds the sum, so that it fits its field.
struct Bound {
    static constexpr std::uint64_t none = ~std::uint64_t{0};

    std::uint64_t enforced;         ///< refuses what would exceed it
    std::uint64_t reported = none;  ///< in dry run: only tells what would exceed it

    constexpr Bound(const Plan& plan, Resource resource, const std::optional<std::int64_t>& limit,
                    std::uint64_t countable, std::int64_t limit_max = Plan::value_max) noexcept
        : enforced(limit ? bounded(*limit, limit_max) : countable) {
        if (limit && is_dry_run(plan, resource)) [[unlikely]]
            reported = std::exchange(enforced, countable);
    }

    [[nodiscard]] constexpr std::uint64_t lower() const noexcept {
        return std::min(enforced, reported);
    }
};

/// Both limits of one window.
struct WindowBounds {
    Bound requests;
    Bound tokens;
};

struct Bounds {
    /// Requests that one window can count. Tokens need no bound: a run's count stays at its
    /// maximum.
    static constexpr std::uint64_t requests_countable = std::uint64_t{1} << 31U;

    WindowBounds minute;
    WindowBounds day;
    Bound concurrency;
    bool has_day;  ///< false: there is nothing to count per day

    explicit constexpr Bounds(const Plan& plan) noexcept
        : minute{{plan, Resource::requests, plan.rpm, requests_countable},
                 {plan, Resource::tokens, plan.tpm, Bound::none}},
          day{{plan, Resource::requests_per_day, plan.rpd, requests_countable},
              {plan, Resource::tokens_per_day, plan.tpd, Bound::none}},
          concurrency(plan, Resource::concurrency, plan.concurrency, Plan::concurrency_max,
                      Plan::concurrency_max),
          has_day(plan.rpd.has_value() || plan.tpd.has_value()) {}
};

/// A request's tokens as they are checked and charged.
struct Asked {
    std::uint64_t stated;
    /// At most every enforced limit, unless more is stated, which can never fit.
    std::uint64_t reserved;

    constexpr Asked(const Demand& demand, const Bounds& bounds) noexcept
        : stated(bounded(demand.stated, Plan::value_max)),
          reserved(
              std::max(stated, std::min({stated + bounded(demand.guessed, Plan::value_max),
                                         bounds.minute.tokens.enforced, bounds.day.tokens.enforced,
                                         std::uint64_t{Plan::value_max}}))) {}
};

}  // namespace sluicegate::limit
