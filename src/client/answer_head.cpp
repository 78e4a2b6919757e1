#include "sluicegate/client/answer_head.hpp"

#include "sluicegate/client/cors.hpp"
#include "sluicegate/client/limit_fields.hpp"
#include "sluicegate/client/receive.hpp"
#include "sluicegate/http/content_coding.hpp"
#include "sluicegate/http/head_writer.hpp"

#include <array>

namespace sluicegate::client {
namespace {

namespace asio = net::asio;
using http::append_field;

constexpr std::array<std::string_view, 4> passed_fields{
    "content-disposition", "openai-version", "openai-processing-ms", "openai-poll-after-ms"};

}  // namespace

void begin_head(std::string& out, const HeadBasics& basics) {
    out.clear();
    http::append_status_line(out, basics.status);
    append_field(out, "date", basics.date);
    append_field(out, "x-request-id", basics.id.text());
    append_field(out, "cache-control", basics.cache_control);
    append_field(out, "x-content-type-options", "nosniff");
}

void begin_answer(std::string& out, const Exchange& exchange, unsigned status,
                  std::string_view cache_control) {
    begin_head(out, {.status = status,
                     .date = exchange.context().date.text(),
                     .id = exchange.id,
                     .cache_control = cache_control});
    if (exchange.settings.server->cors) append_cors(out, exchange);
}

void append_passed_field(std::string& out, const Exchange& exchange, const http::ResponseHead& head,
                         std::string_view name, std::string_view as) {
    const auto value = head.fields.find(name);
    if (!value) return;
    const Redaction* const redaction = exchange.settings.redaction;
    if (redaction != nullptr && redaction->finds_any_in(*value)) return;
    append_field(out, as, *value);
}

void append_passed_fields(std::string& out, const Exchange& exchange,
                          const http::ResponseHead& head) {
    for (const std::string_view name : passed_fields) {
        append_passed_field(out, exchange, head, name, name);
    }
    append_passed_field(out, exchange, head, "x-request-id", "x-upstream-request-id");
}

void append_connection(std::string& out, const Exchange& exchange, bool stays_open) {
    if (!stays_open) {
        // RFC 9110, 7.8: Upgrade is an option of this connection alone.
        const bool offers_upgrade = exchange.sent.error == ErrorKind::websocket_not_supported;
        append_field(out, "connection", offers_upgrade ? "upgrade, close" : "close");
    } else if (exchange.head().minor_version == 0) {
        append_field(out, "connection", "keep-alive");
    }
}

void append_limits(std::string& out, const Exchange& exchange) {
    const auto& decision = exchange.notes.decision;
    if (!decision) return;
    append_rate_limits(out, *decision);
    const config::LimiterSettings& limiter = *exchange.settings.limiter;
    if (limiter.ietf_fields) append_ietf_fields(out, *decision, limiter.window);
}

void append_route(std::string& out, const Exchange& exchange) {
    const AnswerNotes& notes = exchange.notes;
    if (notes.attempts == 0) return;
    if (exchange.settings.server->tells_upstream) {
        append_field(out, "x-sluicegate-upstream", notes.upstream);
    }
    append_field(out, "x-sluicegate-attempts", static_cast<std::int64_t>(notes.attempts));
}

bool wants_to_stay(const Exchange& exchange) {
    return exchange.has_head && exchange.head().keep_alive && !exchange.connection.is_draining();
}

net::Task<bool> write_complete(Exchange& exchange, std::string& out, std::string_view body,
                               bool must_close) {
    const bool is_skippable = can_skip_body(exchange);
    const bool stays_open = !must_close && wants_to_stay(exchange) && is_skippable;
    append_connection(out, exchange, stays_open);
    // RFC 9110, 8.6: none in a 204.
    if (exchange.sent.status != 204) {
        append_field(out, "content-length", static_cast<std::int64_t>(body.size()));
    }
    http::append_head_end(out);

    const bool is_head = exchange.has_head && exchange.head().method == http::Method::head;
    const std::array buffers{asio::const_buffer(out.data(), out.size()),
                             asio::const_buffer(body.data(), is_head ? 0 : body.size())};
    if (!is_head) exchange.sent.body_bytes = body.size();
    const bool is_written = co_await exchange.write(buffers);
    if (!is_written) {
        exchange.sent.error = exchange.connection.why_ended();
        co_return false;
    }
    if (stays_open && exchange.is_body_complete) co_return true;
    if (stays_open) co_return co_await skip_body(exchange);
    if (!exchange.is_body_complete) co_await exchange.connection.linger();
    co_return false;
}

}  // namespace sluicegate::client
