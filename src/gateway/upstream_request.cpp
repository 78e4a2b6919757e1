#include "gateway/upstream_request.hpp"

#include "sluicegate/auth/key_hash.hpp"
#include "sluicegate/provider/request_head.hpp"

#include <string>
#include <string_view>

namespace sluicegate::gateway {
namespace {

namespace asio = net::asio;

/// The client's key as one of its user's alone: SHA-256 of user, NUL and key. Every attempt sends
/// the same. "" where the client sent none.
std::string bound_idempotency_key(const Request& request, const Routed& routed) {
    const auto key = request.client.head().fields.find("idempotency-key");
    if (!key) return {};
    std::string text = request.config().config.users[routed.key->user_index].name;
    text += '\0';
    text += *key;
    return auth::to_hex(auth::hash_key(text));
}

/// A form that was checked begins with its boundary's line.
std::string_view boundary_of(const Routed& routed, std::string_view body) noexcept {
    constexpr std::string_view dashes = "--";
    if (!routed.inspection.is_multipart) return {};
    body.remove_prefix(routed.inspection.form().offset);
    return body.substr(dashes.size(), body.find("\r\n") - dashes.size());
}

}  // namespace

UpstreamRequest::UpstreamRequest(Request& request, const Routed& routed,
                                 const route::RouteEntry& entry, std::size_t endpoint,
                                 const openai::StreamOptionsEdit& stream_options)
    : body_(openai::rewrite(routed.inspection, request.client.body, entry.upstream_model,
                            stream_options)) {
    const std::string idempotency_key = bound_idempotency_key(request, routed);
    std::string& head = request.client.connection.request_text();
    head.clear();
    provider::append_request_head(
        head,
        {.upstream = request.config().config.upstreams[entry.upstream],
         .endpoint = endpoint,
         .asked = routed.endpoint,
         .model = entry.upstream_model,
         .head = request.client.head(),
         // Azure's version of its API means nothing to another server.
         .query = request.url_model.empty() ? request.client.head().query : std::string_view(),
         .fixed_fields = request.snapshot->endpoints[entry.upstream][endpoint].fields.reveal(),
         .request_id = request.client.id.text(),
         .body_bytes = body_.size(),
         .boundary = boundary_of(routed, request.client.body),
         .idempotency_key = idempotency_key});
    buffers_[buffer_count_++] = asio::buffer(head);
    for (const std::string_view piece : body_.pieces()) {
        if (!piece.empty()) buffers_[buffer_count_++] = asio::buffer(piece.data(), piece.size());
    }
}

}  // namespace sluicegate::gateway
