#include "sluicegate/base/failure_table.hpp"
#include "sluicegate/client/error_reply.hpp"
#include "sluicegate/client/event_writer.hpp"
#include "sluicegate/openai/metering.hpp"
#include "sluicegate/provider/failure.hpp"

#include "gateway/relay.hpp"

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
class Progress {
public:
    Progress(Request& request, const Routed& routed, limit::Reservation& reservation) noexcept
        : request_(request), routed_(routed), reservation_(reservation) {}

    void note(const openai::SseScanner& scanner) {
        if (scanner.output_deltas() == deltas_) return;
        const Instant now = request_.worker.clock().now();
        Record& record = request_.record;
        if (deltas_ == 0) record.first_delta_at = now;
        record.last_delta_at = now;
        deltas_ = record.output_deltas = scanner.output_deltas();
        const std::int64_t used = routed_.tokens.prompt + counted_output(scanner);
        if (used > reservation_.reserved()) reservation_.grow(used + growth_step_tokens, now);
    }

private:
    Request& request_;
    const Routed& routed_;
    limit::Reservation& reservation_;
    std::int64_t deltas_ = 0;
};

/// Remembers whose the response is, before the client can ask for it.
class Ownership {
public:
    explicit Ownership(const Attempt& attempt) noexcept : attempt_(attempt) {}

    void note(const openai::SseScanner& scanner) {
        if (!has_response_ && !scanner.response_id().empty()) {
            has_response_ = true;
            attempt_.keep_owner(scanner.response_id());
        }
        if (!has_conversation_ && !scanner.conversation_id().empty()) {
            has_conversation_ = true;
            attempt_.keep_owner(scanner.conversation_id());
        }
    }

private:
    const Attempt& attempt_;
    bool has_response_ = false;
    bool has_conversation_ = false;
};

Cost cost_of_stream(const Routed& routed, const openai::SseScanner& scanner,
                    std::optional<ErrorKind> failure) {
    const bool has_output = scanner.output_deltas() > 0;
    const bool has_failed = failure && fault_of(*failure) == Fault::upstream;
    // What failed before anything came out of it has cost the client nothing.
    if (has_failed && !has_output && !scanner.usage()) return {};
    return cost_of(routed, scanner.usage(), counted_output(scanner),
                   has_output ? UsageSource::counted : UsageSource::estimated);
}

/// The client has left: where that is wanted, the rest is read for its usage.
net::Task<void> read_to_end(upstream::Exchange& exchange, EventReader& events) {
    if (exchange.settings().on_client_disconnect != config::OnClientDisconnect::drain) co_return;
    exchange.end_within(exchange.settings().drain_usage);
    while (!events.is_last()) {
        events.consume();
        auto arrival = co_await events.read(Instant::max());
        if (!arrival) co_return;
    }
}

/// The error that the upstream tells in its stream. The client reads it there; it is the upstream's
/// failure, whatever follows it.
class ToldError {
public:
    ToldError(Request& request, Attempt& attempt) noexcept : request_(request), attempt_(attempt) {}

    /// Before the events that hold it are consumed.
    void note(const EventReader& events) {
        if (error_) return;
        const openai::SseScanner& scanner = events.scanner();
        const config::Upstream& upstream = attempt_.exchange().settings();
        const Redaction& redaction = request_.config().redaction;
        if (scanner.error_seen()) {
            error_ = provider::error_of_late_event(upstream, redaction, events.ready());
        } else if (scanner.finished() && scanner.finish_reason() == "failed") {
            error_ = provider::failure_in_events(upstream, redaction, events.ready(), {});
        }
    }
    [[nodiscard]] std::optional<ErrorKind> kind() const noexcept {
        return error_ ? std::optional(error_->kind) : std::nullopt;
    }
    /// How the attempt has ended.
    [[nodiscard]] Outcome outcome() const noexcept {
        return error_ ? failure_row(error_->kind).attempt.outcome : Outcome::success;
    }
    void tell() const {
        if (error_) client::note_failure(request_.client, *error_);
    }

private:
    Request& request_;
    Attempt& attempt_;
    std::optional<Error> error_;
};

/// Waits for more events, and fills silence with comments. False when the client has left.
net::Task<Result<bool>> await_events(EventReader& events, client::EventWriter& writer) {
    for (;;) {
        auto arrival = co_await events.read(writer.comment_at());
        if (!arrival) co_return std::move(arrival).failure();
        if (*arrival == Arrival::complete) co_return true;
        const bool is_written = co_await writer.comment();
        if (!is_written) co_return false;
    }
}

}  // namespace

net::Task<Ended> relay_events(Request& request, const Routed& routed, Attempt& attempt,
                              Settlement& settlement) {
    upstream::Exchange& exchange = attempt.exchange();
    EventReader& events = *attempt.events();
    const openai::SseScanner& scanner = events.scanner();
    std::unique_ptr<client::EventWriter>& writer = request.client.events;
    if (!writer) writer = new_event_writer(request, routed.endpoint, &exchange.head());
    Progress progress(request, routed, settlement.reservation());
    Ownership ownership(attempt);
    ownership.note(scanner);
    ToldError told(request, attempt);
    Ended ended;
    bool is_written = true;
    bool has_answer = false;  // the client
    if (!events.prelude().empty()) {
        is_written = co_await writer->write(events.prelude(), true, false);
    }
    while (is_written) {
        progress.note(scanner);
        ownership.note(scanner);
        writer->note_sequence_number(scanner.last_sequence_number());
        told.note(events);
        if (events.is_last()) {
            // Before the client can know that it is over, and ask for the next.
            ended.cost = cost_of_stream(routed, scanner, told.kind());
            ended.outcome = told.outcome();
            request.record.finish_reason = scanner.finish_reason();
            settlement.settle(ended);
            is_written = co_await writer->write(
                attempt.renamed(events.ready(), openai::ModelRenamer::Form::events),
                events.ends_event(), true);
            told.tell();
            if (!is_written) break;
            co_await exchange.finish();
            ended.stays_open = writer->stays_open();
            co_return ended;
        }
        if (!events.ready().empty()) {
            is_written = co_await writer->write(
                attempt.renamed(events.ready(), openai::ModelRenamer::Form::events),
                events.ends_event(), false);
            if (!is_written) break;
        }
        has_answer = events.has_answer() && events.ends_event();
        events.consume();
        auto goes_on = co_await await_events(events, *writer);
        if (!goes_on) {
            const ErrorKind kind = goes_on.error().kind;
            if (kind == ErrorKind::client_gone && (has_answer || told.kind())) break;
            request.record.finish_reason = scanner.finish_reason();
            ended.cost = cost_of_stream(routed, scanner, kind);
            ended.outcome = failure_row(kind).attempt.outcome;
            ended.told = std::move(goes_on).failure();
            co_return ended;
        }
        is_written = *goes_on;
    }
    co_await read_to_end(exchange, events);
    ownership.note(scanner);
    request.record.finish_reason = scanner.finish_reason();
    ended.cost = cost_of_stream(routed, scanner, told.kind());
    if (has_answer || told.kind()) {
        // It left, but not before it had all that it wanted, or all that there was.
        request.client.sent.error.reset();
        ended.outcome = told.outcome();
        told.tell();
    }
    co_return ended;
}

}  // namespace sluicegate::gateway
