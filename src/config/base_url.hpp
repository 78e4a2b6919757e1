#pragma once
/// Parses the URL of an upstream: scheme, host, port and path. Nothing else is allowed.

#include "sluicegate/config/upstream.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace sluicegate::config {

/// The endpoint, or why `url` is invalid: "must begin with http:// or https://". The reason never
/// repeats a part of the URL, because that may be a password.
[[nodiscard]] std::variant<Endpoint, std::string> parse_base_url(std::string_view url);

/// True for a request target: a path from the root, with or without a query.
[[nodiscard]] bool is_target(std::string_view text);

/// A DNS name, an IPv4 or an IPv6 address without brackets.
[[nodiscard]] bool is_host(std::string_view host);

}  // namespace sluicegate::config
