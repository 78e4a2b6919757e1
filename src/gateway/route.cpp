#include "gateway/stages.hpp"

#include <utility>

namespace sluicegate::gateway {
namespace {

/// What the model sets replaces what the upstream sets.
config::UpstreamTimeouts timeouts_of(const config::Upstream& upstream, const config::Model& model) {
    config::UpstreamTimeouts timeouts = upstream.timeouts;
    timeouts.first_byte = model.timeouts.first_byte.value_or(timeouts.first_byte);
    timeouts.between_bytes = model.timeouts.between_bytes.value_or(timeouts.between_bytes);
    timeouts.total = model.timeouts.total.value_or(timeouts.total);
    return timeouts;
}

}  // namespace

Result<Routed> route(Request& request, Admitted&& admitted) {
    const config::Model& model = *admitted.model->settings;
    const config::RouteEntry& entry = model.route[admitted.model->choice->pick()];
    request.record.upstream = entry.upstream;
    const std::string& upstream_model = entry.model.empty() ? model.name : entry.model;
    return Routed{
        .endpoint = admitted.endpoint,
        .inspection = std::move(admitted.inspection),
        .reservation = std::move(admitted.reservation),
        .upstream = entry.upstream,
        .upstream_model = upstream_model,
        .timeouts = timeouts_of(request.config().config.upstreams[entry.upstream], model)};
}

}  // namespace sluicegate::gateway
