#include "config/entity.hpp"
#include "config/units.hpp"

namespace sluicegate::config {
namespace {

void add_account(Entity& entity, const Upstream& upstream) {
    if (upstream.api_key) entity.add_hidden("api_key", upstream.api_key->reveal());
    entity.add("api_key_header", upstream.api_key_header);
    for (const ExtraField& field : upstream.headers) {
        entity.add_hidden("headers." + field.name, field.value.reveal());
    }
    if (!upstream.pass_headers.empty()) {
        entity.add("pass_headers",
                   joined(upstream.pass_headers, [](const std::string& name) { return name; }));
    }
    if (!upstream.api_version.empty()) entity.add("api_version", upstream.api_version);
    if (!upstream.account.empty()) entity.add("account", upstream.account);
    const Ceilings& limits = upstream.limits;
    if (limits.rpm) entity.add("limits.rpm", std::to_string(*limits.rpm));
    if (limits.tpm) entity.add("limits.tpm", std::to_string(*limits.tpm));
}

void add_capacity(Entity& entity, const Upstream& upstream) {
    const auto prefix = static_cast<std::int64_t>(upstream.prefix_affinity);
    entity.add("prefix_affinity", prefix == 0 ? "off" : size_text(prefix));
    if (!upstream.in_flight_max) return;
    entity.add("max_in_flight", std::to_string(*upstream.in_flight_max));
    const bool waits = upstream.on_full == OnFull::queue;
    entity.add("on_full", waits ? "queue" : "spill");
    if (!waits) return;
    entity.add("queue.max_waiting", std::to_string(upstream.queue.waiting_max));
    entity.add("queue.timeout", duration_text(upstream.queue.timeout));
}

void add_health(Entity& entity, const HealthCheck& health) {
    if (!health.path.empty()) entity.add("health.path", health.path);
    if (!health.model.empty()) entity.add("health.model", health.model);
    entity.add("health.every", duration_text(health.every));
    entity.add("health.timeout", duration_text(health.timeout));
    entity.add("health.unhealthy_after", std::to_string(health.unhealthy_after));
    entity.add("health.healthy_after", std::to_string(health.healthy_after));
}

void add_breaker(Entity& entity, const BreakerSettings& breaker) {
    entity.add("breaker.window", duration_text(breaker.window));
    entity.add("breaker.min_requests", std::to_string(breaker.requests_min));
    entity.add("breaker.error_rate", percent_text(breaker.error_percent));
    entity.add("breaker.connect_failures", std::to_string(breaker.connect_failures));
    entity.add("breaker.open_for", duration_text(breaker.open_for));
    entity.add("breaker.open_max", duration_text(breaker.open_max));
}

void add_proxy(Entity& entity, const Proxy& proxy) {
    Endpoint server;
    server.host = proxy.host;
    server.port = proxy.port;
    entity.add("proxy", url_of(server));
    if (proxy.authorization) entity.add_hidden("proxy.password", proxy.authorization->reveal());
}

void add_tls(Entity& entity, const UpstreamTls& tls) {
    entity.add("tls.ca_file", tls.ca_file.empty() ? "system" : tls.ca_file);
    if (!tls.server_name.empty()) {
        entity.add("tls.server_name", tls.server_name);
    }
    if (!tls.client_certificate_file.empty()) {
        entity.add("tls.client_certificate", tls.client_certificate_file);
        entity.add("tls.client_key", tls.client_key_file);
    }
}

}  // namespace

Entity entity_of(const Upstream& upstream) {
    Entity entity = make_entity("upstreams", upstream.name);
    entity.add("kind", std::string(row_of(upstream.kind).name));
    add_body(entity, upstream.body);
    if (!row_of(upstream.kind).has_address) {
        entity.add("delay", duration_text(upstream.echo.delay));
        entity.add("tokens", std::to_string(upstream.echo.tokens));
        return entity;
    }
    if (upstream.endpoints.size() == 1) {
        entity.add("base_url", url_of(upstream.endpoints.front()));
    } else {
        entity.add("endpoints", joined(upstream.endpoints, url_of));
    }
    add_account(entity, upstream);
    add_capacity(entity, upstream);
    if (upstream.health) add_health(entity, *upstream.health);
    add_breaker(entity, upstream.breaker);
    entity.add("timeouts.connect", duration_text(upstream.timeouts.connect));
    entity.add("timeouts.first_byte", duration_text(upstream.timeouts.first_byte));
    entity.add("timeouts.between_bytes", duration_text(upstream.timeouts.between_bytes));
    entity.add("timeouts.total", duration_text(upstream.timeouts.total));
    if (upstream.proxy) add_proxy(entity, *upstream.proxy);
    add_tls(entity, upstream.tls);
    if (upstream.pool.idle_max) {
        entity.add("pool.max_idle", std::to_string(*upstream.pool.idle_max));
    }
    entity.add("pool.idle_timeout", duration_text(upstream.pool.idle_timeout));
    entity.add("pool.max_age", duration_text(upstream.pool.age_max));
    entity.add("pool.prewarm", std::to_string(upstream.pool.prewarm));
    entity.add("on_client_disconnect",
               upstream.on_client_disconnect == OnClientDisconnect::drain ? "drain" : "cancel");
    entity.add("drain_timeout", duration_text(upstream.drain_usage));
    entity.add("takes_stream_options",
               upstream.stream_options ? bool_text(*upstream.stream_options) : "auto");
    entity.add("continuous_usage_stats", bool_text(upstream.continuous_usage));
    return entity;
}

}  // namespace sluicegate::config
