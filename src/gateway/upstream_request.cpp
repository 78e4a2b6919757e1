#include "gateway/upstream_request.hpp"

#include "sluicegate/http/head_writer.hpp"

#include "gateway/upstream_fields.hpp"
#include "gateway/upstream_target.hpp"

#include <algorithm>
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

void write_head(const Request& request, const Routed& routed, const route::Entry& entry,
                std::size_t endpoint, std::size_t body_bytes, std::string& out) {
    const http::RequestHead& head = request.head();
    const config::Upstream& upstream = request.config().config.upstreams[entry.upstream];
    out.clear();
    out += "POST ";
    append_target(out, upstream, endpoint, routed.endpoint, entry.upstream_model, head.query);
    out += " HTTP/1.1\r\n";
    out += request.snapshot->endpoints[entry.upstream][endpoint].fields.reveal();
    http::append_field(out, "x-request-id", request.id.text());
    for (const std::string_view name : passed_fields) {
        const auto value = head.fields.find(name);
        // What the operator sets stands alone.
        if (value && !sets_field(upstream, name)) http::append_field(out, name, *value);
    }
    http::append_field(out, "content-length", static_cast<std::int64_t>(body_bytes));
    http::append_head_end(out);
}

}  // namespace

UpstreamRequest::UpstreamRequest(Request& request, const Routed& routed, const route::Entry& entry,
                                 std::size_t endpoint,
                                 const openai::StreamOptionsEdit& stream_options)
    : body_(
          openai::rewrite(routed.inspection, request.body, entry.upstream_model, stream_options)) {
    std::string& head = request.client.request_text();
    write_head(request, routed, entry, endpoint, body_.size(), head);
    buffers_[buffer_count_++] = asio::buffer(head);
    for (const std::string_view piece : body_.pieces()) {
        if (!piece.empty()) buffers_[buffer_count_++] = asio::buffer(piece.data(), piece.size());
    }
}

}  // namespace sluicegate::gateway
