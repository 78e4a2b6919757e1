#include "gateway/error_reply.hpp"

#include "sluicegate/base/log.hpp"
#include "sluicegate/http/head_writer.hpp"

#include "gateway/answer_head.hpp"
#include "gateway/event_writer.hpp"
#include "gateway/limit_fields.hpp"
#include "gateway/stages.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>

namespace sluicegate::gateway {
namespace {

using http::append_field;

constexpr std::string_view client_fault = "invalid_request_error";
constexpr std::string_view server_fault = "server_error";

constexpr std::array<ReplyRow, static_cast<std::size_t>(ErrorKind::count_)> rows{{
    {ErrorKind::bad_request, 400, client_fault, "bad_request", "Malformed HTTP request.", true,
     true},
    {ErrorKind::header_too_large, 431, client_fault, "header_too_large",
     "The request header is too large.", true, true},
    {ErrorKind::uri_too_long, 414, client_fault, "uri_too_long", "The request URL is too long.",
     true, true},
    {ErrorKind::request_timeout, 408, client_fault, "request_timeout",
     "The request did not arrive in time.", false, true},
    {ErrorKind::expectation_failed, 417, client_fault, "expectation_failed",
     "Only \"Expect: 100-continue\" is supported.", true, true},
    {ErrorKind::request_too_large, 413, client_fault, "request_too_large",
     "Request body exceeds % bytes.", false, false},
    {ErrorKind::unsupported_media_type, 415, client_fault, "unsupported_media_type",
     "Unsupported Content-Type for this endpoint.", true, false},
    {ErrorKind::unsupported_encoding, 415, client_fault, "unsupported_media_type",
     "Request bodies must not be compressed (Content-Encoding).", true, false},
    {ErrorKind::unknown_url, 404, client_fault, "unknown_url", "Unknown request URL: %.", true,
     false},
    {ErrorKind::method_not_supported, 405, client_fault, "method_not_supported",
     "% is not supported here.", true, false},
    {ErrorKind::websocket_not_supported, 400, client_fault, "websocket_not_supported",
     "WebSocket connections are not supported.", true, true},
    {ErrorKind::missing_api_key, 401, client_fault, "missing_api_key",
     "No API key provided. Send it as \"Authorization: Bearer KEY\".", true, false},
    {ErrorKind::invalid_authorization_header, 401, client_fault, "invalid_authorization_header",
     "Malformed Authorization header: send exactly one credential, as \"Authorization: Bearer "
     "KEY\".",
     true, false},
    {ErrorKind::invalid_api_key, 401, client_fault, "invalid_api_key",
     "Incorrect API key provided.", true, false},
    {ErrorKind::api_key_expired, 401, client_fault, "api_key_expired", "This API key has expired.",
     true, false},
    {ErrorKind::ip_not_allowed, 403, "permission_error", "ip_not_allowed",
     "Requests from this address are not allowed for this key.", true, false},
    {ErrorKind::invalid_json, 400, client_fault, "invalid_json",
     "The request body is not valid JSON%.", true, false},
    {ErrorKind::invalid_body, 400, client_fault, "invalid_body",
     "The request body is not what this endpoint takes%.", true, false},
    {ErrorKind::duplicate_field, 400, client_fault, "duplicate_field",
     "The request body names \"%\" more than once.", true, false},
    {ErrorKind::invalid_type, 400, client_fault, "invalid_type", "Invalid value for \"%\".", true,
     false},
    {ErrorKind::missing_model, 400, client_fault, "missing_required_parameter",
     "You must provide a \"model\".", true, false},
    {ErrorKind::model_not_found, 404, client_fault, "model_not_found",
     "The model `%` does not exist or you do not have access to it.", true, false},
    {ErrorKind::rate_limited, 429, "rate_limit_error", "429",
     "Rate limit exceeded. Please try again later.", true, false},
    {ErrorKind::upstream_unreachable, 502, server_fault, "upstream_unreachable",
     "Could not reach the upstream provider.", true, false},
    {ErrorKind::upstream_connect_timeout, 504, server_fault, "upstream_connect_timeout",
     "The upstream provider could not be connected to in time.", true, false},
    // Without the mark an SDK would pay for the same long generation three times.
    {ErrorKind::upstream_timeout, 504, server_fault, "upstream_timeout",
     "The upstream did not answer in time.", false, false},
    {ErrorKind::upstream_idle_timeout, 504, server_fault, "upstream_idle_timeout",
     "The upstream stopped in the middle of its answer.", false, false},
    {ErrorKind::upstream_total_timeout, 504, server_fault, "upstream_total_timeout",
     "The upstream did not complete its answer in time.", false, false},
    {ErrorKind::upstream_closed, 502, server_fault, "upstream_closed",
     "The upstream closed the connection.", true, false},
    {ErrorKind::upstream_bad_response, 502, server_fault, "upstream_bad_response",
     "The upstream sent an answer that cannot be used.", true, false},
    {ErrorKind::upstream_failed, 502, server_fault, "upstream_failed",
     "The upstream failed to answer the request%.", true, false},
    {ErrorKind::upstream_auth, 502, server_fault, "upstream_auth_error",
     "The gateway's upstream credentials were rejected.", false, false},
    {ErrorKind::upstream_forbidden, 502, server_fault, "upstream_auth_error",
     "The gateway's upstream credentials were rejected.", false, false},
    {ErrorKind::upstream_quota, 503, server_fault, "upstream_quota_exhausted",
     "The gateway's upstream quota is exhausted.", false, false},
    {ErrorKind::upstream_rate_limited, 429, "rate_limit_error", "upstream_rate_limited",
     "The upstream provider is rate limiting requests.", true, false},
    {ErrorKind::upstream_overloaded, 503, server_fault, "upstream_overloaded",
     "The upstream provider is overloaded.", true, false},
    {ErrorKind::upstream_unknown_model, 502, server_fault, "upstream_unknown_model",
     "The upstream provider does not know the model that this gateway asked it for.", false, false},
    // Replied to by relay.cpp with the upstream's own words; this row serves as its default.
    {ErrorKind::upstream_rejected, 400, client_fault, "upstream_rejected",
     "The upstream refused the request%.", true, false},
    {ErrorKind::no_upstream, 503, server_fault, "no_upstream_available",
     "No upstream is currently available for this model.", true, false},
    {ErrorKind::overloaded, 503, server_fault, "gateway_overloaded", "The gateway is overloaded.",
     true, true},
    {ErrorKind::draining, 503, server_fault, "gateway_draining", "The gateway is restarting.", true,
     true},
    {ErrorKind::internal, 500, server_fault, "internal_error", "Internal gateway error.", true,
     false},
    // Nobody is there to read it: 499 is what the log says.
    {ErrorKind::client_gone, 499, client_fault, "client_gone", "The client left.", true, true},
}};

constexpr bool rows_stand_in_order() {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].kind != static_cast<ErrorKind>(i)) return false;
    }
    return true;
}
static_assert(rows_stand_in_order(), "one row for each ErrorKind, in the order of the enum");

