#include "gateway/upstream_answer.hpp"

#include "sluicegate/http/syntax.hpp"
#include "sluicegate/openai/normalise_error.hpp"
#include "sluicegate/openai/reset_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <string>
#include <utility>

namespace sluicegate::gateway {
namespace {

/// Longer waits are cut: what an upstream says must not keep a client away for days.
constexpr Milliseconds wait_max = std::chrono::hours(1);
constexpr std::size_t judged_body_bytes_max = 64 * 1024;

std::optional<double> non_negative_number(std::string_view text) {
    double value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    if (!(value >= 0) || std::isinf(value)) return std::nullopt;
    return value;
}

Milliseconds bounded(double milliseconds) {
    const auto most = static_cast<double>(wait_max.count());
    return Milliseconds(static_cast<std::int64_t>(std::min(milliseconds, most)));
}

/// The beginning of the body, as far as it arrives before something goes wrong.
net::Task<std::string_view> beginning_of_body(upstream::Exchange& exchange) {
    while (!exchange.is_complete() && exchange.body().size() < judged_body_bytes_max) {
        auto received = co_await exchange.receive_body(judged_body_bytes_max);
        if (!received) break;
    }
    co_return exchange.body();
}

bool has_media_type(const http::ResponseHead& head, std::string_view expected) noexcept {
    const std::string_view value = head.fields.find("content-type").value_or(std::string_view());
    if (!http::equals_ignoring_case(value.substr(0, expected.size()), expected)) return false;
    const std::string_view rest = value.substr(expected.size());
    return rest.empty() || rest.front() == ';' || rest.front() == ' ';
}

bool is_quota_error(const openai::ApiError& error) {
    return error.type == "insufficient_quota" || error.code == "insufficient_quota" ||
           error.code == "credit_balance_exhausted" ||
           (error.code.ends_with("_limit_exceeded") && error.code != "rate_limit_exceeded");
}

/// By the words that OpenAI, Azure, Anthropic, vLLM and llama.cpp use for the same.
ErrorKind kind_of(const openai::ApiError& error) {
    const auto is_any = [](std::string_view text, std::initializer_list<std::string_view> names) {
        return std::ranges::find(names, text) != names.end();
    };
    if (is_quota_error(error)) return ErrorKind::upstream_quota;
    if (is_any(error.type, {"rate_limit_error", "tokens", "requests"}) ||
        is_any(error.code, {"rate_limit_exceeded", "429"})) {
        return ErrorKind::upstream_rate_limited;
    }
    if (is_any(error.type, {"overloaded_error", "unavailable_error", "overloaded"}) ||
        is_any(error.code, {"503", "529"})) {
        return ErrorKind::upstream_overloaded;
    }
    if (is_any(error.type, {"authentication_error", "permission_error"})) {
        return ErrorKind::upstream_auth;
    }
    if (is_any(error.type, {"invalid_request_error", "BadRequestError", "NotFoundError",
                            "not_found_error", "exceed_context_size_error"}) ||
        is_any(error.code, {"400", "404", "413", "422"})) {
        return ErrorKind::upstream_rejected;
    }
    return ErrorKind::upstream_failed;
}

/// What `read` finds in the first `data:` line in which it finds anything.
template <class Read>
std::optional<openai::ApiError> first_error(std::string_view events, Read read) {
    constexpr std::string_view field = "data:";
    while (!events.empty()) {
        const std::string_view line = events.substr(0, events.find_first_of("\r\n"));
        if (line.starts_with(field)) {
            if (auto told = read(line.substr(field.size()))) return told;
        }
        events.remove_prefix(std::min(line.size() + 1, events.size()));
    }
    return std::nullopt;
}

}  // namespace

bool is_event_stream(const http::ResponseHead& head) noexcept {
    return is_success(head.status) && has_media_type(head, "text/event-stream");
}

bool is_json(const http::ResponseHead& head) noexcept {
    return has_media_type(head, "application/json");
}

bool is_compressed(const http::ResponseHead& head) noexcept {
    const auto encoding = head.fields.find("content-encoding");
    if (!encoding || http::equals_ignoring_case(*encoding, "identity")) return false;
    return is_json(head) || is_event_stream(head);
}

Milliseconds retry_after_of(const http::FieldTable& fields, WallTime now) {
    for (const std::string_view name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
        if (const auto value = fields.find(name)) {
            if (const auto number = non_negative_number(*value)) return bounded(*number);
        }
    }
    if (const auto value = fields.find("retry-after")) {
        if (const auto wait = openai::parse_reset(*value, now)) return std::min(*wait, wait_max);
    }
    return Milliseconds(0);
}

net::Task<std::optional<Error>> error_of_answer(upstream::Exchange& exchange, WallTime now) {
    const unsigned status = exchange.head().status;
    if (is_success(status)) co_return std::nullopt;

    Error error{.kind = ErrorKind::upstream_failed,
                .detail = exchange.settings().name + " answered " + std::to_string(status),
                .subject = {},
                .retry_after = retry_after_of(exchange.head().fields, now)};
    if (status < 400) {
        error.kind = ErrorKind::upstream_bad_response;  // redirects are never followed
    } else if (status == 403) {
        error.kind = ErrorKind::upstream_forbidden;
    } else if (status == 401 || status == 407) {
        error.kind = ErrorKind::upstream_auth;
    } else if (status == 402) {
        error.kind = ErrorKind::upstream_quota;
    } else if (status == 429) {
        const std::string content_type(
            exchange.head().fields.find("content-type").value_or(std::string_view()));
        const std::string_view body = co_await beginning_of_body(exchange);
        error.kind = is_quota_error(openai::normalise_error(429, content_type, body))
                         ? ErrorKind::upstream_quota
                         : ErrorKind::upstream_rate_limited;
        if (error.retry_after == Milliseconds(0)) {
            const auto told = openai::retry_delay_in(body);
            error.retry_after = std::min(told.value_or(Milliseconds(0)), wait_max);
        }
    } else if (status == 503 || status == 529) {
        error.kind = ErrorKind::upstream_overloaded;
    } else if (status < 500) {
        co_return std::nullopt;
    }
    co_return error;
}

Error error_of_events(const std::string& upstream, std::string_view events) {
    const auto told = first_error(events, openai::error_in);
    return {.kind = told ? kind_of(*told) : ErrorKind::upstream_failed,
            .detail = upstream + " began its stream with an error",
            .subject = told ? told->message : std::string(),
            .retry_after = Milliseconds(0)};
}

std::optional<Error> failure_in_events(const std::string& upstream, std::string_view events) {
    const auto told = first_error(events, openai::error_in_response);
    if (!told) return std::nullopt;
    Error error{.kind = kind_of(*told),
                .detail = upstream + " began its stream with a failed response",
                .subject = told->message,
                .retry_after = Milliseconds(0)};
    // Its other codes are about the prompt and its files.
    if (error.kind == ErrorKind::upstream_failed && told->code != "server_error") {
        return std::nullopt;
    }
    return error;
}

bool is_unknown_model(const openai::ApiError& error) {
    return error.code == "DeploymentNotFound";
}

bool refuses_stream_options(std::string_view body) {
    const auto names = [body](std::string_view text) { return body.find(text) != body.npos; };
    return names("stream_options") || names("include_usage") || names("continuous_usage_stats");
}

}  // namespace sluicegate::gateway
