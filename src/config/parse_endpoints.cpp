#include "config/base_url.hpp"
#include "config/proxy_url.hpp"
#include "config/upstream_parts.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

namespace sluicegate::config {
namespace {

constexpr std::size_t endpoints_max = 64;

/// The path of an endpoint with which a base URL ends by mistake, or "".
std::string_view endpoint_name_at_end(std::string_view path) {
    static constexpr std::array<std::string_view, 12> names{
        "/chat/completions", "/completions",          "/embeddings",         "/responses",
        "/moderations",      "/images/generations",   "/images/edits",       "/rerank",
        "/audio/speech",     "/audio/transcriptions", "/audio/translations", "/models"};
    for (const std::string_view name : names) {
        if (path.ends_with(name)) return name;
    }
    return "";
}

/// True for a path with a segment such as v1 or v1beta.
bool has_version(std::string_view path) {
    for (std::size_t at = path.find("/v"); at != std::string_view::npos;
         at = path.find("/v", at + 1)) {
        if (at + 2 < path.size() && path[at + 2] >= '0' && path[at + 2] <= '9') return true;
    }
    return false;
}

std::optional<Endpoint> parse_endpoint(Context& context, const Value& at, bool needs_version) {
    const auto text = read_text(context, at);
    if (!text) return std::nullopt;
    auto parsed = parse_base_url(text->text);
    if (auto* endpoint = std::get_if<Endpoint>(&parsed)) {
        const std::string_view name = endpoint_name_at_end(endpoint->path_prefix);
        if (!name.empty()) {
            add_problem(context, at,
                        "must end before " + std::string(name) + ", which sluicegate adds itself");
        } else if (!has_version(endpoint->path_prefix) && needs_version) {
            add_warning(context, at,
                        "has no version in its path, such as /v1: requests go to " +
                            (endpoint->path_prefix.empty() ? "/" : endpoint->path_prefix + '/') +
                            "chat/completions");
        }
        return std::move(*endpoint);
    }
    add_problem(context, at, *std::get_if<std::string>(&parsed));
    return std::nullopt;
}

void parse_list(Context& context, const Value& at, bool needs_version,
                std::vector<Endpoint>& into) {
    for_each_element(context, at, endpoints_max, "one URL", [&](const Value& element) {
        auto endpoint = parse_endpoint(context, element, needs_version);
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
    // Azure's older API has its version in the query.
    const bool needs_version = !map.has("api_version");
    if (!url && !list) add_problem(context, map.at(), "needs base_url or endpoints");
    if (url && list) add_problem(context, *list, "cannot stand beside base_url");
    if (url) {
        if (auto endpoint = parse_endpoint(context, *url, needs_version)) {
            upstream.endpoints.push_back(*std::move(endpoint));
        }
    } else if (list) {
        parse_list(context, *list, needs_version, upstream.endpoints);
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
