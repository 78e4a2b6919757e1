#include "gateway/event_reader.hpp"

#include "sluicegate/provider/failure.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::gateway {

using upstream::Arrival;

EventReader::EventReader(upstream::Exchange& exchange, openai::SseScanner scanner,
                         const Redaction& redaction, const config::Streams& streams,
                         const Clock& clock)
    : exchange_(exchange),
      redaction_(redaction),
      pieces_(std::move(scanner), redaction,
              {.buffer_bytes = streams.buffer, .adds_done = streams.adds_done}),
      streams_(streams),
      clock_(clock) {
}

net::Task<Result<Arrival>> EventReader::read(Instant wake_at) {
    for (;;) {
        if (has_seen_all_) co_return ended_early();
        if (may_end() && streams_.end_grace == Milliseconds(0)) {
            end();
            co_return Arrival::complete;
        }
        const Instant until = std::min(wake_at, end_at_);
        Result<Arrival> received = Arrival::complete;
        // What came with the head is there already.
        const bool has_arrived = !has_begun_ && !exchange_.body().empty();
        has_begun_ = true;
        if (!has_arrived) received = co_await exchange_.receive_body(streams_.buffer, until);
        if (!received && !is_over(received.error())) co_return received;
        const bool is_silent = !received || *received == Arrival::silent;
        if (is_silent) {
            if (received && end_at_ > wake_at) co_return received;
            end();
            co_return Arrival::complete;
        }
        has_seen_all_ = exchange_.is_complete();
        pieces_.take(exchange_.body(), has_seen_all_);
        note_events();
        if (!ready().empty() || is_last()) co_return Arrival::complete;
        consume();  // all of it was cut out
    }
}

bool EventReader::may_end() const noexcept {
    return has_answer() || scanner().error_seen() || scanner().ends_with_done();
}

bool EventReader::is_over(const Error& error) const noexcept {
    if (error.kind == ErrorKind::client_gone) return false;
    const bool was_told = scanner().finished() || scanner().error_seen();
    if (was_told || scanner().ends_with_done()) return true;
    if (!scanner().has_all_reasons()) return false;
    switch (error.kind) {
        case ErrorKind::upstream_idle_timeout:
        case ErrorKind::upstream_total_timeout: return true;
        // Where the framing tells the end of the body, this is none.
        case ErrorKind::upstream_closed: return !exchange_.is_delimited();
        default: return false;
    }
}

/// Comments do not count: an upstream may send them for ever.
void EventReader::note_events() {
    if (!may_end()) return;
    const bool is_unchanged = scanner().events() == events_ && end_at_ != Instant::max();
    if (is_unchanged) return;
    events_ = scanner().events();
    end_at_ = clock_.now() + streams_.end_grace;
}

/// The upstream says nothing more, or nothing that matters.
void EventReader::end() {
    has_seen_all_ = true;
    pieces_.take(exchange_.body(), true);
}

Failure EventReader::ended_early() const {
    const config::Upstream& upstream = exchange_.settings();
    return fail(provider::error_of_early_end(
        upstream, redaction_,
        scanner().legacy_error_seen() ? scanner().legacy_error() : std::string_view()));
}

void EventReader::consume() noexcept {
    exchange_.consume(pieces_.consume());
}

void EventReader::set_aside() {
    pieces_.set_aside();
    consume();
}

}  // namespace sluicegate::gateway
