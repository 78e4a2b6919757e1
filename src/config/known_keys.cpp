#include "config/known_keys.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>

namespace sluicegate::config {
namespace {

template <std::size_t size>
using Keys = std::array<std::string_view, size>;

constexpr Keys<9> root{"include",   "server", "admin",  "limiter", "log",
                       "upstreams", "models", "groups", "users"};
constexpr Keys<6> server{"listen",     "threads",         "max_body",
                         "max_header", "max_connections", "timeouts"};
constexpr Keys<2> listener{"address", "tls"};
constexpr Keys<2> listener_tls{"certificate", "private_key"};
constexpr Keys<4> server_timeouts{"header", "body", "idle", "drain"};
constexpr Keys<1> admin{"listen"};
constexpr Keys<2> limiter{"window", "slots"};
constexpr Keys<2> log{"level", "access"};
constexpr Keys<9> upstream{"kind", "base_url", "api_key", "timeouts", "tls",
                           "pool", "when_env", "delay",   "tokens"};
constexpr Keys<4> upstream_timeouts{"connect", "first_byte", "between_bytes", "total"};
constexpr Keys<4> upstream_tls{"ca_file", "server_name", "client_certificate", "client_key"};
constexpr Keys<2> pool{"max_idle", "idle_timeout"};
constexpr Keys<2> model{"limits", "route"};
constexpr Keys<1> limits{"rpm"};
constexpr Keys<3> route_entry{"upstream", "weight", "model"};
constexpr Keys<1> group{"limits"};
constexpr Keys<3> user{"group", "limits", "keys"};
constexpr Keys<5> api_key{"id", "sha256", "expires", "models", "allow_ips"};

constexpr std::array<Shape, static_cast<std::size_t>(Section::count_)> table{{
    {Section::root, "", root},
    {Section::server, "server", server},
    {Section::listener, "server.listen[]", listener},
    {Section::listener_tls, "server.listen[].tls", listener_tls},
    {Section::server_timeouts, "server.timeouts", server_timeouts},
    {Section::admin, "admin", admin},
    {Section::limiter, "limiter", limiter},
    {Section::log, "log", log},
    {Section::upstream, "upstreams.NAME", upstream},
    {Section::upstream_timeouts, "upstreams.NAME.timeouts", upstream_timeouts},
    {Section::upstream_tls, "upstreams.NAME.tls", upstream_tls},
    {Section::pool, "upstreams.NAME.pool", pool},
    {Section::model, "models.NAME", model},
    {Section::model_limits, "models.NAME.limits", limits},
    {Section::route_entry, "models.NAME.route[]", route_entry},
    {Section::group, "groups.NAME", group},
    {Section::group_limits, "groups.NAME.limits.MODEL", limits},
    {Section::user, "users.NAME", user},
    {Section::user_limits, "users.NAME.limits.MODEL", limits},
    {Section::api_key, "users.NAME.keys[]", api_key},
}};

constexpr Keys<5> planned_limits{"tpm", "rpd", "tpd", "concurrency", "dry_run"};
constexpr Keys<3> planned_upstream{"endpoints", "max_in_flight", "health"};
constexpr Keys<1> planned_model{"fallback"};
constexpr Keys<1> planned_limiter{"state_file"};

std::span<const std::string_view> planned_of(Section section) noexcept {
    switch (section) {
        case Section::model_limits:
        case Section::group_limits:
        case Section::user_limits: return planned_limits;
        case Section::upstream: return planned_upstream;
        case Section::model: return planned_model;
        case Section::limiter: return planned_limiter;
        default: return {};
    }
}

}  // namespace

std::span<const Shape> shapes() noexcept {
    return table;
}

const Shape& shape_of(Section section) noexcept {
    const Shape& shape = table[static_cast<std::size_t>(section)];
    assert(shape.section == section);
    return shape;
}

bool is_planned(Section section, std::string_view key) noexcept {
    return std::ranges::find(planned_of(section), key) != planned_of(section).end();
}

}  // namespace sluicegate::config
