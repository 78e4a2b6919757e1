#pragma once
/// All keys of a configuration. The parser uses this list, and tests compare docs/configuration.md
/// and the JSON Schema with it.

#include <cstdint>
#include <span>
#include <string_view>

namespace sluicegate::config {

/// One for each kind of map with fixed keys. (Maps by name, such as `users`, have none.)
enum class Section : std::uint8_t {
    root,
    server,
    listener,
    listener_tls,
    server_cors,
    server_timeouts,
    admin,
    admin_tls,
    admin_key,
    limiter,
    streams,
    retries,
    log,
    defaults,
    upstream,
    upstream_timeouts,
    upstream_tls,
    pool,
    upstream_queue,
    upstream_health,
    upstream_breaker,
    upstream_limits,
    upstream_body,
    model,
    model_limits,
    model_timeouts,
    model_body,
    route_entry,
    fallback_entry,
    group,
    group_limits,
    user,
    user_limits,
    api_key,
    count_  ///< number of sections, not a section
};

struct Shape {
    Section section;
    /// "users.NAME.keys[]"; NAME and MODEL stand for a name, [] for an element. "" is the file.
    std::string_view path;
    std::span<const std::string_view> keys;
};

/// In the order of Section.
[[nodiscard]] std::span<const Shape> shapes() noexcept;
[[nodiscard]] const Shape& shape_of(Section section) noexcept;

}  // namespace sluicegate::config
