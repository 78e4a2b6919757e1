#include "sluicegate/upstream/probe.hpp"

#include "sluicegate/upstream/ask.hpp"

#include <array>
#include <string>
#include <utility>

namespace sluicegate::upstream {

net::Task<Result<unsigned>> probe(Exchange& exchange, std::string_view request_text,
                                  http::Method method) {
    const std::array pieces{net::asio::const_buffer(request_text.data(), request_text.size())};
    const Question question{.text = pieces, .method = method};
    auto answered = co_await ask(exchange, question);
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
