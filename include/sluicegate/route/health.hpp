#pragma once
/// What an attempt at an endpoint taught us, and the state that an endpoint is in.

#include "sluicegate/base/outcome.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate::route {

using sluicegate::Outcome;

/// The state of one endpoint. An unhealthy endpoint is offered last, never withheld.
enum class Health : std::uint8_t {
    healthy,
    checking_failed,  ///< the active check says no
    open,             ///< the breaker: too many requests failed there
    half_open,        ///< it may try one request at a time
    paused,           ///< it asked for a pause: 503 or 529 with Retry-After
};

/// snake_case, as on /status and in the log.
[[nodiscard]] std::string_view name_of(Health health) noexcept;

/// A change of an endpoint's state, for the log. Each change is told once, to one attempt or check.
/// The end of a pause and the time of a probe are no such changes: only time brings them.
struct HealthChange {
    Health to = Health::healthy;
    std::string reason;  ///< "connect failed 3 times in a row"
};

/// Why an attempt may go to an endpoint.
enum class AttemptKind : std::uint8_t {
    ordinary,
    probe,        ///< the one request at a time that a half-open endpoint gets
    last_resort,  ///< no healthy endpoint was left
};

}  // namespace sluicegate::route
