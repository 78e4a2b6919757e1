#pragma once
/// The URL of an upstream: scheme, host, port and path; nothing else is allowed in it.

#include "sluicegate/config/upstream.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace sluicegate::config {

/// The endpoint, or why `url` is none: "must begin with http:// or https://". The reason never
/// repeats a part of the URL: it may hold a password.
[[nodiscard]] std::variant<Endpoint, std::string> parse_base_url(std::string_view url);

/// What a request may ask a server for: a path from its root, and a query if need be.
[[nodiscard]] bool is_target(std::string_view text);

/// A DNS name, an IPv4 or an IPv6 address without brackets.
[[nodiscard]] bool is_host(std::string_view host);

}  // namespace sluicegate::config
