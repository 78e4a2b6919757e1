#pragma once
/// `models.NAME:`: what clients may ask for, and which upstreams answer.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/config/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluicegate::config {

struct RouteEntry {
    std::size_t upstream = 0;  ///< index into Config::upstreams
    /// 0 … 1000000; at least one of a route is above 0. What has none of the weight takes only what
    /// the others cannot. Always 1 in a fallback.
    std::uint32_t weight = 1;
    std::string model = "";  ///< the upstream's name for it; "": the same name

    friend bool operator==(const RouteEntry&, const RouteEntry&) = default;
};

/// What is set here replaces the upstream's own, whichever upstream of the route is asked.
struct ModelTimeouts {
    std::optional<Milliseconds> first_byte = std::nullopt;  ///< 1 ms … 24 h, as the others
    std::optional<Milliseconds> between_bytes = std::nullopt;
    std::optional<Milliseconds> total = std::nullopt;

    friend bool operator==(const ModelTimeouts&, const ModelTimeouts&) = default;
};

struct Model {
    std::string name;
    Limits limits;                          ///< of each user
    std::vector<RouteEntry> route;          ///< not empty
    std::vector<RouteEntry> fallback = {};  ///< tried in this order once the route has failed
    bool is_sticky = false;  ///< `sticky: user`: a user stays with one entry of the route
    ModelTimeouts timeouts = {};
};

}  // namespace sluicegate::config
