#include "config/base_url.hpp"
#include "config/proxy_url.hpp"
#include "config/upstream_parts.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <variant>

namespace sluicegate::config {
namespace {

constexpr std::size_t endpoints_max = 64;

std::optional<Endpoint> parse_endpoint(Context& context, const Value& at) {
    const auto text = read_text(context, at);
    if (!text) return std::nullopt;
    auto parsed = parse_base_url(text->text);
    if (auto* endpoint = std::get_if<Endpoint>(&parsed)) return std::move(*endpoint);
    add_problem(context, at, *std::get_if<std::string>(&parsed));
    return std::nullopt;
}

void parse_list(Context& context, const Value& at, std::vector<Endpoint>& into) {
    for_each_element(context, at, endpoints_max, "one URL", [&](const Value& element) {
        auto endpoint = parse_endpoint(context, element);
        if (!endpoint) return;
        if (std::ranges::find(into, *endpoint) != into.end()) {
            add_problem(context, element, "is an endpoint that is listed already");
            return;
        }
        into.push_back(*std::move(endpoint));
    });
}

void parse_tls(Context& context, const Value& at, UpstreamTls& tls) {
    const MapReader map(context, at, Section::upstream_tls);
    if (const auto ca = map.find("ca_file")) {
        const bool is_system = ca->node->kind == Node::Kind::scalar && ca->node->text == "system";
        if (!is_system) map.certificates("ca_file", tls.ca_file);
    }
    if (const auto name = map.find("server_name")) {
        if (const auto text = read_text(context, *name)) {
            if (is_host(text->text)) {
                tls.server_name = text->text;
            } else {
                add_problem(context, *name, "must be the name of a host" + got(*text));
            }
        }
    }
    map.key_pair("client_certificate", tls.client_certificate_file, "client_key",
                 tls.client_key_file);
    if (map.has("client_certificate") != map.has("client_key")) {
        add_problem(context, map.at(), "needs both client_certificate and client_key, or neither");
    }
}

void parse_proxy(Context& context, const Value& at, Upstream& upstream) {
    const auto text = read_text(context, at);
    if (!text) return;
    auto parsed = parse_proxy_url(text->text);
    if (const auto* reason = std::get_if<std::string>(&parsed)) {
        add_problem(context, at, *reason);
        return;
    }
    upstream.proxy = std::move(*std::get_if<Proxy>(&parsed));
    if (upstream.proxy->authorization && !text->is_from_environment) note_secret(context, at);
    const bool has_socket = std::ranges::any_of(
        upstream.endpoints, [](const Endpoint& one) { return !one.unix_socket.empty(); });
    if (has_socket) add_problem(context, at, "cannot lead to a Unix socket");
}

}  // namespace

void parse_endpoints(Context& context, const MapReader& map, Upstream& upstream) {
    const auto url = map.find("base_url");
    const auto list = map.find("endpoints");
    if (!url && !list) add_problem(context, map.at(), "needs base_url or endpoints");
    if (url && list) add_problem(context, *list, "cannot stand beside base_url");
    if (url) {
        if (auto endpoint = parse_endpoint(context, *url)) {
            upstream.endpoints.push_back(*std::move(endpoint));
        }
    } else if (list) {
        parse_list(context, *list, upstream.endpoints);
    }
    if (const auto proxy = map.find("proxy")) parse_proxy(context, *proxy, upstream);
    const auto tls = map.find("tls");
    if (!tls) return;
    parse_tls(context, *tls, upstream.tls);
    const bool uses_tls =
        std::ranges::any_of(upstream.endpoints, [](const Endpoint& one) { return one.tls; });
    if (!upstream.endpoints.empty() && !uses_tls) {
        add_problem(context, *tls, "has no meaning without an https:// URL");
    }
}

}  // namespace sluicegate::config
