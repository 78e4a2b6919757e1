#pragma once
/// Parses `proxy` of an upstream.

#include "sluicegate/config/upstream.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace sluicegate::config {

/// `http://[user:password@]host:port`, where user and password may hold any byte as %XX. Else why
/// `url` is invalid; the reason never repeats a part of it.
[[nodiscard]] std::variant<Proxy, std::string> parse_proxy_url(std::string_view url);

}  // namespace sluicegate::config
