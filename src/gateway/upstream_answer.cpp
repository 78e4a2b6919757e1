#include "gateway/upstream_answer.hpp"

#include "sluicegate/openai/normalise_error.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
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

bool is_quota_error(std::string_view content_type, std::string_view body) {
    const openai::ApiError error = openai::normalise_error(429, content_type, body);
    return error.type == "insufficient_quota" || error.code == "insufficient_quota" ||
           error.code == "credit_balance_exhausted" ||
           (error.code.ends_with("_limit_exceeded") && error.code != "rate_limit_exceeded");
}

}  // namespace

Milliseconds retry_after_of(const http::FieldTable& fields) {
    for (const std::string_view name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
        if (const auto value = fields.find(name)) {
            if (const auto number = non_negative_number(*value)) return bounded(*number);
        }
    }
    if (const auto value = fields.find("retry-after")) {
        if (const auto number = non_negative_number(*value)) return bounded(*number * 1000);
    }
    return Milliseconds(0);
}

net::Task<std::optional<Error>> error_of_answer(upstream::Exchange& exchange) {
    const unsigned status = exchange.head().status;
    if (is_success(status)) co_return std::nullopt;

    Error error{.kind = ErrorKind::upstream_failed,
                .detail = exchange.settings().name + " answered " + std::to_string(status),
                .subject = {},
                .retry_after = retry_after_of(exchange.head().fields)};
    if (status < 400) {
        error.kind = ErrorKind::upstream_bad_response;  // redirects are never followed
    } else if (status == 401 || status == 403 || status == 407) {
        error.kind = ErrorKind::upstream_auth;
    } else if (status == 402) {
        error.kind = ErrorKind::upstream_quota;
    } else if (status == 429) {
        const std::string content_type(
            exchange.head().fields.find("content-type").value_or(std::string_view()));
        const std::string_view body = co_await beginning_of_body(exchange);
        error.kind = is_quota_error(content_type, body) ? ErrorKind::upstream_quota
                                                        : ErrorKind::upstream_rate_limited;
    } else if (status == 503 || status == 529) {
        error.kind = ErrorKind::upstream_overloaded;
    } else if (status < 500) {
        co_return std::nullopt;
    }
    co_return error;
}

}  // namespace sluicegate::gateway
