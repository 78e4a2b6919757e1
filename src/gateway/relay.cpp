/// The answer on its way back: short JSON complete or not at all, everything else as it arrives.

#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/http/syntax.hpp"
#include "sluicegate/openai/normalise_error.hpp"
#include "sluicegate/openai/sse_scanner.hpp"

#include "gateway/answer_head.hpp"
#include "gateway/body_writer.hpp"
#include "gateway/error_reply.hpp"
#include "gateway/stages.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluicegate::gateway {
namespace {

/// JSON up to this size is held back until it is complete, so that an upstream that dies half way
/// is a 502 and not a truncated 200.
constexpr std::size_t held_bytes_max = std::size_t{8} << 20;
/// What is read ahead of a slow client, and the largest part of one event that is held until the
/// event is complete.
constexpr std::size_t relayed_bytes_max = 64 * 1024;

/// The only fields of an upstream's answer that reach a client. Cookies, organisation ids, the
/// upstream's own rate limits and everything hop-by-hop stay here.
constexpr std::array<std::string_view, 6> passed_fields{
    "content-type",   "content-disposition",  "content-encoding",
    "openai-version", "openai-processing-ms", "openai-poll-after-ms"};

bool has_media_type(std::string_view content_type, std::string_view expected) {
    if (!http::equals_ignoring_case(content_type.substr(0, expected.size()), expected))
        return false;
    const std::string_view rest = content_type.substr(expected.size());
    return rest.empty() || rest.front() == ';' || rest.front() == ' ';
}

void begin_passed_answer(std::string& out, const Request& request, const http::ResponseHead& head,
                         std::string_view cache_control) {
    begin_answer(out, request, head.status, cache_control);
    for (const std::string_view name : passed_fields) {
        if (const auto value = head.fields.find(name)) http::append_field(out, name, *value);
    }
    if (const auto id = head.fields.find("x-request-id")) {
        http::append_field(out, "x-upstream-request-id", *id);
    }
    if (request.record.decision) append_rate_limits(out, *request.record.decision);
}

Error failure(ErrorKind kind, const upstream::Exchange& exchange, std::string_view what) {
    return {.kind = kind,
            .detail = exchange.settings().name + " " + std::string(what),
            .subject = {},
            .retry_after = {}};
}

/// A 4xx that the client caused, in the upstream's words but always in the same shape.
net::Task<bool> relay_rejection(Request& request, upstream::Exchange& exchange) {
    const http::ResponseHead& head = exchange.head();
    const unsigned status = head.status;
    const std::string content_type(head.fields.find("content-type").value_or(std::string_view()));
    const std::string should_retry(head.fields.find("x-should-retry").value_or(std::string_view()));
    while (!exchange.is_complete() && exchange.body().size() < openai::error_body_bytes_max) {
        auto received = co_await exchange.receive_body(openai::error_body_bytes_max);
        if (!received) co_return co_await reply_error(request, std::move(received.error()));
    }
    const std::string body =
        openai::error_body(openai::normalise_error(status, content_type, exchange.body()));
    exchange.consume(exchange.body().size());

    request.record.status = status;
    request.record.error = ErrorKind::upstream_rejected;
    std::string& out = request.client.answer_text();
    begin_answer(out, request, status);
    http::append_field(out, "content-type", "application/json");
    if (should_retry == "true" || should_retry == "false") {
        http::append_field(out, "x-should-retry", should_retry);
    }
    if (request.record.decision) append_rate_limits(out, *request.record.decision);
    co_return co_await write_complete(request, out, body, false);
}

/// Passes on what arrives. An answer that breaks off ends the connection in a way that cannot be
/// mistaken for its end.
net::Task<bool> relay_as_it_comes(Request& request, upstream::Exchange& exchange,
                                  BodyWriter& writer) {
    for (;;) {
        const std::size_t size = exchange.body().size();
        if (size > 0 || exchange.is_complete()) {
            const bool is_written = co_await writer.write(exchange.body(), exchange.is_complete());
            if (!is_written) co_return false;
            exchange.consume(size);
        }
        if (exchange.is_complete()) co_return writer.stays_open();
        auto received = co_await exchange.receive_body(relayed_bytes_max);
        if (!received) {
            request.record.error = received.error().kind;
            request.record.error_detail = std::move(received.error().detail);
            request.client.abort();
            co_return false;
        }
    }
}

/// JSON, held until it is complete; one that outgrows the bound goes on as it comes.
net::Task<bool> relay_json(Request& request, upstream::Exchange& exchange) {
    std::string& out = request.client.answer_text();
    begin_passed_answer(out, request, exchange.head(), "no-store");
    const bool has_length = exchange.head().framing == http::Framing::content_length;
    const auto length = static_cast<std::int64_t>(exchange.head().content_length);
    const bool is_held = !has_length || length <= static_cast<std::int64_t>(held_bytes_max);
    auto taken = exchange.take_arrived();
    if (!taken) co_return co_await reply_error(request, std::move(taken.error()));
    while (is_held && !exchange.is_complete() && exchange.body().size() < held_bytes_max) {
        auto received = co_await exchange.receive_body(held_bytes_max);
        if (!received) co_return co_await reply_error(request, std::move(received.error()));
    }
    if (exchange.is_complete()) {
        // An SDK that asked for a stream takes a JSON error with status 200 for an empty stream.
        if (request.record.is_streaming && openai::error_in(exchange.body())) {
            co_return co_await reply_error(
                request, failure(ErrorKind::upstream_failed, exchange,
                                 "answered a streamed request with an error and status 200"));
        }
        co_return co_await write_complete(request, out, exchange.body(), false);
    }
    BodyWriter writer(request, out, has_length ? std::optional(length) : std::nullopt);
    co_return co_await relay_as_it_comes(request, exchange, writer);
}

net::Task<bool> relay_bytes(Request& request, upstream::Exchange& exchange) {
    std::string& out = request.client.answer_text();
    begin_passed_answer(out, request, exchange.head(), "no-store");
    const bool has_length = exchange.head().framing != http::Framing::chunked &&
                            exchange.head().framing != http::Framing::until_close;
    const auto length = static_cast<std::int64_t>(exchange.head().content_length);
    BodyWriter writer(request, out, has_length ? std::optional(length) : std::nullopt);
    co_return co_await relay_as_it_comes(request, exchange, writer);
}

/// Before anything was sent, a failure is a proper status. Afterwards it is told inside the
/// stream, and ends the connection without an end of
/// the body: no client can take what it has for a complete answer.
net::Task<bool> break_off(Request& request, BodyWriter& writer, const openai::SseScanner& scanner,
                          openai::Endpoint endpoint, bool is_mid_event, Error error) {
    if (!writer.has_begun()) co_return co_await reply_error(request, std::move(error));
    std::string event = is_mid_event ? "\n\n" : "";
    event +=
        openai::stream_error(endpoint, api_error_of(error), scanner.last_sequence_number() + 1);
    request.record.error = error.kind;
    request.record.error_detail = std::move(error.detail);
    const bool is_written = co_await writer.write(event, false);
    if (is_written && writer.is_delimited()) co_await request.client.linger();
    request.client.abort();
    co_return false;
}

/// Whole events, as soon as they are whole: half an event is of no use to a client, and holding it
/// back leaves room for an error event should the other half never come.
net::Task<bool> relay_events(Request& request, upstream::Exchange& exchange,
                             openai::Endpoint endpoint) {
    std::string& out = request.client.answer_text();
    begin_passed_answer(out, request, exchange.head(), "no-cache, no-transform");
    http::append_field(out, "x-accel-buffering", "no");
    BodyWriter writer(request, out, std::nullopt);

    openai::SseScanner scanner(endpoint);
    std::size_t scanned = 0;  // of body(): what the scanner has seen
    bool is_mid_event = false;
    for (;;) {
        auto received = co_await exchange.receive_body(relayed_bytes_max);
        if (!received && scanner.finished() && scanner.is_between_events() &&
            received.error().kind != ErrorKind::client_gone) {
            // The stream had said that it was complete; only its connection was left open.
            const bool is_written = co_await writer.write(std::string_view(), true);
            if (!is_written) co_return false;
            co_return writer.stays_open();
        }
        if (!received) {
            co_return co_await break_off(request, writer, scanner, endpoint, is_mid_event,
                                         std::move(received.error()));
        }
        const std::size_t whole = scanner.complete_prefix(exchange.body().substr(scanned));
        std::size_t ready = whole > 0 ? scanned + whole : 0;
        scanned = exchange.body().size();

        const bool is_finished = scanner.finished() || scanner.error_seen();
        // After [DONE] nothing follows that a client reads: the end goes out with it, whenever the
        // upstream gets round to ending.
        const bool is_done = scanner.done_seen() && scanner.is_between_events();
        const bool is_last = exchange.is_complete() ? is_finished : is_done;
        if (is_last || scanned >= relayed_bytes_max) ready = scanned;
        if (ready > 0 || is_last) {
            const bool is_written =
                co_await writer.write(exchange.body().substr(0, ready), is_last);
            if (!is_written) co_return false;
            is_mid_event = ready == scanned && !scanner.is_between_events();
            exchange.consume(ready);
            scanned -= ready;
        }
        if (is_last) {
            co_await exchange.finish();
            co_return writer.stays_open();
        }
        if (exchange.is_complete()) {
            const ErrorKind kind = scanner.legacy_error_seen() ? ErrorKind::upstream_failed
                                                               : ErrorKind::upstream_closed;
            Error error = failure(kind, exchange, "ended its stream before it was complete");
            co_return co_await break_off(request, writer, scanner, endpoint, is_mid_event,
                                         std::move(error));
        }
    }
}

}  // namespace

net::Task<bool> relay(Request& request, Answered& answered) {
    upstream::Exchange& exchange = *answered.exchange;
    const ClientConnection::DepartureWatch watch(request.client, exchange);
    const http::ResponseHead& head = exchange.head();
    request.record.status = head.status;
    const std::string_view content_type =
        head.fields.find("content-type").value_or(std::string_view());

    if (head.status >= 400) co_return co_await relay_rejection(request, exchange);
    if (has_media_type(content_type, "text/event-stream")) {
        co_return co_await relay_events(request, exchange, answered.endpoint);
    }
    if (has_media_type(content_type, "application/json")) {
        co_return co_await relay_json(request, exchange);
    }
    co_return co_await relay_bytes(request, exchange);
}

}  // namespace sluicegate::gateway
