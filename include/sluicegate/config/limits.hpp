#pragma once
/// The limits of one entry; an absent field says nothing, and the next entry in the order of
/// resolve_limits() is asked.

#include <cstdint>
#include <optional>

namespace sluicegate::config {

struct Limits {
    /// Requests in any limiter.window. 0 forbids; absent everywhere is unlimited.
    std::optional<std::int64_t> rpm;

    friend bool operator==(const Limits&, const Limits&) = default;
};

}  // namespace sluicegate::config
