#pragma once
/// Points in time as the pages of the admin port show them.

#include "sluicegate/base/clock.hpp"

#include <string>

namespace sluicegate::app {

/// "2026-11-21T20:45:23.123Z" (RFC 3339).
[[nodiscard]] std::string timestamp(WallTime at);

}  // namespace sluicegate::app
