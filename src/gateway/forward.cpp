/// The request as the upstream gets it: written anew from checked parts, sent once.

#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/openai/splice.hpp"

#include "gateway/stages.hpp"
#include "gateway/upstream_answer.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace sluicegate::gateway {
namespace {

namespace asio = net::asio;

/// The only fields of a client that reach an upstream, each once. Everything else stays here:
/// credentials, cookies, hop-by-hop fields and what they nominate, where the client comes from.
constexpr std::array<std::string_view, 7> passed_fields{
    "content-type",        "accept",      "openai-beta", "idempotency-key",
    "x-client-request-id", "traceparent", "tracestate"};

bool names_a_credential(std::string_view parameter) {
    static constexpr std::array<std::string_view, 4> names{"key", "api-key", "api_key",
                                                           "access_token"};
    const std::string_view name = parameter.substr(0, parameter.find('='));
    return std::any_of(names.begin(), names.end(), [&](std::string_view candidate) {
        return std::equal(name.begin(), name.end(), candidate.begin(), candidate.end(),
                          [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
    });
}

/// `?a=1&b=2`, or nothing; parameters that could carry a client's key stay here.
void append_query(std::string& out, std::string_view query) {
    char separator = '?';
    while (!query.empty()) {
        const std::string_view parameter = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(parameter.size() + 1, query.size()));
        if (parameter.empty() || names_a_credential(parameter)) continue;
        out += separator;
        out += parameter;
        separator = '&';
    }
}

void write_head(const Request& request, openai::Endpoint endpoint, const config::Upstream& upstream,
                std::string_view fixed_fields, std::size_t body_bytes, std::string& out) {
    const http::RequestHead& head = request.head();
    out.clear();
    out += "POST ";
    out += upstream.endpoint.path_prefix;
    out += openai::upstream_path(endpoint);
    append_query(out, head.query);
    out += " HTTP/1.1\r\n";
    out += fixed_fields;
    http::append_field(out, "x-request-id", request.id.text());
    for (const std::string_view name : passed_fields) {
        if (const auto value = head.fields.find(name)) http::append_field(out, name, *value);
    }
    http::append_field(out, "content-length", static_cast<std::int64_t>(body_bytes));
    http::append_head_end(out);
}

/// One attempt, up to the head of the answer.
net::Task<Result<void>> attempt(upstream::Exchange& exchange, bool may_reuse,
                                std::span<const asio::const_buffer> text) {
    if (!may_reuse || !exchange.take_idle()) {
        auto connected = co_await exchange.connect();
        if (!connected) co_return connected;
    }
    auto sent = co_await exchange.send(text);
    if (!sent) co_return sent;
    auto received = co_await exchange.receive_head(http::Method::post);
    if (!received) co_return std::move(received).failure();
    co_return Result<void>();
}

}  // namespace

net::Task<Result<Answered>> forward(Request& request, Routed routed) {
    const std::shared_ptr<upstream::Pool>& pool = request.snapshot->pools[routed.upstream];
    const openai::Rewritten body =
        openai::rewrite(routed.inspection, request.body, routed.upstream_model);
    std::string& head = request.client.request_text();
    write_head(request, routed.endpoint, pool->settings(),
               request.snapshot->upstream_fields[routed.upstream].reveal(), body.size(), head);
    std::array<asio::const_buffer, 1 + openai::Rewritten::pieces_max> text;
    text[0] = asio::buffer(head);
    std::size_t pieces = 1;
    for (const std::string_view piece : body.pieces()) {
        if (!piece.empty()) text[pieces++] = asio::buffer(piece.data(), piece.size());
    }
    const std::span<const asio::const_buffer> sent_text(text.data(), pieces);

    auto exchange = std::make_unique<upstream::Exchange>(pool, *request.record.forwarded_at);
    const ClientConnection::DepartureWatch watch(request.client, *exchange);
    request.record.attempts = 1;
    auto answered = co_await attempt(*exchange, true, sent_text);
    if (!answered && exchange->is_reused() && !exchange->has_answered() &&
        answered.error().kind == ErrorKind::upstream_closed) {
        // The upstream had closed the connection while it was idle: nobody has seen the request.
        request.record.attempts = 2;
        answered = co_await attempt(*exchange, false, sent_text);
    }
    const Instant now = request.worker.clock().now();
    if (!answered) {
        // A request that an upstream may have seen counts; any other is given back.
        if (exchange->was_sent()) routed.reservation.settle(0, now);
        co_return std::move(answered).failure();
    }

    request.worker.limiter().prefetch(request.record.caller.user, request.record.model->id);
    request.record.answered_at = now;
    if (!is_success(exchange->head().status)) {
        auto failed = co_await error_of_answer(*exchange);
        if (failed) {
            routed.reservation.settle(0, now);
            co_return fail(std::move(*failed));
        }
    }
    co_return Answered{routed.endpoint, std::move(routed.reservation), std::move(exchange)};
}

}  // namespace sluicegate::gateway
