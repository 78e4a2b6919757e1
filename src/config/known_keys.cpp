#include "config/known_keys.hpp"

#include <array>
#include <cassert>
#include <cstddef>

namespace sluicegate::config {
namespace {

template <std::size_t size>
using Keys = std::array<std::string_view, size>;

constexpr Keys<12> root{"include", "server",   "admin",     "limiter", "streams", "retries",
                        "log",     "defaults", "upstreams", "models",  "groups",  "users"};
constexpr Keys<13> server{"listen",
                          "threads",
                          "max_body",
                          "max_header",
                          "memory",
                          "max_connections",
                          "max_connections_per_address",
                          "max_in_flight",
                          "auth_failures_per_minute",
                          "trusted_proxies",
                          "cors",
                          "tell_upstream",
                          "timeouts"};
constexpr Keys<3> listener{"address", "tls", "proxy_protocol"};
constexpr Keys<2> server_cors{"origins", "max_age"};
constexpr Keys<3> listener_tls{"certificate", "private_key", "client_ca"};
constexpr Keys<4> server_timeouts{"header", "body", "idle", "drain"};
constexpr Keys<6> admin{"listen", "tls", "hosts", "keys", "show_users", "user_metrics"};
constexpr Keys<2> admin_tls{"certificate", "private_key"};
constexpr Keys<2> admin_key{"id", "sha256"};
constexpr Keys<5> limiter{"window", "slots", "state_file", "ietf_fields", "rejection_code"};
constexpr Keys<5> streams{"keep_alive", "commit_after", "buffer", "end_grace", "add_done"};
constexpr Keys<5> retries{"budget", "minimum", "max_attempts", "repeat_started", "repeat_timeouts"};
constexpr Keys<2> log{"level", "access"};
constexpr Keys<1> defaults{"moderations"};
constexpr Keys<28> upstream{"kind",
                            "base_url",
                            "endpoints",
                            "api_key",
                            "api_key_header",
                            "headers",
                            "pass_headers",
                            "api_version",
                            "account",
                            "limits",
                            "max_in_flight",
                            "on_full",
                            "queue",
                            "prefix_affinity",
                            "health",
                            "breaker",
                            "timeouts",
                            "tls",
                            "proxy",
                            "pool",
                            "on_client_disconnect",
                            "drain_timeout",
                            "takes_stream_options",
                            "continuous_usage_stats",
                            "body",
                            "when_env",
                            "delay",
                            "tokens"};
constexpr Keys<4> upstream_timeouts{"connect", "first_byte", "between_bytes", "total"};
constexpr Keys<4> upstream_tls{"ca_file", "server_name", "client_certificate", "client_key"};
constexpr Keys<4> pool{"max_idle", "idle_timeout", "max_age", "prewarm"};
constexpr Keys<2> upstream_queue{"max_waiting", "timeout"};
constexpr Keys<6> upstream_health{"path",    "model",           "every",
                                  "timeout", "unhealthy_after", "healthy_after"};
constexpr Keys<6> upstream_breaker{"window",           "min_requests", "error_rate",
                                   "connect_failures", "open_for",     "open_max"};
constexpr Keys<2> upstream_limits{"rpm", "tpm"};
constexpr Keys<9> model{"limits", "route",        "fallback",    "sticky", "timeouts",
                        "body",   "answer_model", "fallback_on", "info"};
constexpr Keys<6> limits{"rpm", "tpm", "rpd", "tpd", "concurrency", "dry_run"};
constexpr Keys<3> model_timeouts{"first_byte", "between_bytes", "total"};
constexpr Keys<2> body{"deny", "allow"};
constexpr Keys<3> route_entry{"upstream", "weight", "model"};
constexpr Keys<2> fallback_entry{"upstream", "model"};
constexpr Keys<1> group{"limits"};
constexpr Keys<4> user{"group", "limits", "keys", "disabled"};
constexpr Keys<6> api_key{"id", "sha256", "expires", "models", "allow_ips", "disabled"};

constexpr std::array<Shape, static_cast<std::size_t>(Section::count_)> table{{
    {Section::root, "", root},
    {Section::server, "server", server},
    {Section::listener, "server.listen[]", listener},
    {Section::listener_tls, "server.listen[].tls", listener_tls},
    {Section::server_cors, "server.cors", server_cors},
    {Section::server_timeouts, "server.timeouts", server_timeouts},
    {Section::admin, "admin", admin},
    {Section::admin_tls, "admin.tls", admin_tls},
    {Section::admin_key, "admin.keys[]", admin_key},
    {Section::limiter, "limiter", limiter},
    {Section::streams, "streams", streams},
    {Section::retries, "retries", retries},
    {Section::log, "log", log},
    {Section::defaults, "defaults", defaults},
    {Section::upstream, "upstreams.NAME", upstream},
    {Section::upstream_timeouts, "upstreams.NAME.timeouts", upstream_timeouts},
    {Section::upstream_tls, "upstreams.NAME.tls", upstream_tls},
    {Section::pool, "upstreams.NAME.pool", pool},
    {Section::upstream_queue, "upstreams.NAME.queue", upstream_queue},
    {Section::upstream_health, "upstreams.NAME.health", upstream_health},
    {Section::upstream_breaker, "upstreams.NAME.breaker", upstream_breaker},
    {Section::upstream_limits, "upstreams.NAME.limits", upstream_limits},
    {Section::upstream_body, "upstreams.NAME.body", body},
    {Section::model, "models.NAME", model},
    {Section::model_limits, "models.NAME.limits", limits},
    {Section::model_timeouts, "models.NAME.timeouts", model_timeouts},
    {Section::model_body, "models.NAME.body", body},
    {Section::route_entry, "models.NAME.route[]", route_entry},
    {Section::fallback_entry, "models.NAME.fallback[]", fallback_entry},
    {Section::group, "groups.NAME", group},
    {Section::group_limits, "groups.NAME.limits.MODEL", limits},
    {Section::user, "users.NAME", user},
    {Section::user_limits, "users.NAME.limits.MODEL", limits},
    {Section::api_key, "users.NAME.keys[]", api_key},
}};

}  // namespace

std::span<const Shape> shapes() noexcept {
    return table;
}

const Shape& shape_of(Section section) noexcept {
    const Shape& shape = table[static_cast<std::size_t>(section)];
    assert(shape.section == section);
    return shape;
}

}  // namespace sluicegate::config
