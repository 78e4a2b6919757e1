#pragma once
/// The parts of an upstream that has an address. Each function reads keys of the upstream's map and
/// reports mistakes, like the other parse_* functions.

#include "sluicegate/config/upstream.hpp"

#include "config/map_reader.hpp"

namespace sluicegate::config {

/// base_url or endpoints, tls and proxy.
void parse_endpoints(Context& context, const MapReader& map, Upstream& upstream);
/// api_key, how it is sent, the other headers, pass_headers, api_version, account and limits. Kind
/// and endpoints must be parsed before.
void parse_account(Context& context, const MapReader& map, Upstream& upstream);
/// max_in_flight, on_full, queue and prefix_affinity.
void parse_capacity(Context& context, const MapReader& map, Upstream& upstream);
/// health and breaker.
void parse_health(Context& context, const MapReader& map, Upstream& upstream);

}  // namespace sluicegate::config