std::string message_of(const ReplyRow& row, const Error& error) {
    std::string subject = error.subject;
    if (row.kind == ErrorKind::invalid_json) {
        subject = subject.empty() ? "" : " (offset " + subject + ")";
    } else if (row.kind == ErrorKind::upstream_failed || row.kind == ErrorKind::upstream_rejected) {
        subject = subject.empty() ? "" : ": " + subject;
    } else if (row.kind == ErrorKind::invalid_body) {
        subject = subject.empty() ? "" : " (" + subject + ")";
    }
    // The subject is "METHOD PATH", as for an unknown URL.
    if (const auto space = subject.find(' ');
        row.kind == ErrorKind::method_not_supported && space != std::string::npos) {
        return subject.substr(0, space) + " is not supported for" + subject.substr(space) + ".";
    }
    std::string message(row.message);
    if (const auto at = message.find('%'); at != std::string::npos) message.replace(at, 1, subject);
    return message;
}

std::string_view parameter_of(const Error& error) {
    switch (error.kind) {
        case ErrorKind::missing_model:
        case ErrorKind::model_not_found: return "model";
        case ErrorKind::duplicate_field:
        case ErrorKind::invalid_type: return error.subject;
        default: return {};
    }
}

/// RFC 9110, 11.6.1: a 401 says how to authenticate; RFC 6750, 3.1 has the error codes.
std::string_view challenge_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::missing_api_key: return "Bearer realm=\"sluicegate\"";
        case ErrorKind::invalid_authorization_header:
            return "Bearer realm=\"sluicegate\", error=\"invalid_request\"";
        case ErrorKind::invalid_api_key:
            return "Bearer realm=\"sluicegate\", error=\"invalid_token\"";
        case ErrorKind::api_key_expired:
            return "Bearer realm=\"sluicegate\", error=\"invalid_token\", "
                   "error_description=\"expired\"";
        default: return {};
    }
}

