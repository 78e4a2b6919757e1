#include "gateway/relay.hpp"

#include "sluicegate/base/failure_table.hpp"
#include "sluicegate/client/answer_head.hpp"
#include "sluicegate/client/body_writer.hpp"
#include "sluicegate/client/event_writer.hpp"
#include "sluicegate/http/content_coding.hpp"
#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/openai/answer_facts.hpp"
#include "sluicegate/openai/metering.hpp"
#include "sluicegate/provider/answer.hpp"
#include "sluicegate/provider/failure.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::gateway {
namespace {

/// Usage stands at the end of an answer that is too long to be held.
constexpr std::size_t tail_bytes_max = 16 * 1024;

/// A 4xx that the client caused, in the upstream's words but always in the same shape.
net::Task<Ended> relay_rejection(Request& request, Attempt& attempt, Settlement& settlement) {
    upstream::Exchange& exchange = attempt.exchange();
    client::Exchange& client = request.client;
    const http::ResponseHead& head = exchange.head();
    const auto should_retry = head.fields.find("x-should-retry").value_or(std::string_view());
    const Redaction& redaction = request.config().redaction;
    const openai::ApiError told = provider::rejection_of(redaction, head, exchange.body());
    exchange.consume(exchange.body().size());
    Ended ended{.outcome = Outcome::rejected};
    if (client.events) {
        // The client's stream has begun without waiting for this.
        ended.told = fail(Error{.kind = ErrorKind::upstream_rejected,
                                .detail = {},
                                .subject = {},
                                .upstream_words = UpstreamWords(told.message, redaction),
                                .retry_after = {}});
        co_return ended;
    }
    const std::string body = openai::error_body(told);
    client.sent.error = ErrorKind::upstream_rejected;
    std::string& out = client.connection.answer_text();
    client::begin_answer(out, client, head.status);
    http::append_field(out, "content-type", "application/json");
    if (should_retry == "true" || should_retry == "false") {
        http::append_field(out, "x-should-retry", should_retry);
    }
    client::append_limits(out, client);
    client::append_route(out, client);
    settlement.settle(ended);
    ended.stays_open = co_await client::write_complete(client, out, body, false);
    co_return ended;
}

/// Status and fields of the upstream's answer, as far as a client gets them. SDKs parse only what
/// is called JSON.
void begin_passed_answer(std::string& out, const client::Exchange& client,
                         const upstream::Exchange& exchange, provider::AnswerForm form) {
    const http::ResponseHead& head = exchange.head();
    const bool is_bytes = form == provider::AnswerForm::bytes;
    client::begin_answer(out, client, client.sent.status);
    // What is text, or was decoded, is in no coding, whatever the upstream says.
    if (is_bytes && !exchange.was_decoded() && !http::content_codings_of(head.fields)) {
        client::append_passed_field(out, client, head, "content-encoding", "content-encoding");
    }
    if (is_bytes || provider::is_json(head)) {
        client::append_passed_field(out, client, head, "content-type", "content-type");
    } else {
        http::append_field(out, "content-type", "application/json");
    }
    client::append_passed_fields(out, client, head);
    client::append_limits(out, client);
    client::append_route(out, client);
}

/// JSON that is complete, or the stream that it was turned into.
net::Task<Ended> relay_json(Request& request, const Routed& routed, Attempt& attempt,
                            Settlement& settlement) {
    client::Exchange& client = request.client;
    const upstream::Exchange& exchange = attempt.exchange();
    const openai::AnswerFacts& facts = attempt.json()->facts;
    request.record.finish_reason = facts.finish_reason;
    attempt.keep_owner(facts.response_id);
    attempt.keep_owner(facts.conversation_id);
    Ended ended{.cost = cost_of(routed, facts.usage, openai::tokens_of_text(facts.output_bytes),
                                UsageSource::estimated),
                .outcome = Outcome::success};
    settlement.settle(ended);
    if (!routed.inspection.is_streaming) {
        std::string& out = client.connection.answer_text();
        begin_passed_answer(out, client, exchange, attempt.form());
        std::string clean;
        const std::string& made = attempt.json()->body;
        std::string_view body = made.empty() ? exchange.body() : std::string_view(made);
        if (facts.may_tell_error) body = clean = request.config().redaction.cleaned(body);
        body = attempt.renamed(body, openai::ModelRenamer::Form::json);
        ended.stays_open = co_await client::write_complete(client, out, body, false);
        co_return ended;
    }
    if (!client.events) {
        client.events = new_event_writer(request, routed.endpoint, &exchange.head());
    }
    const bool is_written = co_await client.events->write(
        attempt.renamed(attempt.json()->events, openai::ModelRenamer::Form::events), true, true);
    ended.stays_open = is_written && client.events->stays_open();
    co_return ended;
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

client::BodyWriter body_writer_for(client::Exchange& client, std::string& out,
                                   const http::ResponseHead& head, bool keeps_length) {
    const bool has_length = keeps_length && head.framing == http::Framing::content_length;
    const auto length = static_cast<std::int64_t>(head.content_length);
    return {client, out, has_length ? std::optional(length) : std::nullopt};
}

/// Passes on what arrives. An answer that breaks off ends the connection in a way that cannot be
/// mistaken for its end. Usage is looked for at the end of it where it is JSON.
net::Task<Ended> relay_as_it_comes(Request& request, const Routed& routed, Attempt& attempt,
                                   Settlement& settlement) {
    upstream::Exchange& exchange = attempt.exchange();
    client::Exchange& client = request.client;
    std::string& out = client.connection.answer_text();
    begin_passed_answer(out, client, exchange, attempt.form());
    const bool may_have_usage = attempt.form() == provider::AnswerForm::json;
    const bool is_renamed = may_have_usage && attempt.renames_model();
    client::BodyWriter writer = body_writer_for(client, out, exchange.head(), !is_renamed);

    const std::size_t buffer_bytes = request.config().config.streams.buffer;
    std::string tail;
    // The id of a response stands at its beginning.
    if (may_have_usage) {
        const openai::AnswerFacts begun = openai::facts_of_answer(routed.endpoint, exchange.body());
        attempt.keep_owner(begun.response_id);
        attempt.keep_owner(begun.conversation_id);
    }
    Ended ended{.cost = cost_of(routed, std::nullopt, 0, UsageSource::estimated)};
    for (;;) {
        const std::string_view piece = exchange.body();
        if (may_have_usage) keep_tail(tail, piece);
        const std::string_view passed =
            is_renamed ? attempt.renamed(piece, openai::ModelRenamer::Form::json) : piece;
        if (exchange.is_complete()) {
            ended.cost =
                cost_of(routed, usage_in_tail(routed.endpoint, tail), 0, UsageSource::estimated);
            ended.outcome = Outcome::success;
            settlement.settle(ended);
            const bool is_written = co_await writer.write(passed, true);
            ended.stays_open = is_written && writer.stays_open();
            co_return ended;
        }
        if (!piece.empty()) {
            const bool is_written = co_await writer.write(passed, false);
            if (!is_written) co_return ended;
            exchange.consume(piece.size());
        }
        auto received = co_await exchange.receive_body(buffer_bytes);
        if (!received) {
            ended.outcome = failure_row(received.error().kind).attempt.outcome;
            client.sent.error = received.error().kind;
            client.sent.error_detail = std::move(received.error().detail);
            client.connection.abort();
            co_return ended;
        }
    }
}

}  // namespace

net::Task<Ended> relay(Request& request, const Routed& routed, Attempt& attempt,
                       Settlement& settlement) {
    const unsigned status = provider::passed_status(attempt.exchange().head().status);
    request.client.sent.status = status;
    if (status >= 400) return relay_rejection(request, attempt, settlement);
    if (attempt.events() != nullptr) return relay_events(request, routed, attempt, settlement);
    if (attempt.json()) return relay_json(request, routed, attempt, settlement);
    return relay_as_it_comes(request, routed, attempt, settlement);
}

}  // namespace sluicegate::gateway
