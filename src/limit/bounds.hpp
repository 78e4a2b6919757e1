#pragma once
/// A plan and a demand in the terms of the slots: what every limit allows, and what is reserved.

#include "sluicegate/limit/plan.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace sluicegate::limit {

/// One limit. A slot's fields bound what can be counted where the plan does not: no sum can leave
/// its field.
struct Bound {
    static constexpr std::uint64_t none = ~std::uint64_t{0};

    std::uint64_t enforced;         ///< refuses what would exceed it
    std::uint64_t reported = none;  ///< in dry run: only tells what would exceed it

    constexpr Bound(const std::optional<std::int64_t>& limit, bool is_dry_run,
                    std::int64_t limit_max, std::uint64_t countable) noexcept
        : enforced(limit ? bounded(*limit, limit_max) : countable) {
        if (is_dry_run && limit) [[unlikely]]
            reported = std::exchange(enforced, countable);
    }

    [[nodiscard]] constexpr std::uint64_t lower() const noexcept {
        return std::min(enforced, reported);
    }

private:
    static constexpr std::uint64_t bounded(std::int64_t limit, std::int64_t limit_max) noexcept {
        return static_cast<std::uint64_t>(std::clamp<std::int64_t>(limit, 0, limit_max));
    }
};

/// Both limits of one window.
struct WindowBounds {
    Bound requests;
    Bound tokens;
};

constexpr std::uint64_t bounded_tokens(std::int64_t tokens) noexcept {
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(tokens, 0, Plan::value_max));
}

struct Bounds {
    /// 2^31 requests and 2^46 tokens can be counted in one window.
    static constexpr std::uint64_t requests_countable = std::uint64_t{1} << 31U;
    static constexpr std::uint64_t tokens_countable = std::uint64_t{1} << 46U;

    WindowBounds minute;
    WindowBounds day;
    Bound concurrency;
    bool has_day;  ///< false: there is nothing to count per day

    explicit constexpr Bounds(const Plan& plan) noexcept
        : minute{requests(plan, plan.rpm, Resource::requests),
                 tokens(plan, plan.tpm, Resource::tokens)},
          day{requests(plan, plan.rpd, Resource::requests_per_day),
              tokens(plan, plan.tpd, Resource::tokens_per_day)},
          concurrency(plan.concurrency, is_dry_run(plan, Resource::concurrency),
                      Plan::concurrency_max, Plan::concurrency_max),
          has_day(plan.rpd.has_value() || plan.tpd.has_value()) {}

    static constexpr bool is_dry_run(const Plan& plan, Resource resource) noexcept {
        return (plan.dry_run & dry_run_bit(resource)) != 0;
    }

private:
    static constexpr Bound requests(const Plan& plan, const std::optional<std::int64_t>& limit,
                                    Resource resource) noexcept {
        return {limit, is_dry_run(plan, resource), Plan::value_max, requests_countable};
    }
    static constexpr Bound tokens(const Plan& plan, const std::optional<std::int64_t>& limit,
                                  Resource resource) noexcept {
        return {limit, is_dry_run(plan, resource), Plan::value_max, tokens_countable};
    }
};

/// A request's tokens as they are checked and charged.
struct Asked {
    std::uint64_t stated;
    /// At most every enforced limit, unless more is stated, which can never fit.
    std::uint64_t reserved;

    constexpr Asked(const Demand& demand, const Bounds& bounds) noexcept
        : stated(bounded_tokens(demand.stated)),
          reserved(std::max(
              stated,
              std::min({stated + bounded_tokens(demand.guessed), bounds.minute.tokens.enforced,
                        bounds.day.tokens.enforced, std::uint64_t{Plan::value_max}}))) {}
};

}  // namespace sluicegate::limit
