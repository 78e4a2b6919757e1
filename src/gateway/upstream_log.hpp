#pragma once
/// What the log says of an endpoint whose state has changed.

#include "sluicegate/route/health.hpp"

#include <string_view>

namespace sluicegate::gateway {

/// Event `upstream_state`: a warning, unless the endpoint is healthy again. `endpoint` is the label
/// of its state.
void log_upstream_state(std::string_view upstream, std::string_view endpoint,
                        const route::Change& change);

}  // namespace sluicegate::gateway
