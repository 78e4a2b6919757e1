#include "sluicegate/base/json_text.hpp"
#include "sluicegate/base/log.hpp"
#include "sluicegate/config/address.hpp"

#include "gateway/stages.hpp"

#include <chrono>

namespace sluicegate::gateway {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

void count(Request& request, Instant now) {
    const Record& record = request.record;
    metrics::RequestCounters::Finished finished{
        .model = std::nullopt, .model_name = {}, .status = record.status, .error = record.error};
    if (record.model != nullptr) {
        finished.model = record.model->id;
        finished.model_name = record.model->settings->name;
        const auto index = static_cast<std::size_t>(record.model - request.config().models.data());
        request.snapshot->model_counters[index].duration.observe(now - request.started_at);
    }
    request.worker.request_counters().count(finished);
    if (record.upstream && record.error && fault_of(*record.error) == Fault::upstream) {
        request.worker.count_upstream_error(
            request.config().config.upstreams[*record.upstream].name, *record.error);
    }
    if (!record.upstream || !record.forwarded_at) return;
    auto& counters = request.snapshot->upstream_counters[*record.upstream];
    if (record.answered_at) counters.first_byte.observe(*record.answered_at - *record.forwarded_at);
    counters.total.observe(now - *record.forwarded_at);
}

void append_text(std::string& out, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out += ",\"";
    out += name;
    out += "\":";
    append_json_string(out, value);
}

void append_number(std::string& out, std::string_view name, std::int64_t value) {
    out += ",\"";
    out += name;
    out += "\":";
    append_decimal(out, value);
}

std::int64_t micros_between(Instant from, Instant to) {
    return duration_cast<microseconds>(to - from).count();
}

/// One line of the access log; docs/operations.md lists its fields. No key, no header, no body.
void append_line(std::string& out, const Request& request, Instant now) {
    const Record& record = request.record;
    const auto wall = request.worker.clock().wall_now().time_since_epoch();
    out += "{\"time\":";
    log::append_timestamp(out, duration_cast<microseconds>(wall).count());
    out += ",\"level\":\"info\",\"event\":\"access\"";
    append_text(out, "request_id", request.id.text());
    append_text(out, "client", config::IpAddress(request.client.address()).text());
    append_text(out, "endpoint",
                record.endpoint ? openai::name_of(*record.endpoint) : std::string_view("unknown"));
    append_number(out, "status", record.status);
    append_text(out, "outcome", record.error ? name_of(*record.error) : std::string_view("ok"));
    append_text(out, "user", record.caller.user_name);
    append_text(out, "key", record.caller.key_id);
    append_text(out, "group", record.caller.group);
    if (record.model != nullptr) append_text(out, "model", record.model->settings->name);
    if (record.upstream) {
        append_text(out, "upstream", request.config().config.upstreams[*record.upstream].name);
        append_number(out, "attempts", record.attempts);
    }
    if (record.is_streaming) out += ",\"stream\":true";
    append_number(out, "bytes_in", static_cast<std::int64_t>(record.bytes_in));
    append_number(out, "bytes_out", static_cast<std::int64_t>(record.bytes_out));
    if (record.answered_at) {
        append_number(out, "first_byte_us",
                      micros_between(request.started_at, *record.answered_at));
    }
    append_number(out, "duration_us", micros_between(request.started_at, now));
    append_text(out, "detail", record.error_detail);
    out += "}\n";
}

}  // namespace

void account(Request& request) {
    const Instant now = request.worker.clock().now();
    count(request, now);
    if (request.config().config.log.access) {
        append_line(request.worker.access_lines(), request, now);
    }
}

}  // namespace sluicegate::gateway
