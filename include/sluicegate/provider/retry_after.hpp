#pragma once
/// How long an upstream asks us to wait, as the fields of its answer say it.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/http/field_table.hpp"

#include <chrono>

namespace sluicegate::provider {

/// Longer waits are cut: what an upstream says must not keep a client away for days.
inline constexpr Milliseconds retry_after_max = std::chrono::hours(1);

/// Retry-After in all its spellings, as whole milliseconds from 0 to retry_after_max: RFC 9110,
/// 10.2.3; retry-after-ms and x-ms-retry-after-ms; units as in "5s" and RFC 3339, which some
/// servers write there. Zero when it is absent, makes no sense or is over.
[[nodiscard]] Milliseconds retry_after_of(const http::FieldTable& fields, WallTime now);

}  // namespace sluicegate::provider
