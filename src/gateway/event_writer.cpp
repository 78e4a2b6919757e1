#include "gateway/event_writer.hpp"

#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/openai/api_error.hpp"

#include "gateway/answer_head.hpp"
#include "gateway/error_reply.hpp"

#include <string>

namespace sluicegate::gateway {
namespace {

/// Every SSE parser drops a comment (WHATWG HTML, 9.2.6); the blank line keeps it an event apart.
constexpr std::string_view comment_text = ": keep-alive\n\n";

std::string& begin_stream(Request& request, const http::ResponseHead* head) {
    std::string& out = request.client.answer_text();
    request.record.status = 200;
    begin_answer(out, request, 200, "no-cache, no-transform");
    http::append_field(out, "content-type", "text/event-stream; charset=utf-8");
    append_limits(out, request);
    if (head != nullptr) {
        append_passed_fields(out, *head);
        append_route(out, request);
    }
    http::append_field(out, "x-accel-buffering", "no");
    return out;
}

}  // namespace

EventWriter::EventWriter(Request& request, const http::ResponseHead* head)
    : request_(request),
      body_(request, begin_stream(request, head), std::nullopt),
      keep_alive_(request.config().config.streams.keep_alive),
      written_at_(request.worker.deadlines().now()),
      names_upstream_(head != nullptr) {
}

net::Task<bool> EventWriter::write(std::string_view events, bool ends_event, bool is_last) {
    is_mid_event_ = !ends_event;
    const bool is_written = co_await body_.write(events, is_last);
    written_at_ = request_.worker.deadlines().now();
    co_return is_written;
}

net::Task<bool> EventWriter::comment() {
    co_return co_await write(comment_text, true, false);
}

net::Task<void> EventWriter::fail(const Error& error) {
    std::string event = is_mid_event_ ? "\n\n" : "";
    event += openai::stream_error(*request_.record.endpoint, api_error_of(error),
                                  last_sequence_number_ + 1);
    const bool is_written = co_await body_.write(event, false);
    if (is_written && body_.is_delimited()) co_await request_.client.linger();
    request_.client.abort();
}

Instant EventWriter::comment_at() const noexcept {
    if (is_mid_event_ || keep_alive_ == Milliseconds(0)) return Instant::max();
    return written_at_ + keep_alive_;
}

}  // namespace sluicegate::gateway
