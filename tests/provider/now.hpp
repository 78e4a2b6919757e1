#pragma once
/// The time at which the tests of this folder read a field.

#include "sluicegate/base/clock.hpp"

#include <chrono>

namespace sluicegate::test {

/// 2026-11-21T20:45:23Z
constexpr WallTime now{std::chrono::seconds(1'795'293'923)};

}  // namespace sluicegate::test
