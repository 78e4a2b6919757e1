/// The first stage: a head within its limits, an endpoint that exists.

#include "gateway/stages.hpp"
#include "sluicegate/http/request_head.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::gateway {
namespace {

constexpr std::size_t read_bytes_min = 2 * 1024;

/// Waits until the first byte of a request is there. A connection that ends, or stays silent, in
/// between two requests is no failure of anybody: client_gone, and nothing is logged.
net::Task<Result<void>> wait_for_request(ClientConnection& client, bool is_first) {
    const config::ServerTimeouts& timeouts =
        client.worker().snapshot()->shared->config.server.timeouts;
    client.set_idle(true);
    client.read_within(is_first ? timeouts.header : timeouts.idle);
    auto read = co_await client.read_more(read_bytes_min);
    client.set_idle(false);
    if (!read) co_return fail(ErrorKind::client_gone);
    co_return Result<void>();
}

http::HeadLimits limits_of(const Snapshot& snapshot) {
    const std::size_t head_bytes = snapshot.config.server.header_bytes_max;
    return {.head_bytes_max = head_bytes,
            .request_line_bytes_max =
                std::min(head_bytes, http::HeadLimits().request_line_bytes_max)};
}

net::Task<Result<void>> receive_head(Request& request) {
    const http::HeadLimits limits = limits_of(request.config());
    net::ByteBuffer& in = request.client.in();
    std::size_t searched = 0;
    request.client.read_within(request.config().config.server.timeouts.header);
    for (;;) {
        auto end = http::find_request_head_end(in.unread(), searched, limits);
        if (!end) co_return std::move(end).failure();
        if (*end > 0) {
            request.head_bytes = *end;
            break;
        }
        searched = in.size();
        auto read = co_await request.client.read_more(read_bytes_min);
        if (!read) co_return read;
    }
    request.client.read_without_deadline();
    auto parsed = http::parse_request_head(in.unread().substr(0, request.head_bytes), limits,
                                           request.client.head());
    request.has_head = parsed.has_value();
    co_return parsed;
}

}  // namespace

net::Task<Result<Received>> receive(Request& request, bool is_first) {
    if (request.client.in().empty()) {
        auto arrived = co_await wait_for_request(request.client, is_first);
        if (!arrived) co_return std::move(arrived).failure();
    }
    request.begin();
    auto head_received = co_await receive_head(request);
    if (!head_received) co_return std::move(head_received).failure();

    const http::RequestHead& head = request.head();
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
