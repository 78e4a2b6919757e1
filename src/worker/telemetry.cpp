#include "sluicegate/worker/telemetry.hpp"

#include "sluicegate/base/log.hpp"

#include <string_view>

namespace sluicegate::worker {

using metrics::Metric;

Telemetry::Telemetry(metrics::Registry& registry)
    : registry_(registry),
      retried_(registry.counter(Metric::retries_total, {"done"})),
      over_budget_(registry.counter(Metric::retries_total, {"over_budget"})),
      in_flight_(registry.gauge(Metric::requests_in_flight)),
      refused_{registry.counter(Metric::client_connections_refused_total, {"full"}),
               registry.counter(Metric::client_connections_refused_total, {"per_address"}),
               registry.counter(Metric::client_connections_refused_total, {"handshakes"}),
               registry.counter(Metric::client_connections_refused_total, {"client_certificate"}),
               registry.counter(Metric::client_connections_refused_total, {"untrusted_proxy"})},
      evicted_(registry.counter(Metric::client_connections_evicted_total, {})) {
}

void Telemetry::count_auth_failure(ErrorKind kind) {
    auto& counter = auth_failures_[static_cast<std::size_t>(kind)];
    if (!counter) counter = registry_.counter(Metric::auth_failures_total, {name_of(kind)});
    counter->add();
}

void Telemetry::count_failed_handshake(net::HandshakeFailure why) {
    auto& counter = failed_handshakes_[static_cast<std::size_t>(why)];
    if (!counter) {
        counter = registry_.counter(Metric::client_handshake_failures_total, {name_of(why)});
    }
    counter->add();
}

void Telemetry::note_health(const std::string& upstream, const std::string& endpoint,
                            const std::optional<route::HealthChange>& change) {
    if (!change) return;
    const std::string_view state = name_of(change->to);
    registry_.counter(Metric::upstream_state_changes_total, {upstream, endpoint, state}).add();
    const std::string text =
        endpoint + " of " + upstream + " is " + std::string(state) + ": " + change->reason;
    const log::Level level =
        change->to == route::Health::healthy ? log::Level::info : log::Level::warn;
    log::write(level, "upstream_state", text,
               {{"upstream", upstream},
                {"endpoint", endpoint},
                {"state", state},
                {"reason", change->reason}});
}

void Telemetry::note_cooling(const std::string& upstream, const std::string& model,
                             Milliseconds wait) {
    log::warn("upstream_cooling",
              upstream + " refused " + model + " for its quota; it is not asked for it for " +
                  std::to_string(wait.count()) + " ms",
              {{"upstream", upstream}, {"model", model}});
}

}  // namespace sluicegate::worker
