#pragma once
/// The page /metrics: what is counted as it happens, and what is looked up for the page.
///
/// Threads  the control thread alone.

#include "sluicegate/admin/admin_server.hpp"
#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/memory_budget.hpp"
#include "sluicegate/limit/limiter.hpp"
#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/worker/snapshot.hpp"

#include "app/worker_watch.hpp"

#include <cstddef>

namespace sluicegate::app {

struct MetricsSources {
    metrics::Registry& registry;
    const limit::Limiter& limiter;
    const MemoryBudget& memory;
    const WorkerWatch& workers;
    const worker::Snapshot& snapshot;
    std::size_t keys_expiring;
};

[[nodiscard]] admin::Page metrics_page(const MetricsSources& sources, Instant now);

}  // namespace sluicegate::app
