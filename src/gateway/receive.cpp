/// The first stage: a head within its limits, an endpoint that exists.

#include "sluicegate/http/request_head.hpp"

#include "gateway/stages.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::gateway {
namespace {

constexpr std::size_t read_bytes_min = 2 * 1024;

http::HeadLimits limits_of(const Snapshot& snapshot) {
    const std::size_t head_bytes = snapshot.config.server.header_bytes_max;
    return {
        .head_bytes_max = head_bytes,
        .request_line_bytes_max = std::min(head_bytes, http::HeadLimits().request_line_bytes_max)};
}

}  // namespace

net::Task<Result<Received>> receive(Request& request, bool is_first) {
    ClientConnection& client = request.client;
    net::ByteBuffer& in = client.in();
    if (in.empty()) {
        // A connection that ends, or stays silent, in between two requests is no failure of
        // anybody: it has no id, and nothing is logged.
        const config::ServerTimeouts& timeouts =
            request.worker.snapshot()->shared->config.server.timeouts;
        if (request.worker.is_draining()) co_return fail(ErrorKind::client_gone);
        client.set_idle(true);
        client.read_within(is_first ? timeouts.header : timeouts.idle);
        auto read = co_await client.read_more(read_bytes_min);
        client.set_idle(false);
        if (!read) co_return fail(ErrorKind::client_gone);
    }

    request.begin();
    const http::HeadLimits limits = limits_of(request.config());
    client.read_within(request.config().config.server.timeouts.header);
    for (std::size_t searched = 0;;) {
        auto end = http::find_request_head_end(in.unread(), searched, limits);
        if (!end) co_return std::move(end).failure();
        request.head_bytes = *end;
        if (*end > 0) break;
        searched = in.size();
        auto read = co_await client.read_more(read_bytes_min);
        if (!read) co_return std::move(read).failure();
    }
    client.read_without_deadline();

    http::RequestHead& head = client.head();
    auto parsed = http::parse_request_head(in.unread().substr(0, request.head_bytes), limits, head);
    if (!parsed) co_return std::move(parsed).failure();
    request.has_head = true;
    request.message_bytes = request.head_bytes;
    request.is_body_complete =
        head.framing == http::Framing::none ||
        (head.framing == http::Framing::content_length && head.content_length == 0);

    if (request.worker.is_draining()) co_return fail(ErrorKind::draining);
    auto match = openai::match_endpoint(name_of(head.method), head.path);
    if (!match) co_return std::move(match).failure();
    if (head.upgrade_requested) co_return fail(ErrorKind::websocket_not_supported);
    request.record.endpoint = match->endpoint;
    co_return Received{std::move(*match)};
}

}  // namespace sluicegate::gateway
