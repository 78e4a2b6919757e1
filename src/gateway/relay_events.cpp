#include "sluicegate/client/event_writer.hpp"
#include "sluicegate/openai/metering.hpp"

#include "gateway/relay.hpp"
#include "gateway/settle.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::gateway {
namespace {

using upstream::Arrival;

/// A reservation grows in steps, so that not every event takes the limiter's lock.
constexpr std::int64_t growth_step_tokens = 64;

/// Most servers send a token in each piece; some send more.
std::int64_t counted_output(const openai::SseScanner& scanner) {
    return std::max(scanner.output_deltas(), openai::tokens_of_text(scanner.output_bytes()));
}

/// What went by until now: its times, and its size for the limits.
void note_progress(Request& request, const openai::SseScanner& scanner,
                   limit::Reservation& reservation) {
    Record& record = request.record;
    const std::int64_t deltas = scanner.output_deltas();
    if (deltas == record.output_deltas) return;
    const Instant now = request.worker.clock().now();
    if (record.output_deltas == 0) record.first_delta_at = now;
    record.last_delta_at = now;
    record.output_deltas = deltas;
    const std::int64_t used = record.prompt_estimate + counted_output(scanner);
    if (used > reservation.reserved()) reservation.grow(used + growth_step_tokens, now);
}

void note_stream(Request& request, openai::Endpoint endpoint, const openai::SseScanner& scanner) {
    Record& record = request.record;
    record.finish_reason = scanner.finish_reason();
    const std::int64_t deltas = scanner.output_deltas();
    const std::optional<ErrorKind> error = request.client.sent.error;
    const bool has_failed = error && fault_of(*error) == Fault::upstream;
    // What failed before anything came out of it has cost the client nothing.
    if (has_failed && deltas == 0 && !scanner.usage()) return;
    note_usage(request, endpoint, scanner.usage(), counted_output(scanner),
               deltas > 0 ? UsageSource::counted : UsageSource::estimated);
}

/// The client has gone: where that is wanted, the rest is read for its usage.
net::Task<void> read_to_end(upstream::Exchange& exchange, EventReader& events) {
    if (exchange.settings().on_client_disconnect != config::OnClientDisconnect::drain) co_return;
    exchange.end_within(exchange.settings().drain_usage);
    while (!events.is_last()) {
        events.consume();
        auto arrival = co_await events.read(Instant::max());
        if (!arrival) co_return;
    }
}

net::Task<bool> pass_on(Request& request, Answered& answered) {
    upstream::Exchange& exchange = answered.attempt->exchange();
    EventReader& events = *answered.attempt->events();
    client::EventWriter& writer = *request.client.events;
    for (;;) {
        note_progress(request, events.scanner(), answered.reservation);
        const bool is_last = events.is_last();
        writer.note_sequence_number(events.scanner().last_sequence_number());
        if (is_last) {
            // Before the client can know that it is over, and ask for the next.
            note_stream(request, answered.endpoint, events.scanner());
            complete(request, answered);
        }
        bool is_written = co_await writer.write(events.ready(), events.ends_event(), is_last);
        if (is_written && is_last) {
            co_await exchange.finish();
            co_return writer.stays_open();
        }
        if (is_written) events.consume();
        while (is_written) {
            auto arrival = co_await events.read(writer.comment_at());
            if (!arrival) {
                request.client.sent.error = arrival.error().kind;
                note_stream(request, answered.endpoint, events.scanner());
                co_return co_await refuse_answer(request, answered, std::move(arrival.error()));
            }
            if (*arrival == Arrival::complete) break;
            is_written = co_await writer.comment();
        }
        if (!is_written) {
            co_await read_to_end(exchange, events);
            co_return false;
        }
    }
}

}  // namespace

net::Task<bool> relay_events(Request& request, Answered& answered) {
    Attempt& attempt = *answered.attempt;
    if (!request.client.events) {
        request.client.events =
            new_event_writer(request, answered.endpoint, &attempt.exchange().head());
    }
    const std::string& prelude = attempt.events()->prelude();
    if (!prelude.empty()) co_await request.client.events->write(prelude, true, false);
    const bool stays_open = co_await pass_on(request, answered);
    note_stream(request, answered.endpoint, attempt.events()->scanner());
    co_return stays_open;
}

}  // namespace sluicegate::gateway
