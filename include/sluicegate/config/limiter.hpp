#pragma once
/// `limiter:`: what "per minute" means, and how many (user, model) pairs are remembered.

#include "sluicegate/base/clock.hpp"

#include <chrono>
#include <cstdint>

namespace sluicegate::config {

struct LimiterSettings {
    Milliseconds window =
        std::chrono::seconds(60);   ///< 100 ms … 60 s: a smaller one is for trying things out
    std::uint32_t slots = 1048576;  ///< 1024 … 12000000
};

}  // namespace sluicegate::config
