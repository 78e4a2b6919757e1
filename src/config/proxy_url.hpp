#pragma once
/// `proxy` of an upstream.

#include "sluicegate/config/upstream.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace sluicegate::config {

/// `http://[user:password@]host:port`, where user and password may hold any byte as %XX; or why
/// `url` is none. The reason never repeats a part of it.
[[nodiscard]] std::variant<Proxy, std::string> parse_proxy_url(std::string_view url);

}  // namespace sluicegate::config
