#include "gateway/access_line.hpp"

#include "sluicegate/auth/credentials.hpp"
#include "sluicegate/base/json_text.hpp"
#include "sluicegate/base/log.hpp"
#include "sluicegate/config/address.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace sluicegate::gateway {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

/// Only where there is a text.
void append_text(std::string& out, std::string_view name, std::string_view value) {
    if (!value.empty()) append_json_member(out, name, value);
}

std::int64_t micros_between(Instant from, Instant to) {
    return duration_cast<microseconds>(to - from).count();
}

void append_limits(std::string& out, const client::AnswerNotes& notes) {
    const std::optional<limit::Decision>& decision = notes.decision;
    if (!decision) return;
    if (decision->refused_by != limit::Resource::none) {
        append_text(out, "limit", limit::name_of(decision->refused_by));
        append_json_member(out, "requested_tokens", notes.requested_tokens);
    }
    if (decision->would_refuse != limit::Resource::none) {
        append_text(out, "dry_run", limit::name_of(decision->would_refuse));
    }
}

void append_usage(std::string& out, const Request& request) {
    const Record& record = request.record;
    if (record.usage_source == UsageSource::none) return;
    append_json_member(out, "input_tokens", record.usage.input);
    append_json_member(out, "output_tokens", record.usage.output);
    const auto append_part = [&](std::string_view name, std::int64_t value) {
        if (value != 0) append_json_member(out, name, value);
    };
    append_part("cached_input_tokens", record.usage.cached_input);
    append_part("cache_write_tokens", record.usage.cache_write);
    append_part("reasoning_tokens", record.usage.reasoning);
    append_part("audio_ms", record.usage.audio_ms);
    append_text(out, "usage_source", name_of(record.usage_source));
    append_json_member(out, "settled_tokens", record.settled_tokens);
    if (!request.config().redaction.finds_any_in(record.finish_reason)) {
        append_text(out, "finish_reason", record.finish_reason);
    }
    if (record.output_deltas > 1) {
        append_json_member(out, "inter_token_us",
                           duration_cast<microseconds>(inter_token_time(record)).count());
    }
}

/// The first line of a head that cannot be read, as far as it has arrived.
struct FirstLine {
    std::string_view method;
    std::string_view path;
};

FirstLine first_line_of(std::string_view arrived) {
    constexpr std::size_t method_bytes_max = 16;
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
    const std::size_t begin = std::min(arrived.find_first_not_of("\r\n"), arrived.size());
    arrived.remove_prefix(begin);
    const std::string_view line = arrived.substr(0, arrived.find_first_of("\r\n"));
    const std::size_t method_end = line.find_first_not_of(letters);
    // Anything but a request: a TLS handshake, for instance.
    if (method_end == std::string_view::npos || method_end == 0) return {};
    if (method_end > method_bytes_max || line[method_end] != ' ') return {};
    const std::string_view target = line.substr(method_end + 1);
    return {.method = line.substr(0, method_end),
            .path = target.substr(0, target.find_first_of(" ?#"))};
}

/// Some clients put their key into the URL.
bool may_tell(const Request& request, std::string_view path) {
    if (request.config().redaction.finds_any_in(path)) return false;
    if (!request.client.has_head) return true;
    auth::PresentedCredentials presented;
    for (const http::Field& field : request.client.head().fields) {
        presented.take(field.name, field.value);
    }
    const auto key = auth::credential_of(presented);
    return !key || path.find(*key) == std::string_view::npos;
}

/// As the client writes it.
void append_user_agent(std::string& out, const Request& request) {
    constexpr std::size_t user_agent_bytes_max = 128;
    if (!request.client.has_head) return;
    const auto value = request.client.head().fields.find("user-agent");
    if (!value || value->empty()) return;
    append_text(out, "user_agent", value->substr(0, user_agent_bytes_max));
}

std::string_view endpoint_name(const Record& record) {
    if (record.is_preflight) return "preflight";
    return record.endpoint ? openai::name_of(*record.endpoint) : std::string_view("unknown");
}

/// True when the request is one of many that showed no valid key, and is summed up with them.
bool is_repeated(const Request& request, Instant now) {
    const client::Sent& sent = request.client.sent;
    return !request.worker.repeated_lines.note({.address = request.address(),
                                                .reason = *sent.error,
                                                .status = sent.status,
                                                .id = request.client.id,
                                                .endpoint = endpoint_name(request.record)},
                                               now);
}

}  // namespace

void note_asked(Request& request, std::string_view model) {
    constexpr std::size_t path_bytes_max = 256;
    constexpr std::size_t model_bytes_max = 128;
    FirstLine line;
    if (request.client.has_head) {
        const http::RequestHead& head = request.client.head();
        line = {.method = http::name_of(head.method), .path = head.path};
    } else {
        line = first_line_of(request.client.connection.in().unread());
    }
    std::string& out = request.record.asked;
    out.clear();
    append_text(out, "method", line.method);
    if (may_tell(request, line.path)) {
        append_text(out, "path", line.path.substr(0, path_bytes_max));
    }
    if (may_tell(request, model)) append_text(out, "asked_model", model.substr(0, model_bytes_max));
    append_user_agent(out, request);
}

void append_access_line(std::string& out, const Request& request, Instant now) {
    const Record& record = request.record;
    const client::Sent& sent = request.client.sent;
    if (!record.has_caller() && sent.error && is_repeated(request, now)) return;
    const auto wall = request.worker.clock().wall_now().time_since_epoch();
    log::append_beginning(out, duration_cast<microseconds>(wall).count(), log::Level::info,
                          "access");
    append_text(out, "request_id", request.client.id.text());
    append_text(out, "client", config::IpAddress(request.address()).text());
    const net::AddressBytes& peer = request.client.connection.peer();
    if (peer != request.address()) append_text(out, "peer", config::IpAddress(peer).text());
    append_text(out, "endpoint", endpoint_name(record));
    append_json_member(out, "status", sent.status);
    append_text(out, "outcome", sent.error ? name_of(*sent.error) : std::string_view("ok"));
    append_text(out, "user", record.caller.user_name);
    append_text(out, "key", record.caller.key_id);
    append_text(out, "group", record.caller.group);
    if (record.model != nullptr) append_text(out, "model", record.model->settings->name);
    if (record.upstream) {
        append_text(out, "upstream", request.config().config.upstreams[*record.upstream].name);
        append_json_member(out, "attempts", request.client.notes.attempts);
    }
    if (record.is_streaming) out += ",\"stream\":true";
    append_limits(out, request.client.notes);
    append_usage(out, request);
    append_json_member(out, "bytes_in", static_cast<std::int64_t>(record.bytes_in));
    append_json_member(out, "bytes_out", static_cast<std::int64_t>(sent.body_bytes));
    if (record.answered_at) {
        append_json_member(out, "first_byte_us",
                           micros_between(request.started_at, *record.answered_at));
    }
    append_json_member(out, "duration_us", micros_between(request.started_at, now));
    if (record.asked.empty()) {
        append_user_agent(out, request);
    } else {
        out += record.asked;
    }
    append_text(out, "detail", sent.error_detail);
    out += "}\n";
}

}  // namespace sluicegate::gateway
