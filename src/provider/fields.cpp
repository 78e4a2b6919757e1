#include "sluicegate/provider/fields.hpp"

#include "sluicegate/base/wipe_scope.hpp"
#include "sluicegate/config/pass_headers.hpp"
#include "sluicegate/http/head_writer.hpp"

#include "provider/kind_rules.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace sluicegate::provider {
namespace {

std::string host_field(const config::Endpoint& endpoint) {
    std::string host =
        endpoint.host.find(':') == std::string::npos ? endpoint.host : "[" + endpoint.host + "]";
    const std::uint16_t default_port = endpoint.tls ? 443 : 80;
    if (endpoint.port != default_port) host += ":" + std::to_string(endpoint.port);
    return host;
}

}  // namespace

Secret fixed_fields(const config::Upstream& upstream, std::size_t endpoint) {
    const WipeScope wipes;
    std::string out;
    const bool has_address = !upstream.endpoints.empty();
    http::append_field(out, "host",
                       has_address ? host_field(upstream.endpoints[endpoint]) : "echo");
    if (upstream.api_key) {
        const bool is_bearer = upstream.api_key_header == "authorization";
        out += upstream.api_key_header;
        out += is_bearer ? ": Bearer " : ": ";
        out += upstream.api_key->reveal();
        out += "\r\n";
    }
    // A client's own is written with its request.
    const bool is_passed = config::is_passed_header(upstream.pass_headers, "user-agent");
    if (!sets_field(upstream, "user-agent") && !is_passed) {
        http::append_field(out, "user-agent", own_user_agent);
    }
    for (const KindField& field : rules_of(upstream.kind).fields) {
        if (!sets_field(upstream, field.name)) http::append_field(out, field.name, field.value);
    }
    // Usage must be readable, and tokens must not wait for a compressor.
    http::append_field(out, "accept-encoding", "identity");
    for (const config::ExtraField& field : upstream.headers) {
        http::append_field(out, field.name, field.value.reveal());
    }
    return Secret(std::move(out));
}

const std::string_view own_user_agent = "sluicegate/" SLUICEGATE_VERSION;

bool sets_field(const config::Upstream& upstream, std::string_view name) noexcept {
    return std::ranges::any_of(
        upstream.headers, [name](const config::ExtraField& field) { return field.name == name; });
}

}  // namespace sluicegate::provider
