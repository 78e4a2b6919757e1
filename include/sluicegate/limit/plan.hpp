#pragma once
/// The limits of one user on one model, as they stand in the configuration in force.

#include <cstdint>
#include <optional>

namespace sluicegate::limit {

/// Absent is unlimited, 0 forbids. Values from 0 to Plan::value_max; a larger one means the same
/// as value_max. "Per minute" is Settings::window, a sliding one.
struct Plan {
    /// Also the largest number of tokens one request can reserve.
    static constexpr std::int64_t value_max = 1'000'000'000;
    /// Requests in flight that one key can count; an absent limit means this many.
    static constexpr std::int64_t concurrency_max = 65'535;

    std::optional<std::int64_t> rpm{};          ///< requests per minute
    std::optional<std::int64_t> tpm{};          ///< model tokens per minute
    std::optional<std::int64_t> concurrency{};  ///< requests in flight
};

}  // namespace sluicegate::limit
