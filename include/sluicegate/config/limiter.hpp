#pragma once
/// `limiter:`: what "per minute" means, and how many (user, model) pairs are remembered.

#include "sluicegate/base/clock.hpp"

#include <chrono>
#include <cstdint>

namespace sluicegate::config {

struct LimiterSettings {
    Milliseconds window = std::chrono::seconds(60);  ///< 100 ms … 1 h
    std::uint32_t slots = 1048576;                   ///< 1024 … 67108864
};

}  // namespace sluicegate::config
