#include "gateway/upstream_fields.hpp"

#include "sluicegate/http/head_writer.hpp"

#include <string>
#include <utility>

namespace sluicegate::gateway {
namespace {

constexpr std::string_view user_agent = "sluicegate/" SLUICEGATE_VERSION;

std::string host_field(const config::Endpoint& endpoint) {
    std::string host =
        endpoint.host.find(':') == std::string::npos ? endpoint.host : "[" + endpoint.host + "]";
    const std::uint16_t default_port = endpoint.tls ? 443 : 80;
    if (endpoint.port != default_port) host += ":" + std::to_string(endpoint.port);
    return host;
}

}  // namespace

Secret upstream_fields(const config::Upstream& upstream) {
    std::string out;
    const bool is_embedded = upstream.kind == config::UpstreamKind::echo;
    http::append_field(out, "host", is_embedded ? "echo" : host_field(upstream.endpoints.front()));
    if (upstream.api_key) {
        out += "authorization: Bearer ";
        out += upstream.api_key->reveal();
        out += "\r\n";
    }
    http::append_field(out, "user-agent", user_agent);
    // Usage must be readable, and tokens must not wait for a compressor.
    http::append_field(out, "accept-encoding", "identity");
    return Secret(std::move(out));
}

}  // namespace sluicegate::gateway
