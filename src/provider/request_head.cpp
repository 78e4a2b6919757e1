#include "sluicegate/provider/request_head.hpp"

#include "sluicegate/base/wipe_scope.hpp"
#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/provider/fields.hpp"
#include "sluicegate/provider/target.hpp"

#include <array>
#include <cstdint>

namespace sluicegate::provider {
namespace {

/// The only fields of a client that reach an upstream. Everything else stays here: credentials,
/// cookies, hop-by-hop fields and what they nominate, the client's address.
constexpr std::array<std::string_view, 5> passed_fields{
    "accept", "openai-beta", "x-client-request-id", "traceparent", "tracestate"};

constexpr std::string_view idempotency_field = "idempotency-key";
constexpr std::string_view content_type_field = "content-type";

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
    append_target(out, parts.upstream, parts.endpoint, parts.asked, parts.model, parts.head.query);
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
    http::append_field(out, "content-length", static_cast<std::int64_t>(parts.body_bytes));
    http::append_head_end(out);
}

}  // namespace sluicegate::provider
