#pragma once
/// The certificates that the gateway shows to clients, operators and upstreams: when they end, and
/// what a reload has replaced under the same file names.

#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/worker/snapshot.hpp"

#include <string>
#include <vector>

namespace sluicegate::app {

/// "server.listen[0].tls.certificate changed: CN=gw.example.com, valid until 2027-03-01T…", or, of
/// a key or of authorities, "upstreams.NAME.tls changed: …".
[[nodiscard]] std::vector<std::string> certificate_changes(const worker::Snapshot& running,
                                                           const worker::Snapshot& next);
void set_certificate_metrics(metrics::Registry& registry, const worker::Snapshot& snapshot);

}  // namespace sluicegate::app
