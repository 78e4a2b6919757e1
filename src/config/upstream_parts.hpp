#pragma once
/// The parts of an upstream that has an address. Each reads keys of the upstream's own map and
/// reports what is wrong with them, as parse_* functions do.

#include "sluicegate/config/upstream.hpp"

#include "config/map_reader.hpp"

namespace sluicegate::config {

/// base_url or endpoints, tls and proxy.
void parse_endpoints(Context& context, const MapReader& map, Upstream& upstream);
/// api_key, how it is sent, the other headers, api_version, account and limits. Call it once kind
/// and endpoints are known.
void parse_account(Context& context, const MapReader& map, Upstream& upstream);
/// max_in_flight, on_full, queue and prefix_affinity.
void parse_capacity(Context& context, const MapReader& map, Upstream& upstream);
/// health and breaker.
void parse_health(Context& context, const MapReader& map, Upstream& upstream);

}  // namespace sluicegate::config
