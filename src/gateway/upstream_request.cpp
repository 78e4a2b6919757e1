#include "gateway/upstream_request.hpp"

#include "sluicegate/http/head_writer.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

namespace sluicegate::gateway {
namespace {

namespace asio = net::asio;

/// The only fields of a client that reach an upstream, each once. Everything else stays here:
/// credentials, cookies, hop-by-hop fields and what they nominate, where the client comes from.
constexpr std::array<std::string_view, 7> passed_fields{
    "content-type",        "accept",      "openai-beta", "idempotency-key",
    "x-client-request-id", "traceparent", "tracestate"};

bool names_a_credential(std::string_view parameter) {
    static constexpr std::array<std::string_view, 4> names{"key", "api-key", "api_key",
                                                           "access_token"};
    const std::string_view name = parameter.substr(0, parameter.find('='));
    return std::any_of(names.begin(), names.end(), [&](std::string_view candidate) {
        return std::equal(name.begin(), name.end(), candidate.begin(), candidate.end(),
                          [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
    });
}

/// `?a=1&b=2`, or nothing; parameters that could carry a client's key stay here.
void append_query(std::string& out, std::string_view query) {
    char separator = '?';
    while (!query.empty()) {
        const std::string_view parameter = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(parameter.size() + 1, query.size()));
        if (parameter.empty() || names_a_credential(parameter)) continue;
        out += separator;
        out += parameter;
        separator = '&';
    }
}

void write_head(const Request& request, const Routed& routed, std::size_t body_bytes,
                std::string& out) {
    const http::RequestHead& head = request.head();
    const config::Upstream& upstream = request.config().config.upstreams[routed.upstream];
    out.clear();
    out += "POST ";
    if (!upstream.endpoints.empty()) out += upstream.endpoints.front().path_prefix;
    out += openai::upstream_path(routed.endpoint);
    append_query(out, head.query);
    out += " HTTP/1.1\r\n";
    out += request.snapshot->upstream_fields[routed.upstream].reveal();
    http::append_field(out, "x-request-id", request.id.text());
    for (const std::string_view name : passed_fields) {
        if (const auto value = head.fields.find(name)) http::append_field(out, name, *value);
    }
    http::append_field(out, "content-length", static_cast<std::int64_t>(body_bytes));
    http::append_head_end(out);
}

}  // namespace

UpstreamRequest::UpstreamRequest(Request& request, const Routed& routed,
                                 const openai::StreamOptionsEdit& stream_options)
    : body_(
          openai::rewrite(routed.inspection, request.body, routed.upstream_model, stream_options)) {
    std::string& head = request.client.request_text();
    write_head(request, routed, body_.size(), head);
    buffers_[buffer_count_++] = asio::buffer(head);
    for (const std::string_view piece : body_.pieces()) {
        if (!piece.empty()) buffers_[buffer_count_++] = asio::buffer(piece.data(), piece.size());
    }
}

}  // namespace sluicegate::gateway
