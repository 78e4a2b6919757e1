#pragma once
/// The path of a request, from its first byte to its line in the log.

#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/worker/context.hpp"

namespace sluicegate::gateway {

/// The path for the connections of one worker, whose requests it counts in `registry`. The registry
/// must outlive it.
[[nodiscard]] worker::Path make_path(metrics::Registry& registry);

}  // namespace sluicegate::gateway
