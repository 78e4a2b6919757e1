#pragma once
/// `models.NAME:`: a model that clients may request, and the upstreams that serve it.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/error.hpp"
#include "sluicegate/config/body_policy.hpp"
#include "sluicegate/config/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluicegate::config {

struct RouteEntry {
    std::size_t upstream = 0;  ///< index into Config::upstreams
    /// 0 … 1000000; at least one entry of a route is above 0. An entry of weight 0 gets only
    /// requests that the others cannot take. Always 1 in a fallback.
    std::uint32_t weight = 1;
    std::string model = "";  ///< the upstream's name for it; "": the same name

    friend bool operator==(const RouteEntry&, const RouteEntry&) = default;
};

/// Values that are set here replace those of any upstream in the route.
struct ModelTimeouts {
    std::optional<Milliseconds> first_byte = std::nullopt;  ///< 1 ms … 24 h, as the others
    std::optional<Milliseconds> between_bytes = std::nullopt;
    std::optional<Milliseconds> total = std::nullopt;

    friend bool operator==(const ModelTimeouts&, const ModelTimeouts&) = default;
};

/// Whose name of the model an answer carries, where a route entry has another than the client.
enum class AnswerModel : std::uint8_t { asked, upstream };

/// `fallback_on`: refusals after which the next entry may be tried.
struct FallbackOn {
    bool context_length = false;
    bool unsupported_parameter = false;

    [[nodiscard]] bool holds(FallbackReason reason) const noexcept {
        return (reason == FallbackReason::context_length && context_length) ||
               (reason == FallbackReason::unsupported_parameter && unsupported_parameter);
    }
    friend bool operator==(const FallbackOn&, const FallbackOn&) = default;
};

/// What the model list says besides the name.
struct ModelInfo {
    /// JSON members, each with a comma before it: `,"context_length":131072`.
    std::string members;
    std::optional<std::int64_t> created = std::nullopt;  ///< seconds since 1970

    friend bool operator==(const ModelInfo&, const ModelInfo&) = default;
};

struct Model {
    std::string name;
    Limits limits;                          ///< of each user
    std::vector<RouteEntry> route;          ///< not empty
    std::vector<RouteEntry> fallback = {};  ///< tried in this order after the route has failed
    bool is_sticky = false;  ///< `sticky: user`: a user stays with one entry of the route
    ModelTimeouts timeouts = {};
    BodyPolicy body = {};
    AnswerModel answer_model = AnswerModel::asked;
    FallbackOn fallback_on = {};
    ModelInfo info = {};
};

}  // namespace sluicegate::config