constexpr Milliseconds default_wait{1000};

RetryAdvice advice_for(const Request& request, const Error& error) {
    switch (error.kind) {
        case ErrorKind::rate_limited:
            return retry_advice_of(*request.record.decision, request.worker.random());
        case ErrorKind::upstream_rate_limited:
        case ErrorKind::upstream_overloaded:
        case ErrorKind::no_upstream:
        case ErrorKind::overloaded:
        case ErrorKind::draining: {
            const Milliseconds wait = std::max(error.retry_after, default_wait);
            return {.wait = wait, .may_retry = wait <= sdk_wait_max};
        }
        default: return {.wait = error.retry_after, .may_retry = error.retry_after <= sdk_wait_max};
    }
}

void append_retry_advice(std::string& out, const Request& request, const Error& error,
                         bool may_sdk_retry) {
    if (error.kind == ErrorKind::rate_limited) {
        append_field(out, "x-sluicegate-limit", name_of(request.record.decision->refused_by));
    }
    const RetryAdvice advice = advice_for(request, error);
    if (advice.wait > Milliseconds(0)) append_retry_after(out, advice.wait);
    if (!may_sdk_retry || !advice.may_retry) append_field(out, "x-should-retry", "false");
}

void log_failure(const Request& request, const Error& error) {
    if (fault_of(error.kind) == Fault::client) return;
    log::warn("request_failed", error.detail,
              {{"request_id", request.id.text()}, {"error", sluicegate::name_of(error.kind)}});
}

}  // namespace

const ReplyRow& reply_row(ErrorKind kind) noexcept {
    return rows[static_cast<std::size_t>(kind)];
}

openai::ApiError api_error_of(const Error& error) {
    const ReplyRow& row = reply_row(error.kind);
    return {.message = message_of(row, error),
            .type = std::string(row.type),
            .code = std::string(row.code),
            .param = std::string(parameter_of(error))};
}

net::Task<bool> reply_error(Request& request, Error&& error) {
    const ReplyRow& row = reply_row(error.kind);
    request.record.status = row.status;
    request.record.error = error.kind;
    request.record.error_detail = error.detail;
    if (error.kind == ErrorKind::client_gone || request.client.has_gone()) {
        request.record.status = reply_row(ErrorKind::client_gone).status;
        request.record.error = ErrorKind::client_gone;
        co_return false;
    }
    log_failure(request, error);
    if (request.events && request.events->has_begun()) {
        request.record.status = 200;
        co_await request.events->fail(error);
        co_return false;
    }

    std::string written;
    std::string_view body = openai::rate_limit_body;
    if (error.kind != ErrorKind::rate_limited) {
        written = openai::error_body(api_error_of(error));
        body = written;
    }
    std::string& out = request.client.answer_text();
    begin_answer(out, request, row.status);
    append_field(out, "content-type", "application/json");
    if (const auto challenge = challenge_of(error.kind); !challenge.empty()) {
        append_field(out, "www-authenticate", challenge);
    }
    if (error.kind == ErrorKind::method_not_supported && request.has_head) {
        const auto allowed = openai::allowed_methods(request.head().path);
        if (!allowed.empty()) append_field(out, "allow", allowed);
    }
    if (error.kind == ErrorKind::unsupported_encoding) {
        append_field(out, "accept-encoding", "identity");
    }
    if (error.kind == ErrorKind::rate_limited) append_limits(out, request);
    append_retry_advice(out, request, error, row.may_sdk_retry);
    append_route(out, request);
    co_return co_await write_complete(request, out, body, row.must_close);
}

}  // namespace sluicegate::gateway
