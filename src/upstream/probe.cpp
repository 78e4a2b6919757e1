#include "sluicegate/upstream/probe.hpp"

#include <array>
#include <string>
#include <utility>

namespace sluicegate::upstream {
namespace {

net::Task<Result<void>> exchange_heads(Exchange& exchange, std::string_view request_text,
                                       http::Method method, bool may_reuse) {
    if (!may_reuse || !exchange.take_idle()) {
        auto connected = co_await exchange.connect();
        if (!connected) co_return connected;
    }
    const std::array pieces{net::asio::const_buffer(request_text.data(), request_text.size())};
    auto sent = co_await exchange.send(pieces);
    if (!sent) co_return sent;
    auto received = co_await exchange.receive_head(method);
    if (!received) co_return std::move(received).failure();
    co_return Result<void>();
}

}  // namespace

net::Task<Result<unsigned>> probe(Exchange& exchange, std::string_view request_text,
                                  http::Method method) {
    auto answered = co_await exchange_heads(exchange, request_text, method, true);
    if (!answered && exchange.is_reused() && !exchange.has_answered() &&
        answered.error().kind == ErrorKind::upstream_closed) {
        answered = co_await exchange_heads(exchange, request_text, method, false);
    }
    if (!answered) co_return std::move(answered).failure();

    while (!exchange.is_complete() && exchange.body().size() < probe_body_bytes_max) {
        auto received = co_await exchange.receive_body(probe_body_bytes_max);
        if (!received) co_return std::move(received).failure();
    }
    if (!exchange.is_complete()) {
        co_return fail(ErrorKind::upstream_bad_response, exchange.settings().name + ": more than " +
                                                             std::to_string(probe_body_bytes_max) +
                                                             " bytes in answer to a check");
    }
    co_return exchange.head().status;
}

}  // namespace sluicegate::upstream
