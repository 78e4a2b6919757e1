#pragma once
/// A snapshot of a configuration without models and users, as far as a worker looks at it.

#include "sluicegate/auth/key_ring.hpp"
#include "sluicegate/route/state_registry.hpp"
#include "sluicegate/worker/snapshot.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluicegate::test {

/// One plain listener. `tls`: by upstream.
inline std::shared_ptr<worker::Snapshot> minimal_snapshot(
    std::vector<config::Upstream> upstreams = {}, std::vector<net::TlsContext> tls = {}) {
    config::Config config;
    config.upstreams = std::move(upstreams);
    tls.resize(config.upstreams.size());
    auto keys = auth::KeyRing::build(config.users, {.user = [](auto) { return UserId(0); },
                                                    .model = [](auto) { return ModelId(0); }});
    auto snapshot =
        std::make_shared<worker::Snapshot>(worker::Snapshot{.config = std::move(config),
                                                            .keys = std::move(keys),
                                                            .models = {},
                                                            .model_index = {},
                                                            .plans = {},
                                                            .user_ids = {},
                                                            .user_keys = {},
                                                            .memory_shares = {},
                                                            .listener_tls = {nullptr},
                                                            .upstream_tls = std::move(tls),
                                                            .ceilings = {},
                                                            .routes = {}});
    snapshot->routes = route::StateRegistry().plan(snapshot->config);
    return snapshot;
}

/// `count` upstreams with so many endpoints each.
inline std::vector<config::Upstream> many_upstreams(std::size_t count, std::size_t endpoints) {
    std::vector<config::Upstream> upstreams(count);
    for (std::size_t i = 0; i < count; ++i) {
        upstreams[i].name = "upstream-" + std::to_string(i);
        for (std::size_t k = 0; k < endpoints; ++k) {
            upstreams[i].endpoints.push_back({.tls = false,
                                              .host = "host-" + std::to_string(k),
                                              .port = 8000,
                                              .path_prefix = "/v1"});
        }
        upstreams[i].health = config::HealthCheck{.path = "/health", .model = ""};
    }
    return upstreams;
}

}  // namespace sluicegate::test
