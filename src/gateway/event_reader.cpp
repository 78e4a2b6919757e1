#include "gateway/event_reader.hpp"

#include "sluicegate/provider/failure.hpp"

#include <utility>

namespace sluicegate::gateway {

using upstream::Arrival;

EventReader::EventReader(upstream::Exchange& exchange, openai::SseScanner scanner,
                         const Redaction& redaction, std::size_t buffer_bytes)
    : exchange_(exchange),
      redaction_(redaction),
      pieces_(std::move(scanner), redaction, buffer_bytes),
      buffer_bytes_(buffer_bytes) {
}

net::Task<Result<Arrival>> EventReader::read(Instant wake_at) {
    for (;;) {
        if (has_seen_all_) co_return ended_early();
        auto received = co_await exchange_.receive_body(buffer_bytes_, wake_at);
        if (!received) {
            const bool is_over = scanner().finished() && scanner().is_between_events();
            if (!is_over || received.error().kind == ErrorKind::client_gone) co_return received;
            // The stream had said that it was complete; only its connection was left open.
            pieces_.end();
            co_return Arrival::complete;
        }
        if (*received == Arrival::silent) co_return received;
        has_seen_all_ = exchange_.is_complete();
        pieces_.take(exchange_.body(), has_seen_all_);
        if (!ready().empty() || is_last()) co_return Arrival::complete;
        consume();  // all of it was cut out
    }
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
