#include "sluicegate/upstream/probe.hpp"

#include "sluicegate/upstream/exchange.hpp"

#include <array>
#include <utility>

namespace sluicegate::upstream {
namespace {

/// A list of models fits; what is longer costs its connection.
constexpr std::size_t body_bytes_max = 64 * 1024;

net::Task<Result<void>> exchange_heads(Exchange& exchange, const std::string& request_text,
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

net::Task<Result<void>> probe(std::shared_ptr<Pool> pool, std::string request_text,
                              http::Method method, Milliseconds timeout) {
    config::UpstreamTimeouts timeouts = pool->settings().timeouts;
    timeouts.first_byte = timeouts.between_bytes = timeouts.total = timeout;
    Exchange exchange(pool, pool->services().deadlines.now(), timeouts);

    auto answered = co_await exchange_heads(exchange, request_text, method, true);
    if (!answered && exchange.is_reused() && !exchange.has_answered() &&
        answered.error().kind == ErrorKind::upstream_closed) {
        answered = co_await exchange_heads(exchange, request_text, method, false);
    }
    if (!answered) co_return answered;

    const unsigned status = exchange.head().status;
    std::size_t size = 0;
    while (!exchange.is_complete() && size < body_bytes_max) {
        auto received = co_await exchange.receive_body(body_bytes_max);
        if (!received) break;
        size += exchange.body().size();
        exchange.consume(exchange.body().size());
    }
    if (status < 200 || status > 299) {
        co_return fail(ErrorKind::upstream_failed,
                       pool->settings().name + ": answered " + std::to_string(status));
    }
    co_return Result<void>();
}

}  // namespace sluicegate::upstream
