#include "sluicegate/upstream/ask.hpp"

#include <utility>

namespace sluicegate::upstream {
namespace {

enum class Reuse : bool { no, yes };

net::Task<Result<Arrival>> try_once(Exchange& exchange, Question question, Reuse reuse,
                                    Instant wake_at) {
    if (reuse == Reuse::no || !exchange.awaits_head()) {
        if (reuse == Reuse::no || !exchange.take_idle()) {
            auto connected = co_await exchange.connect();
            if (!connected) co_return std::move(connected).failure();
        }
        auto sent = co_await exchange.send(question.text, question.method);
        if (!sent) co_return std::move(sent).failure();
    }
    co_return co_await exchange.receive_head(wake_at);
}

}  // namespace

net::Task<Result<Arrival>> ask(Exchange& exchange, Question question, Instant wake_at) {
    auto arrival = co_await try_once(exchange, question, Reuse::yes, wake_at);
    if (arrival || !exchange.was_stale(arrival.error())) co_return arrival;
    co_return co_await try_once(exchange, question, Reuse::no, wake_at);
}

}  // namespace sluicegate::upstream
