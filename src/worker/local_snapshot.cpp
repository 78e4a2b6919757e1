#include "sluicegate/worker/local_snapshot.hpp"

#include "sluicegate/provider/fields.hpp"
#include "sluicegate/worker/pools.hpp"

#include <string_view>
#include <utility>

namespace sluicegate::worker {
namespace {

using metrics::Metric;

std::vector<LocalSnapshot::Endpoint> endpoints_of(const Snapshot& snapshot, std::size_t index,
                                                  Pools& pools) {
    const config::Upstream& upstream = snapshot.config.upstreams[index];
    std::vector<LocalSnapshot::Endpoint> endpoints;
    const std::size_t count = snapshot.routes.upstreams[index]->endpoints().size();
    for (std::size_t k = 0; k < count; ++k) {
        const bool has_tls = k < upstream.endpoints.size() && upstream.endpoints[k].tls;
        const net::TlsContext tls = has_tls ? snapshot.upstream_tls[index] : net::TlsContext();
        endpoints.push_back(
            {pools.find_or_make(upstream, k, tls), provider::fixed_fields(upstream, k)});
    }
    return endpoints;
}

LocalSnapshot::UpstreamCounters counters_of(const config::Upstream& upstream,
                                            metrics::Registry& registry) {
    const std::string& name = upstream.name;
    return {.attempts = registry.counter(Metric::upstream_attempts_total, {name}),
            .first_byte = registry.histogram(Metric::upstream_first_byte_duration_seconds, {name}),
            .total = registry.histogram(Metric::upstream_request_duration_seconds, {name}),
            .queued = registry.histogram(Metric::upstream_queue_duration_seconds, {name}),
            .errors = {}};
}

LocalSnapshot::ModelCounters counters_of(const config::Model& model, metrics::Registry& registry) {
    LocalSnapshot::ModelCounters counters{
        .admitted = registry.counter(Metric::limiter_decisions_total, {model.name, "admitted"}),
        .rejected = registry.counter(Metric::limiter_decisions_total, {model.name, "rejected"}),
        .duration = registry.histogram(Metric::request_duration_seconds, {model.name}),
        .routed = {}};
    counters.routed.resize(model.route.size() + model.fallback.size());
    return counters;
}

}  // namespace

void LocalSnapshot::count_error(std::size_t upstream, ErrorKind kind, metrics::Registry& registry) {
    auto& counter = upstream_counters[upstream].errors[static_cast<std::size_t>(kind)];
    if (!counter) {
        counter = registry.counter(Metric::upstream_errors_total,
                                   {shared->config.upstreams[upstream].name, name_of(kind)});
    }
    counter->add();
}

std::shared_ptr<LocalSnapshot> localise(std::shared_ptr<const Snapshot> snapshot, Pools& pools,
                                        metrics::Registry& registry) {
    auto local = std::make_shared<LocalSnapshot>();
    const config::Config& config = snapshot->config;
    for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
        local->endpoints.push_back(endpoints_of(*snapshot, i, pools));
        local->upstream_counters.push_back(counters_of(config.upstreams[i], registry));
    }
    for (const config::Model& model : config.models) {
        local->model_counters.push_back(counters_of(model, registry));
    }
    local->shared = std::move(snapshot);
    return local;
}

}  // namespace sluicegate::worker
