#include "sluicegate/client/error_reply.hpp"

#include "sluicegate/base/failure_table.hpp"
#include "sluicegate/base/log.hpp"
#include "sluicegate/client/answer_head.hpp"
#include "sluicegate/client/event_writer.hpp"
#include "sluicegate/client/limit_fields.hpp"
#include "sluicegate/http/content_coding.hpp"
#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/openai/endpoints.hpp"
#include "sluicegate/openai/likely_cause.hpp"

#include "client/http2_refusal.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluicegate::client {
namespace {

using http::append_field;

std::string_view first_word(std::string_view text) {
    return text.substr(0, text.find(' '));
}

std::string_view rest_of(std::string_view text) {
    return text.substr(std::min(first_word(text).size() + 1, text.size()));
}

/// What stands for `name` in the message of a reply.
std::string_view part_of(const Error& error, std::string_view name) {
    if (name == "subject") return error.subject;
    if (name == "word") return first_word(error.subject);
    if (name == "rest") return rest_of(error.subject);
    if (name == "cause") return openai::likely_cause(rest_of(error.subject));
    assert(name == "upstream");
    return error.upstream_words.text();
}

std::string message_of(std::string_view form, const Error& error) {
    std::string message;
    std::optional<std::size_t> optional_from;  // of the message, inside square brackets
    bool is_complete = true;
    while (!form.empty()) {
        const std::string_view text = form.substr(0, form.find_first_of("[]{"));
        message += text;
        form.remove_prefix(text.size());
        if (form.empty()) break;
        const char mark = form.front();
        form.remove_prefix(1);
        if (mark == '[') {
            optional_from = message.size();
            is_complete = true;
        } else if (mark == ']') {
            if (!is_complete) message.resize(*optional_from);
        } else {
            const std::string_view part = part_of(error, form.substr(0, form.find('}')));
            if (part.empty()) is_complete = false;
            message += part;
            form.remove_prefix(form.find('}') + 1);
        }
    }
    return message;
}

std::string_view parameter_of(const FailureReply& reply, const Error& error) {
    switch (reply.parameter) {
        case WrongParameter::none: return {};
        case WrongParameter::model: return "model";
        case WrongParameter::subject: return error.subject;
        case WrongParameter::word: return first_word(error.subject);
        case WrongParameter::rest: return rest_of(error.subject);
    }
    return {};
}

RetryAdvice advice_for(const Exchange& exchange, const Error& error) {
    Milliseconds wait = error.retry_after;
    switch (failure_row(error.kind).reply.sdk_retry) {
        case SdkRetry::never: return {.wait = wait, .may_retry = false};
        case SdkRetry::allowed: break;
        case SdkRetry::after_a_second: wait = std::max(wait, Milliseconds(1000)); break;
        case SdkRetry::by_the_limit:
            return retry_advice_of(*exchange.notes.decision, exchange.context().randomness.next());
    }
    return {.wait = wait, .may_retry = wait <= sdk_wait_max};
}

void append_retry_advice(std::string& out, const Exchange& exchange, const Error& error) {
    if (error.kind == ErrorKind::rate_limited) {
        append_refusal(out, *exchange.notes.decision, exchange.notes.requested_tokens);
    }
    const RetryAdvice advice = advice_for(exchange, error);
    if (advice.wait > Milliseconds(0)) append_retry_after(out, advice.wait);
    if (!advice.may_retry) append_field(out, "x-should-retry", "false");
}

void log_failure(const Exchange& exchange, const Error& error) {
    if (fault_of(error.kind) == Fault::client) return;
    // Of strangers the access log says enough, and it sums them up.
    if (error.kind == ErrorKind::overloaded && !exchange.connection.is_known()) return;
    log::warn("request_failed", error.detail,
              {{"request_id", exchange.id.text()}, {"error", sluicegate::name_of(error.kind)}});
}

/// The body is fixed, but for the code where the operator wants a text, and for the words where
/// waiting is vain.
std::string rejection_body(const Exchange& exchange) {
    const bool has_text_code =
        exchange.settings.limiter->rejection_code == config::RejectionCode::text;
    const std::string vain =
        vain_wait_message(*exchange.notes.decision, exchange.notes.requested_tokens);
    return openai::rejection_body(vain, has_text_code);
}

}  // namespace

openai::ApiError api_error_of(const Error& error) {
    const FailureReply& reply = failure_row(error.kind).reply;
    return {.message = message_of(reply.message, error),
            .type = std::string(reply.type),
            .code = std::string(reply.code),
            .param = std::string(parameter_of(reply, error))};
}

void note_failure(Exchange& exchange, const Error& error) {
    exchange.sent.error = error.kind;
    exchange.sent.error_detail = error.detail;
    log_failure(exchange, error);
}

net::Task<bool> reply_error(Exchange& exchange, const Error& error) {
    const FailureReply& reply = failure_row(error.kind).reply;
    // In a stream that has begun, the status is with the client already.
    const bool has_begun = exchange.events && exchange.events->has_begun();
    exchange.sent.status = has_begun ? 200 : reply.status;
    exchange.sent.error = error.kind;
    exchange.sent.error_detail = error.detail;
    if (error.kind == ErrorKind::client_gone || exchange.connection.has_gone()) {
        if (!has_begun) exchange.sent.status = failure_row(ErrorKind::client_gone).reply.status;
        exchange.sent.error = exchange.connection.why_ended();
        co_return false;
    }
    log_failure(exchange, error);
    if (has_begun) {
        co_await exchange.events->fail(error);
        co_return false;
    }

    if (error.kind == ErrorKind::http_version_not_supported) {
        openai::ApiError told = api_error_of(error);
        std::string json = openai::error_body(told);
        co_await refuse_http2(exchange, reply.status, std::move(json), std::move(told.message));
        co_return false;
    }

    const std::string body = error.kind == ErrorKind::rate_limited
                                 ? rejection_body(exchange)
                                 : openai::error_body(api_error_of(error));
    std::string& out = exchange.connection.answer_text();
    begin_answer(out, exchange, reply.status);
    append_field(out, "content-type", "application/json");
    if (!reply.challenge.empty()) append_field(out, "www-authenticate", reply.challenge);
    if (error.kind == ErrorKind::method_not_supported && exchange.has_head) {
        const auto allowed = openai::allowed_methods(exchange.head().path);
        if (!allowed.empty()) append_field(out, "allow", allowed);
    }
    // RFC 9110, 15.5.22: what the client should speak.
    if (error.kind == ErrorKind::websocket_not_supported) append_field(out, "upgrade", "HTTP/1.1");
    if (error.kind == ErrorKind::unsupported_encoding) {
        append_field(out, "accept-encoding", http::decoded_codings);
    }
    if (error.kind == ErrorKind::rate_limited) append_limits(out, exchange);
    append_retry_advice(out, exchange, error);
    append_route(out, exchange);
    const bool must_close = reply.connection == ConnectionAfter::ends;
    co_return co_await write_complete(exchange, out, body, must_close);
}

}  // namespace sluicegate::client
