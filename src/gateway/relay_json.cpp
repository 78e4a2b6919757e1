#include "sluicegate/openai/metering.hpp"
#include "sluicegate/openai/normalise_error.hpp"
#include "sluicegate/openai/stream_from_answer.hpp"
#include "sluicegate/openai/usage.hpp"

#include "gateway/answer_head.hpp"
#include "gateway/event_writer.hpp"
#include "gateway/relay.hpp"
#include "gateway/stages.hpp"

#include <utility>

namespace sluicegate::gateway {
namespace {

/// JSON up to this size is held back until it is complete, so that an upstream that dies half way
/// is a 502 and not a truncated 200.
constexpr std::size_t held_bytes_max = std::size_t{8} << 20;

Error unusable(const upstream::Exchange& exchange, ErrorKind kind, std::string_view what) {
    return {.kind = kind,
            .detail = exchange.settings().name + " " + std::string(what),
            .subject = {},
            .retry_after = {}};
}

void note_answer(Request& request, openai::Endpoint endpoint, const openai::AnswerFacts& facts) {
    request.record.finish_reason = facts.finish_reason;
    note_usage(request, endpoint, facts.usage, openai::tokens_of_text(facts.output_bytes),
               UsageSource::estimated);
}

/// An SDK that asked for a stream takes a JSON answer for an empty one.
net::Task<bool> relay_as_events(Request& request, Answered& answered,
                                const openai::AnswerFacts& facts) {
    const upstream::Exchange& exchange = *answered.exchange;
    if (openai::error_in(exchange.body())) {
        Error error = unusable(exchange, ErrorKind::upstream_failed,
                               "answered a streamed request with an error and status 200");
        co_return co_await refuse_answer(request, answered, std::move(error));
    }
    const auto events =
        openai::stream_of_answer(answered.endpoint, exchange.body(), answered.wants_usage);
    if (!events) {
        Error error = unusable(exchange, ErrorKind::upstream_bad_response,
                               "answered a streamed request with JSON that is no answer");
        co_return co_await refuse_answer(request, answered, std::move(error));
    }
    note_answer(request, answered.endpoint, facts);
    settle(request, answered.reservation);
    if (!request.events) request.events = std::make_unique<EventWriter>(request, &exchange.head());
    const bool is_written = co_await request.events->write(*events, true, true);
    if (!is_written) co_return false;
    co_return request.events->stays_open();
}

}  // namespace

net::Task<bool> relay_json(Request& request, Answered& answered) {
    upstream::Exchange& exchange = *answered.exchange;
    const ClientConnection::DepartureWatch watch(request.client, exchange);
    std::string& out = request.client.answer_text();
    const bool is_streaming = request.record.is_streaming;
    if (!is_streaming) begin_passed_answer(out, request, exchange.head());
    const bool has_length = exchange.head().framing == http::Framing::content_length;
    const auto length = static_cast<std::int64_t>(exchange.head().content_length);
    const bool is_held = !has_length || length <= static_cast<std::int64_t>(held_bytes_max);
    auto taken = exchange.take_arrived();
    if (!taken) co_return co_await refuse_answer(request, answered, std::move(taken.error()));
    while (is_held && !exchange.is_complete() && exchange.body().size() < held_bytes_max) {
        auto received = co_await exchange.receive_body(held_bytes_max);
        if (!received) {
            co_return co_await refuse_answer(request, answered, std::move(received.error()));
        }
    }
    if (exchange.is_complete()) {
        const openai::AnswerFacts facts =
            openai::facts_of_answer(answered.endpoint, exchange.body());
        if (!facts.is_whole) {
            // Where the connection's end is the answer's end, only the text tells that it is cut.
            const bool is_cut = !exchange.is_delimited();
            Error error = unusable(
                exchange, is_cut ? ErrorKind::upstream_closed : ErrorKind::upstream_bad_response,
                "sent JSON that is not whole");
            co_return co_await refuse_answer(request, answered, std::move(error));
        }
        if (is_streaming) co_return co_await relay_as_events(request, answered, facts);
        note_answer(request, answered.endpoint, facts);
        settle(request, answered.reservation);
        co_return co_await write_complete(request, out, exchange.body(), false);
    }
    if (is_streaming) {
        Error error = unusable(exchange, ErrorKind::upstream_bad_response,
                               "answered a streamed request with too much JSON");
        co_return co_await refuse_answer(request, answered, std::move(error));
    }
    BodyWriter writer(request, out, has_length ? std::optional(length) : std::nullopt);
    co_return co_await relay_as_it_comes(request, answered, writer);
}

}  // namespace sluicegate::gateway
