#pragma once
/// What operators see of upstreams: on /status, on /metrics and on /readyz.
///
/// Threads  the control thread.
/// Secrets  none: of an upstream's account only the configured name is shown.

#include "sluicegate/app/status.hpp"
#include "sluicegate/base/clock.hpp"
#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/worker/snapshot.hpp"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>

namespace sluicegate::app {

// docs/operations.md lists the fields of both.

/// By upstream: its endpoints with their health, the requests that wait, what its account grants.
[[nodiscard]] nlohmann::ordered_json upstreams_json(const StatusSources& sources);
/// By model: its candidates in the order of the route, and which upstreams have answered.
[[nodiscard]] nlohmann::ordered_json models_json(const StatusSources& sources);

/// Measures what is not counted as it happens, and removes the series of what is no longer
/// configured. Before each scrape.
void update_upstream_metrics(metrics::Registry& registry, const worker::Snapshot& snapshot,
                             Instant now);

/// For /readyz: nothing while one endpoint of the upstreams that models lead to is healthy or due
/// for a probe; otherwise one line for each endpoint says why it is not.
[[nodiscard]] std::optional<std::string> why_not_ready(const worker::Snapshot& snapshot,
                                                       Instant now);

}  // namespace sluicegate::app
