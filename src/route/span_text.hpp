#pragma once
/// Time spans in reasons that people read.

#include "sluicegate/base/clock.hpp"

#include <string>

namespace sluicegate::route {

/// "10s", "250ms"
[[nodiscard]] inline std::string span_text(Milliseconds span) {
    const auto ms = span.count();
    return ms % 1000 == 0 ? std::to_string(ms / 1000) + 's' : std::to_string(ms) + "ms";
}

}  // namespace sluicegate::route
