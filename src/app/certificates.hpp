#pragma once
/// The certificates that the gateway shows to clients and operators: when they end, and which ones
/// a reload has replaced under the same file name.

#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/worker/snapshot.hpp"

#include <string>
#include <vector>

namespace sluicegate::app {

/// "server.listen[0].tls.certificate changed: CN=gw.example.com, valid until 2027-03-01T…"
[[nodiscard]] std::vector<std::string> certificate_changes(const worker::Snapshot& running,
                                                           const worker::Snapshot& next);
void set_certificate_metrics(metrics::Registry& registry, const worker::Snapshot& snapshot);

}  // namespace sluicegate::app
