#include "app/metrics_page.hpp"

#include "sluicegate/metrics/exposition.hpp"
#include "sluicegate/metrics/process.hpp"
#include "sluicegate/net/spawn.hpp"

#include "app/upstream_status.hpp"

namespace sluicegate::app {
namespace {

using metrics::Metric;

void update_limiter_metrics(metrics::Registry& registry, std::string_view window,
                            const limit::TableCounts& counts) {
    const auto set = [&](Metric metric, std::uint64_t value) {
        registry.set(metric, static_cast<std::int64_t>(value), {window});
    };
    set(Metric::limiter_slots_used, counts.slots_used);
    set(Metric::limiter_memory_bytes, counts.bytes_mapped);
    set(Metric::limiter_evictions_total, counts.evictions);
    set(Metric::limiter_overflows_total, counts.overflows);
}

}  // namespace

admin::Page metrics_page(const MetricsSources& sources, Instant now) {
    metrics::Registry& registry = sources.registry;
    metrics::update_process_metrics(registry);
    registry.set(Metric::memory_buffered_bytes, static_cast<std::int64_t>(sources.memory.used()));
    registry.set(Metric::internal_errors_total,
                 static_cast<std::int64_t>(net::escaped_exceptions()));
    registry.set(Metric::api_keys_expiring, static_cast<std::int64_t>(sources.keys_expiring));
    sources.workers.update_metrics(registry);
    update_limiter_metrics(registry, "minute", sources.limiter.counts());
    update_limiter_metrics(registry, "day", sources.limiter.day_counts());
    update_upstream_metrics(registry, sources.snapshot, now);
    return {.content_type = std::string(metrics::exposition_content_type),
            .body = metrics::expose(registry)};
}

}  // namespace sluicegate::app
