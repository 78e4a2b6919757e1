#include "gateway/upstream_request.hpp"

#include "sluicegate/provider/request_head.hpp"

#include <string>
#include <string_view>

namespace sluicegate::gateway {
namespace {

namespace asio = net::asio;

}  // namespace

UpstreamRequest::UpstreamRequest(Request& request, const Routed& routed,
                                 const route::RouteEntry& entry, std::size_t endpoint,
                                 const openai::StreamOptionsEdit& stream_options)
    : body_(openai::rewrite(routed.inspection, request.client.body, entry.upstream_model,
                            stream_options)) {
    std::string& head = request.client.connection.request_text();
    head.clear();
    provider::append_request_head(
        head,
        {.upstream = request.config().config.upstreams[entry.upstream],
         .endpoint = endpoint,
         .asked = routed.endpoint,
         .model = entry.upstream_model,
         .head = request.client.head(),
         .fixed_fields = request.snapshot->endpoints[entry.upstream][endpoint].fields.reveal(),
         .request_id = request.client.id.text(),
         .body_bytes = body_.size()});
    buffers_[buffer_count_++] = asio::buffer(head);
    for (const std::string_view piece : body_.pieces()) {
        if (!piece.empty()) buffers_[buffer_count_++] = asio::buffer(piece.data(), piece.size());
    }
}

}  // namespace sluicegate::gateway
