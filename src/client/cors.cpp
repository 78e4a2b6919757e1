#include "sluicegate/client/cors.hpp"

#include "sluicegate/client/answer_head.hpp"
#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/http/syntax.hpp"
#include "sluicegate/openai/endpoints.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>

namespace sluicegate::client {
namespace {

using http::append_field;

/// Those of an answer that a page may not read otherwise.
constexpr std::string_view exposed_fields =
    "x-request-id, retry-after, retry-after-ms, x-should-retry, x-ratelimit-limit-requests, "
    "x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-tokens, "
    "x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens, x-ratelimit-limit-concurrency, "
    "x-ratelimit-remaining-concurrency, ratelimit, ratelimit-policy, "
    "x-sluicegate-limit, x-sluicegate-dry-run, x-sluicegate-requested-tokens, "
    "x-sluicegate-upstream, x-sluicegate-attempts, x-upstream-request-id, openai-processing-ms, "
    "openai-version, openai-poll-after-ms, content-disposition, www-authenticate, allow, date";

/// Of a path that has no endpoint: the real request then says so.
constexpr std::string_view any_method = "GET, HEAD, POST, PUT, PATCH, DELETE";

constexpr std::size_t requested_fields_bytes_max = 4096;

const config::Cors* cors_of(const Exchange& exchange) noexcept {
    const auto& cors = exchange.settings.server->cors;
    return cors ? &*cors : nullptr;
}

/// Of the request; nothing where it has none, or several.
std::optional<std::string_view> origin_of(const Exchange& exchange) {
    if (!exchange.has_head) return std::nullopt;
    const http::FieldTable& fields = exchange.head().fields;
    const auto origin = fields.find("origin");
    if (!origin || fields.count("origin") != 1) return std::nullopt;
    return origin;
}

/// What to answer in Access-Control-Allow-Origin; empty: nothing.
std::string_view allowed_origin(const Exchange& exchange, const config::Cors& cors) {
    const auto is_any = [](const config::OriginPattern& pattern) { return pattern.is_any(); };
    if (std::ranges::any_of(cors.origins, is_any)) return "*";
    const auto origin = origin_of(exchange);
    if (!origin) return {};
    const auto matches = [&](const config::OriginPattern& pattern) {
        return pattern.matches(*origin);
    };
    return std::ranges::any_of(cors.origins, matches) ? *origin : std::string_view();
}

/// Names of fields, separated by commas, as they are repeated to the browser.
bool is_list_of_names(std::string_view text) {
    if (text.size() > requested_fields_bytes_max) return false;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        std::string_view name = text.substr(0, comma);
        text.remove_prefix(std::min(comma + 1, text.size()));
        while (name.starts_with(' ')) name.remove_prefix(1);
        while (name.ends_with(' ')) name.remove_suffix(1);
        if (!http::is_token(name)) return false;
    }
    return true;
}

}  // namespace

void append_cors(std::string& out, const Exchange& exchange) {
    const config::Cors* const cors = cors_of(exchange);
    if (cors == nullptr) return;
    append_field(out, "vary", "Origin");
    const std::string_view origin = allowed_origin(exchange, *cors);
    if (origin.empty()) return;
    append_field(out, "access-control-allow-origin", origin);
    append_field(out, "access-control-expose-headers", exposed_fields);
}

bool is_preflight(const Exchange& exchange) {
    if (exchange.head().method != http::Method::options || cors_of(exchange) == nullptr) {
        return false;
    }
    const http::FieldTable& fields = exchange.head().fields;
    return fields.find("origin") && fields.find("access-control-request-method");
}

bool allows_origin(const Exchange& exchange) {
    return !allowed_origin(exchange, *cors_of(exchange)).empty();
}

net::Task<bool> answer_preflight(Exchange& exchange) {
    const config::Cors& cors = *cors_of(exchange);
    const http::RequestHead& head = exchange.head();
    exchange.sent.status = 204;
    std::string& out = exchange.connection.answer_text();
    begin_answer(out, exchange, 204);
    append_field(out, "vary", "Access-Control-Request-Method, Access-Control-Request-Headers");
    const std::string_view methods = openai::allowed_methods(head.path);
    append_field(out, "access-control-allow-methods", methods.empty() ? any_method : methods);
    const auto fields = head.fields.find("access-control-request-headers");
    if (fields && !fields->empty() && is_list_of_names(*fields)) {
        append_field(out, "access-control-allow-headers", *fields);
    }
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(cors.max_age);
    append_field(out, "access-control-max-age", static_cast<std::int64_t>(age.count()));
    return write_complete(exchange, out, {}, false);
}

}  // namespace sluicegate::client
