#include "sluicegate/provider/request_head.hpp"

#include "sluicegate/base/wipe_scope.hpp"
#include "sluicegate/config/pass_headers.hpp"
#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/http/syntax.hpp"
#include "sluicegate/provider/fields.hpp"
#include "sluicegate/provider/target.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluicegate::provider {
namespace {

/// The only fields of a client that reach an upstream, but for those of `pass_headers`. Everything
/// else stays here: credentials, cookies, hop-by-hop fields and what they nominate, the client's
/// address.
constexpr std::array<std::string_view, 5> passed_fields{
    "accept", "openai-beta", "x-client-request-id", "traceparent", "tracestate"};

constexpr std::string_view idempotency_field = "idempotency-key";
constexpr std::string_view content_type_field = "content-type";

bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

/// Named by a Connection field of the client: it means this connection alone (RFC 9110, 7.6.1).
bool is_nominated(const http::FieldTable& fields, std::string_view name) {
    for (const http::Field& field : fields) {
        if (!http::equals_ignoring_case(field.name, "connection")) continue;
        std::string_view list = field.value;
        while (!list.empty()) {
            std::string_view option = list.substr(0, list.find(','));
            list.remove_prefix(std::min(option.size() + 1, list.size()));
            while (!option.empty() && is_blank(option.front())) option.remove_prefix(1);
            while (!option.empty() && is_blank(option.back())) option.remove_suffix(1);
            if (http::equals_ignoring_case(option, name)) return true;
        }
    }
    return false;
}

/// The value holds the key that the client has sent.
bool holds_credential(const http::FieldTable& fields, std::string_view value) {
    for (const http::Field& field : fields) {
        std::string_view key = field.value;
        if (http::equals_ignoring_case(field.name, "authorization")) {
            key.remove_prefix(std::min(key.rfind(' ') + 1, key.size()));
        } else if (!http::equals_ignoring_case(field.name, "api-key") &&
                   !http::equals_ignoring_case(field.name, "x-api-key") &&
                   !http::equals_ignoring_case(field.name, "x-goog-api-key")) {
            continue;
        }
        if (!key.empty() && value.find(key) != std::string_view::npos) return true;
    }
    return false;
}

bool is_always_passed(std::string_view name) {
    return std::find(passed_fields.begin(), passed_fields.end(), name) != passed_fields.end();
}

/// What the operator lets through besides, each line as it came.
void append_configured(std::string& out, const RequestParts& parts) {
    const config::Upstream& upstream = parts.upstream;
    bool has_user_agent = false;
    for (const http::Field& field : parts.head.fields) {
        std::string name(field.name);
        std::transform(name.begin(), name.end(), name.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
        if (!config::is_passed_header(upstream.pass_headers, name)) continue;
        const bool is_ours =
            is_always_passed(name) || sets_field(upstream, name) || name == upstream.api_key_header;
        if (is_ours || !config::may_pass_header(name) || is_nominated(parts.head.fields, name) ||
            holds_credential(parts.head.fields, field.value)) {
            continue;
        }
        has_user_agent = has_user_agent || name == "user-agent";
        http::append_field(out, name, field.value);
    }
    const bool needs_own = !has_user_agent && !sets_field(upstream, "user-agent") &&
                           config::is_passed_header(upstream.pass_headers, "user-agent");
    if (needs_own) http::append_field(out, "user-agent", own_user_agent);
}

void append_content_type(std::string& out, std::string_view boundary) {
    if (boundary.empty()) {
        http::append_field(out, content_type_field, "application/json");
        return;
    }
    // Those of a boundary's characters that a token may not hold (RFC 9110, 5.6.2).
    const bool needs_quotes = boundary.find_first_of("(),/:=? ") != std::string_view::npos;
    std::string value = "multipart/form-data; boundary=";
    if (needs_quotes) value += '"';
    value += boundary;
    if (needs_quotes) value += '"';
    http::append_field(out, content_type_field, value);
}

}  // namespace

void append_request_head(std::string& out, const RequestParts& parts) {
    // The key is among the fields: the text must not leave copies behind when it grows.
    const WipeScope wipes;
    out += "POST ";
    append_target(out, parts.upstream, parts.endpoint, parts.asked, parts.model, parts.query);
    out += " HTTP/1.1\r\n";
    out += parts.fixed_fields;
    http::append_field(out, "x-request-id", parts.request_id);
    if (!sets_field(parts.upstream, content_type_field)) append_content_type(out, parts.boundary);
    for (const std::string_view name : passed_fields) {
        const auto value = parts.head.fields.find(name);
        if (value && !sets_field(parts.upstream, name)) http::append_field(out, name, *value);
    }
    if (!parts.idempotency_key.empty() && !sets_field(parts.upstream, idempotency_field)) {
        http::append_field(out, idempotency_field, parts.idempotency_key);
    }
    if (!parts.upstream.pass_headers.empty()) append_configured(out, parts);
    http::append_field(out, "content-length", static_cast<std::int64_t>(parts.body_bytes));
    http::append_head_end(out);
}

}  // namespace sluicegate::provider
