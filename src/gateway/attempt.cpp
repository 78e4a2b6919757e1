#include "gateway/attempt.hpp"

#include "gateway/event_writer.hpp"
#include "gateway/upstream_answer.hpp"

#include <utility>

namespace sluicegate::gateway {

using upstream::Arrival;
using upstream::Exchange;

namespace {

/// Usage that the client did not ask for, whether it was asked for here or comes by itself.
openai::StreamCuts unwanted_by(const Routed& routed) noexcept {
    const bool has_them = routed.endpoint == openai::Endpoint::chat_completions ||
                          routed.endpoint == openai::Endpoint::completions;
    return {.usage_event = has_them && !routed.inspection.wants_usage,
            .usage_members = has_them && !routed.inspection.wants_continuous_usage};
}

}  // namespace

Attempt::Attempt(Request& request, const Routed& routed,
                 const openai::StreamOptionsEdit& stream_options)
    : request_(request),
      routed_(routed),
      stream_options_(stream_options),
      text_(request, routed, stream_options),
      exchange_(std::make_unique<Exchange>(request.snapshot->pools[routed.upstream],
                                           *request.record.forwarded_at, routed.timeouts)),
      departure_(request.client, *exchange_) {
}

bool Attempt::is_successful() const noexcept {
    return is_success(exchange_->head().status);
}

std::unique_ptr<Exchange> Attempt::take_exchange() noexcept {
    return std::move(exchange_);
}

std::unique_ptr<EventReader> Attempt::take_events() noexcept {
    return std::move(events_);
}

net::Task<Result<void>> Attempt::run() {
    auto answered = co_await exchange_heads(true);
    if (!answered && exchange_->is_reused() && !exchange_->has_answered() &&
        answered.error().kind == ErrorKind::upstream_closed) {
        // The upstream had closed the connection while it was idle: nobody has seen the request.
        answered = co_await exchange_heads(false);
    }
    if (!answered) co_return answered;

    request_.worker.limiter().prefetch(request_.client.limit_hint());
    request_.record.answered_at = request_.worker.clock().now();
    const http::ResponseHead& head = exchange_->head();
    if (!is_success(head.status)) co_return co_await judge_failure();
    if (is_compressed(head)) {
        co_return fail(ErrorKind::upstream_bad_response,
                       exchange_->settings().name + " compressed an answer without being asked to");
    }
    if (is_event_stream(head)) co_return co_await receive_first_events();
    co_return Result<void>();
}

net::Task<Result<void>> Attempt::exchange_heads(bool may_reuse) {
    ++request_.record.attempts;
    if (!may_reuse || !exchange_->take_idle()) {
        auto connected = co_await exchange_->connect();
        if (!connected) co_return connected;
    }
    auto sent = co_await exchange_->send(text_.buffers());
    if (!sent) co_return sent;

    // Where streams.commit_after is set, a client that wants a stream does not wait in silence.
    const Milliseconds commit_after = request_.config().config.streams.commit_after;
    Instant wake_at = Instant::max();
    if (request_.record.is_streaming && commit_after > Milliseconds(0)) {
        wake_at = *request_.record.forwarded_at + commit_after;
    }
    for (;;) {
        auto arrival = co_await exchange_->receive_head(http::Method::post, wake_at);
        if (!arrival) co_return std::move(arrival).failure();
        if (*arrival == Arrival::complete) co_return Result<void>();
        auto next_at = co_await keep_waiting(nullptr);
        if (!next_at) co_return std::move(next_at).failure();
        wake_at = *next_at;
    }
}

net::Task<Result<void>> Attempt::judge_failure() {
    auto failed = co_await error_of_answer(*exchange_);
    if (failed) co_return fail(std::move(*failed));
    if (stream_options_.include_usage || stream_options_.continuous_usage_stats) {
        has_refused_options_ = co_await refuses_stream_options(*exchange_);
    }
    co_return Result<void>();
}

/// A stream that fails before its first event, or with it, is still a proper status for the client.
/// Once the head is there, silence is filled with comments.
net::Task<Result<void>> Attempt::receive_first_events() {
    const config::Streams& streams = request_.config().config.streams;
    const openai::StreamCuts cuts = unwanted_by(routed_);
    events_ = std::make_unique<EventReader>(
        *exchange_, openai::SseScanner(routed_.endpoint, cuts, routed_.inspection.choices),
        streams.buffer);
    Instant wake_at = Instant::max();
    if (streams.keep_alive > Milliseconds(0)) {
        wake_at = *request_.record.answered_at + streams.keep_alive;
    }
    for (;;) {
        auto arrival = co_await events_->read(wake_at);
        if (!arrival) co_return std::move(arrival).failure();
        if (*arrival == Arrival::complete) break;
        auto next_at = co_await keep_waiting(&exchange_->head());
        if (!next_at) co_return std::move(next_at).failure();
        wake_at = *next_at;
    }
    const openai::SseScanner& scanner = events_->scanner();
    if (scanner.error_seen() && scanner.output_deltas() == 0 && !request_.events) {
        co_return fail(error_of_events(exchange_->settings().name, events_->ready()));
    }
    co_return Result<void>();
}

net::Task<Result<Instant>> Attempt::keep_waiting(const http::ResponseHead* head) {
    if (!request_.events) request_.events = std::make_unique<EventWriter>(request_, head);
    const bool is_written = co_await request_.events->comment();
    if (is_written) co_return request_.events->comment_at();
    const bool is_still_wanted =
        exchange_->settings().on_client_disconnect == config::OnClientDisconnect::drain;
    if (!is_still_wanted) co_return fail(ErrorKind::client_gone);
    co_return Instant::max();
}

}  // namespace sluicegate::gateway
