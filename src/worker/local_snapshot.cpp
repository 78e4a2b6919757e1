#include "sluicegate/worker/local_snapshot.hpp"

#include "sluicegate/provider/fields.hpp"
#include "sluicegate/worker/pools.hpp"

#include <string_view>
#include <utility>

namespace sluicegate::worker {
namespace {

using metrics::Metric;

/// Looking the counters of an upstream or a model up takes as long as so many endpoints.
constexpr std::size_t upstream_cost = 8;
constexpr std::size_t model_cost = 4;

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

LocalSnapshotBuilder::LocalSnapshotBuilder(std::shared_ptr<const Snapshot> snapshot, Pools& pools,
                                           metrics::Registry& registry)
    : held_(std::make_shared<std::shared_ptr<const Snapshot>>(std::move(snapshot))),
      pools_(pools),
      registry_(registry) {
    made_->shared = *held_;
    const config::Config& config = made_->shared->config;
    made_->endpoints.reserve(config.upstreams.size());
    made_->upstream_counters.reserve(config.upstreams.size());
    made_->model_counters.reserve(config.models.size());
}

bool LocalSnapshotBuilder::step(std::size_t most) {
    const config::Config& config = made_->shared->config;
    for (std::size_t done = 0; done < most;) {
        const std::size_t upstream = made_->endpoints.size();
        const bool has_more_endpoints =
            upstream > 0 && made_->endpoints.back().size() <
                                made_->shared->routes.upstreams[upstream - 1]->endpoints().size();
        if (has_more_endpoints) {
            make_endpoint();
            ++done;
        } else if (upstream < config.upstreams.size()) {
            begin_upstream();
            done += upstream_cost;
        } else if (made_->model_counters.size() < config.models.size()) {
            made_->model_counters.push_back(
                counters_of(config.models[made_->model_counters.size()], registry_));
            done += model_cost;
        } else {
            return true;
        }
    }
    return false;
}

void LocalSnapshotBuilder::begin_upstream() {
    const config::Upstream& upstream = made_->shared->config.upstreams[made_->endpoints.size()];
    settings_ = upstream::Pool::Settings(held_, &upstream);
    made_->upstream_counters.push_back(counters_of(upstream, registry_));
    made_->endpoints.emplace_back();
}

void LocalSnapshotBuilder::make_endpoint() {
    std::vector<LocalSnapshot::Endpoint>& endpoints = made_->endpoints.back();
    const std::size_t k = endpoints.size();
    const bool has_tls = k < settings_->endpoints.size() && settings_->endpoints[k].tls;
    net::TlsContext tls;
    if (has_tls) tls = made_->shared->upstream_tls[made_->endpoints.size() - 1];
    endpoints.push_back(
        {pools_.find_or_make(settings_, k, std::move(tls)), provider::fixed_fields(*settings_, k)});
}

}  // namespace sluicegate::worker
