#pragma once
/// The limits of one user on one model, as they stand in the configuration in force.

#include "sluicegate/limit/decision.hpp"

#include <cstdint>
#include <optional>

namespace sluicegate::limit {

/// An absent limit is unlimited, 0 forbids. A value above Plan::value_max means the same as
/// value_max. "Per minute" is Settings::window, "per day" Settings::day; both slide.
struct Plan {
    /// Also the largest number of tokens one request can reserve.
    static constexpr std::int64_t value_max = 1'000'000'000;
    /// Requests in flight that one key can count; an absent limit means this many.
    static constexpr std::int64_t concurrency_max = 65'535;

    std::optional<std::int64_t> rpm{};          ///< requests per minute
    std::optional<std::int64_t> tpm{};          ///< model tokens per minute
    std::optional<std::int64_t> rpd{};          ///< requests per day
    std::optional<std::int64_t> tpd{};          ///< model tokens per day
    std::optional<std::int64_t> concurrency{};  ///< requests in flight
    /// A dry_run_bit() for each limit that only reports (Decision::would_refuse). Such a limit
    /// never refuses and never makes a reservation smaller, even where it is 0.
    std::uint8_t dry_run = 0;
};

constexpr std::uint8_t dry_run_bit(Resource resource) noexcept {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(resource));
}

/// What a request asks for, in model tokens. Values out of 0 … Plan::value_max are moved to the
/// nearest bound.
struct Demand {
    std::int64_t stated = 0;   ///< by the request itself: its cap on the output, times n
    std::int64_t guessed = 0;  ///< by us: the prompt's size, or a learned output
};

}  // namespace sluicegate::limit
