/// The answer on its way back: short JSON complete or not at all, everything else as it arrives.

#include "gateway/relay.hpp"

#include "sluicegate/base/failure_table.hpp"
#include "sluicegate/client/answer_head.hpp"
#include "sluicegate/client/body_writer.hpp"
#include "sluicegate/client/error_reply.hpp"
#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/openai/usage.hpp"
#include "sluicegate/provider/answer.hpp"
#include "sluicegate/provider/failure.hpp"
#include "sluicegate/provider/words.hpp"

#include "gateway/settle.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::gateway {
namespace {

/// Usage stands at the end of an answer that is too long to be held.
constexpr std::size_t tail_bytes_max = 16 * 1024;

/// A 4xx that the client caused, in the upstream's words but always in the same shape.
net::Task<bool> relay_rejection(Request& request, Answered& answered) {
    upstream::Exchange& exchange = answered.attempt->exchange();
    const http::ResponseHead& head = exchange.head();
    const unsigned status = head.status;
    const auto should_retry = head.fields.find("x-should-retry").value_or(std::string_view());
    const openai::ApiError told =
        provider::rejection_of(exchange.settings(), head, exchange.body());
    exchange.consume(exchange.body().size());
    if (request.client.events) {
        // The client's stream has begun without waiting for this.
        Error error{.kind = ErrorKind::upstream_rejected,
                    .detail = {},
                    .subject = {},
                    .upstream_words = provider::words_of(exchange.settings(), told.message),
                    .retry_after = {}};
        co_return co_await refuse_answer(request, answered, std::move(error));
    }
    const std::string body = openai::error_body(told);

    request.client.sent.status = status;
    request.client.sent.error = ErrorKind::upstream_rejected;
    std::string& out = request.client.connection.answer_text();
    client::begin_answer(out, request.client, status);
    http::append_field(out, "content-type", "application/json");
    if (should_retry == "true" || should_retry == "false") {
        http::append_field(out, "x-should-retry", should_retry);
    }
    client::append_limits(out, request.client);
    client::append_route(out, request.client);
    complete(request, answered);
    co_return co_await client::write_complete(request.client, out, body, false);
}

/// Adds to what is kept of a body's end, and drops what is further from it than tail_bytes_max.
void keep_tail(std::string& tail, std::string_view bytes) {
    tail += bytes.substr(bytes.size() - std::min(bytes.size(), tail_bytes_max));
    if (tail.size() > 2 * tail_bytes_max) tail.erase(0, tail.size() - tail_bytes_max);
}

/// The usage that stands at the end of an answer whose beginning has gone by.
std::optional<openai::Usage> usage_in_tail(openai::Endpoint endpoint, std::string_view tail) {
    const std::size_t at = tail.rfind("\"usage\"");
    if (at == std::string_view::npos) return std::nullopt;
    return openai::facts_of_answer(endpoint, "{" + std::string(tail.substr(at))).usage;
}

}  // namespace

void begin_passed_answer(std::string& out, const Request& request, const http::ResponseHead& head) {
    client::begin_answer(out, request.client, head.status);
    if (const auto type = head.fields.find("content-type")) {
        http::append_field(out, "content-type", *type);
    }
    client::append_passed_fields(out, head);
    client::append_limits(out, request.client);
    client::append_route(out, request.client);
}

net::Task<bool> relay_as_it_comes(Request& request, Answered& answered) {
    upstream::Exchange& exchange = answered.attempt->exchange();
    const http::ResponseHead& head = exchange.head();
    std::string& out = request.client.connection.answer_text();
    begin_passed_answer(out, request, head);
    const bool has_length = head.framing == http::Framing::content_length;
    const auto length = static_cast<std::int64_t>(head.content_length);
    client::BodyWriter writer(request.client, out,
                              has_length ? std::optional(length) : std::nullopt);

    const std::size_t buffer_bytes = request.config().config.streams.buffer;
    const bool may_have_usage = provider::is_json(head);
    std::string tail;
    for (;;) {
        const std::string_view piece = exchange.body();
        if (may_have_usage) keep_tail(tail, piece);
        if (exchange.is_complete()) {
            note_usage(request, answered.endpoint, usage_in_tail(answered.endpoint, tail), 0,
                       UsageSource::estimated);
            complete(request, answered);
        }
        if (!piece.empty() || exchange.is_complete()) {
            const bool is_written = co_await writer.write(piece, exchange.is_complete());
            if (!is_written) break;
            exchange.consume(piece.size());
        }
        if (exchange.is_complete()) co_return writer.stays_open();
        auto received = co_await exchange.receive_body(buffer_bytes);
        if (!received) {
            answered.attempt->report(failure_row(received.error().kind).attempt.outcome);
            request.client.sent.error = received.error().kind;
            request.client.sent.error_detail = std::move(received.error().detail);
            request.client.connection.abort();
            break;
        }
    }
    note_usage(request, answered.endpoint, std::nullopt, 0, UsageSource::estimated);
    co_return false;
}

net::Task<bool> refuse_answer(Request& request, Answered& answered, Error&& error) {
    // Whoever leaves before the answer has had its prompt read.
    if (error.kind == ErrorKind::client_gone && request.record.usage_source == UsageSource::none) {
        note_usage(request, answered.endpoint, std::nullopt, 0, UsageSource::estimated);
    }
    settle(request, answered.reservation);
    answered.attempt->report(failure_row(error.kind).attempt.outcome);
    return client::reply_error(request.client, std::move(error));
}

net::Task<bool> relay(Request& request, Answered& answered) {
    Attempt& attempt = *answered.attempt;
    const http::ResponseHead& head = attempt.exchange().head();
    request.client.sent.status = head.status;
    if (head.status >= 400) return relay_rejection(request, answered);
    if (attempt.events() != nullptr) return relay_events(request, answered);
    if (attempt.json()) return relay_json(request, answered);
    return relay_as_it_comes(request, answered);
}

}  // namespace sluicegate::gateway
