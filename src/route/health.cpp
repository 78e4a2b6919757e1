#include "sluicegate/route/health.hpp"

namespace sluicegate::route {

std::string_view name_of(Health health) noexcept {
    switch (health) {
        case Health::healthy: return "healthy";
        case Health::checking_failed: return "checking_failed";
        case Health::open: return "open";
        case Health::half_open: return "half_open";
        case Health::paused: return "paused";
    }
    return "";
}

}  // namespace sluicegate::route
