#include "gateway/event_reader.hpp"

#include "sluicegate/openai/normalise_error.hpp"

#include <utility>

namespace sluicegate::gateway {

using upstream::Arrival;

EventReader::EventReader(upstream::Exchange& exchange, openai::SseScanner scanner,
                         std::size_t buffer_bytes)
    : exchange_(exchange), scanner_(std::move(scanner)), buffer_bytes_(buffer_bytes) {
}

net::Task<Result<Arrival>> EventReader::read(Instant wake_at) {
    for (;;) {
        if (has_seen_all_) co_return ended_early();
        auto received = co_await exchange_.receive_body(buffer_bytes_, wake_at);
        if (!received) {
            const bool is_over = scanner_.finished() && scanner_.is_between_events();
            if (!is_over || received.error().kind == ErrorKind::client_gone) co_return received;
            // The stream had said that it was complete; only its connection was left open.
            is_last_ = true;
            co_return Arrival::complete;
        }
        if (*received == Arrival::silent) co_return received;
        has_seen_all_ = exchange_.is_complete();
        take(scanner_.complete_prefix(exchange_.body().substr(scanned_bytes_)));
        if (!ready_.empty() || is_last_) co_return Arrival::complete;
        consume();  // all of it was cut out
    }
}

Failure EventReader::ended_early() const {
    std::string detail = exchange_.settings().name + " ended its stream before it was complete";
    if (!scanner_.legacy_error_seen()) return fail(ErrorKind::upstream_closed, std::move(detail));
    const auto said = openai::error_in("{\"error\":" + std::string(scanner_.legacy_error()) + "}");
    return fail(ErrorKind::upstream_failed, std::move(detail), said ? said->message : "");
}

void EventReader::take(std::size_t completed_bytes) {
    taken_bytes_ = completed_bytes > 0 ? scanned_bytes_ + completed_bytes : 0;
    scanned_bytes_ = exchange_.body().size();

    const bool is_finished = scanner_.finished() || scanner_.error_seen();
    // After [DONE] nothing follows that a client reads: the end goes out with it, whenever the
    // upstream gets round to ending.
    const bool is_done =
        scanner_.done_seen() && scanner_.is_between_events() && !scanner_.awaits_line_feed();
    is_last_ = exchange_.is_complete() ? is_finished : is_done;
    if (is_last_ || scanned_bytes_ >= buffer_bytes_) taken_bytes_ = scanned_bytes_;

    ends_event_ = taken_bytes_ < scanned_bytes_ || scanner_.is_between_events();
    ready_ = exchange_.body().substr(0, taken_bytes_);
    if (!scanner_.cuts().empty()) cut_out();
    if (!ends_event_) scanner_.let_pass();
}

void EventReader::cut_out() {
    const std::string_view whole = ready_;
    const std::uint64_t start = scanner_.stream_bytes() - scanned_bytes_;
    std::size_t kept_from = 0;
    spliced_.clear();
    for (const openai::Cut& cut : scanner_.cuts()) {
        const auto at = static_cast<std::size_t>(cut.offset - start);
        spliced_ += whole.substr(kept_from, at - kept_from);
        kept_from = at + static_cast<std::size_t>(cut.size);
    }
    spliced_ += whole.substr(kept_from);
    ready_ = spliced_;
}

void EventReader::consume() noexcept {
    exchange_.consume(taken_bytes_);
    scanned_bytes_ -= taken_bytes_;
    taken_bytes_ = 0;
    ready_ = {};
}

}  // namespace sluicegate::gateway
