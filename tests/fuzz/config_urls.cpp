/// The URLs of a configuration: what is accepted holds nothing that could end a line or a target,
/// and reads the same when it is written out again.

#include "config/base_url.hpp"
#include "config/proxy_url.hpp"
#include "fuzz/growth.hpp"
#include "fuzz/require.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace {

using namespace sluicegate;
using fuzz::require;

bool is_word(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

void check_base_url(std::string_view url) {
    const auto parsed = config::parse_base_url(url);
    if (const auto* reason = std::get_if<std::string>(&parsed)) {
        require(!reason->empty(), "a refusal has a reason");
        return;
    }
    const auto& endpoint = std::get<config::Endpoint>(parsed);
    require(config::is_host(endpoint.host), "a host is a name or an address");
    require(endpoint.port > 0, "a port is a port");
    require(
        is_word(endpoint.host) && is_word(endpoint.path_prefix) && is_word(endpoint.unix_socket),
        "no part ends a line");
    require(endpoint.path_prefix.find_first_of("?#") == std::string::npos, "a path is a path");
    require(!endpoint.path_prefix.ends_with('/'), "a prefix takes a path behind it");
    require(endpoint.path_prefix.empty() || config::is_target(endpoint.path_prefix),
            "a prefix is a target");
    require(
        endpoint.unix_socket.empty() || (endpoint.unix_socket.starts_with('/') && !endpoint.tls),
        "a Unix socket is absolute and plain");
    const auto again = config::parse_base_url(config::url_of(endpoint));
    require(std::holds_alternative<config::Endpoint>(again) &&
                std::get<config::Endpoint>(again) == endpoint,
            "what is written out reads the same");
}

void check_proxy_url(std::string_view url) {
    const auto parsed = config::parse_proxy_url(url);
    if (const auto* reason = std::get_if<std::string>(&parsed)) {
        require(!reason->empty(), "a refusal has a reason");
        return;
    }
    const auto& proxy = std::get<config::Proxy>(parsed);
    require(config::is_host(proxy.host) && is_word(proxy.host), "a host is a name or an address");
    require(proxy.port > 0, "a port is a port");
    require(!proxy.authorization || is_word(proxy.authorization->reveal()),
            "credentials are one word");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view url(reinterpret_cast<const char*>(data), size);
    const fuzz::GrowthCheck growth(
        size, {.base_bytes = 8192, .held_per_byte = 30, .taken_per_byte = 100});
    check_base_url(url);
    check_proxy_url(url);
    static_cast<void>(config::is_target(url));
    return 0;
}
