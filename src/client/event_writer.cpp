#include "sluicegate/client/event_writer.hpp"

#include "sluicegate/client/answer_head.hpp"
#include "sluicegate/client/error_reply.hpp"
#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/openai/api_error.hpp"

#include <string>

namespace sluicegate::client {
namespace {

/// Every SSE parser drops a comment (WHATWG HTML, 9.2.6); the blank line keeps it an event apart.
constexpr std::string_view comment_text = ": keep-alive\n\n";

std::string& begin_stream(Exchange& exchange, const http::ResponseHead* head) {
    std::string& out = exchange.connection.answer_text();
    exchange.sent.status = 200;
    begin_answer(out, exchange, 200, "no-cache, no-transform");
    http::append_field(out, "content-type", "text/event-stream; charset=utf-8");
    append_limits(out, exchange);
    if (head != nullptr) {
        append_passed_fields(out, exchange, *head);
        append_route(out, exchange);
    }
    http::append_field(out, "x-accel-buffering", "no");
    return out;
}

}  // namespace

EventWriter::EventWriter(Exchange& exchange, const Options& options)
    : exchange_(exchange),
      body_(exchange, begin_stream(exchange, options.head), std::nullopt),
      endpoint_(options.endpoint),
      keep_alive_(options.keep_alive),
      written_at_(exchange.context().deadlines.now()),
      names_upstream_(options.head != nullptr) {
}

net::Task<bool> EventWriter::write(std::string_view events, bool ends_event, bool is_last) {
    is_mid_event_ = !ends_event;
    const bool is_written = co_await body_.write(events, is_last);
    written_at_ = exchange_.context().deadlines.now();
    co_return is_written;
}

net::Task<bool> EventWriter::comment() {
    co_return co_await write(comment_text, true, false);
}

net::Task<void> EventWriter::fail(const Error& error) {
    std::string event = is_mid_event_ ? "\n\n" : "";
    event += openai::stream_error(endpoint_, api_error_of(error), last_sequence_number_ + 1);
    const bool is_written = co_await body_.write(event, false);
    if (is_written && body_.is_delimited()) co_await exchange_.connection.linger();
    exchange_.connection.abort();
}

Instant EventWriter::comment_at() const noexcept {
    if (is_mid_event_ || keep_alive_ == Milliseconds(0)) return Instant::max();
    return written_at_ + keep_alive_;
}

}  // namespace sluicegate::client
