#include "sluicegate/client/receive.hpp"
#include "sluicegate/http/request_head.hpp"

#include "client/http2_refusal.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::client {
namespace {

constexpr std::size_t read_bytes_min = 2 * 1024;

http::HeadLimits limits_of(const config::Server& server) {
    const std::size_t head_bytes = server.header_bytes_max;
    return {
        .head_bytes_max = head_bytes,
        .request_line_bytes_max = std::min(head_bytes, http::HeadLimits().request_line_bytes_max)};
}

}  // namespace

net::Task<Result<void>> await_request(Connection& connection, Milliseconds timeout) {
    connection.set_idle(true);
    connection.read_within(timeout);
    auto read = co_await connection.read_more(read_bytes_min);
    connection.set_idle(false);
    if (!read) co_return fail(ErrorKind::client_gone);
    co_return Result<void>();
}

Result<bool> take_head(Exchange& exchange, std::size_t searched) {
    Connection& connection = exchange.connection;
    const http::HeadLimits limits = limits_of(*exchange.settings.server);
    const std::string_view arrived = connection.in().unread();
    auto end = http::find_request_head_end(arrived, searched, limits);
    if (!end) return std::move(end).failure();
    exchange.head_bytes = *end;
    if (*end == 0) return false;

    http::RequestHead& head = connection.head();
    auto parsed = http::parse_request_head(arrived.substr(0, *end), limits, head);
    if (!parsed && is_http2_preface(arrived)) return fail(ErrorKind::http_version_not_supported);
    if (!parsed) return std::move(parsed).failure();
    exchange.has_head = true;
    connection.note_forwarded(exchange.settings.server->trusted_proxies);
    exchange.message_bytes = exchange.head_bytes;
    exchange.is_body_complete =
        head.framing == http::Framing::none ||
        (head.framing == http::Framing::content_length && head.content_length == 0);
    return true;
}

net::Task<Result<void>> receive_head(Exchange& exchange) {
    Connection& connection = exchange.connection;
    connection.read_within(exchange.settings.server->timeouts.header);
    for (;;) {
        const std::size_t searched = connection.in().size();
        auto read = co_await connection.read_more(read_bytes_min);
        if (!read) co_return std::move(read).failure();
        auto taken = take_head(exchange, searched);
        if (!taken) co_return std::move(taken).failure();
        if (*taken) break;
    }
    connection.read_without_deadline();
    co_return Result<void>();
}

}  // namespace sluicegate::client
