#include "gateway/answer_head.hpp"

#include "sluicegate/http/head_writer.hpp"

#include "gateway/body.hpp"
#include "gateway/limit_fields.hpp"

#include <array>

namespace sluicegate::gateway {
namespace {

namespace asio = net::asio;
using http::append_field;

constexpr std::array<std::string_view, 5> passed_fields{"content-disposition", "content-encoding",
                                                        "openai-version", "openai-processing-ms",
                                                        "openai-poll-after-ms"};

}  // namespace

void begin_answer(std::string& out, const Request& request, unsigned status,
                  std::string_view cache_control) {
    out.clear();
    http::append_status_line(out, status);
    append_field(out, "date", request.worker.http_date());
    append_field(out, "x-request-id", request.id.text());
    append_field(out, "cache-control", cache_control);
    append_field(out, "x-content-type-options", "nosniff");
}

void append_passed_fields(std::string& out, const http::ResponseHead& head) {
    for (const std::string_view name : passed_fields) {
        if (const auto value = head.fields.find(name)) append_field(out, name, *value);
    }
    if (const auto id = head.fields.find("x-request-id")) {
        append_field(out, "x-upstream-request-id", *id);
    }
}

void append_connection(std::string& out, const Request& request, bool stays_open) {
    if (!stays_open) {
        append_field(out, "connection", "close");
    } else if (request.head().minor_version == 0) {
        append_field(out, "connection", "keep-alive");
    }
}

void append_limits(std::string& out, const Request& request) {
    if (!request.record.decision) return;
    append_rate_limits(out, *request.record.decision);
    const config::LimiterSettings& limiter = request.config().config.limiter;
    if (limiter.ietf_fields) append_ietf_fields(out, *request.record.decision, limiter.window);
}

void append_route(std::string& out, const Request& request) {
    const Record& record = request.record;
    if (record.attempts == 0) return;
    append_field(out, "x-sluicegate-upstream",
                 request.config().config.upstreams[*record.upstream].name);
    append_field(out, "x-sluicegate-attempts", static_cast<std::int64_t>(record.attempts));
}

bool wants_to_stay(const Request& request) {
    return request.has_head && request.head().keep_alive && !request.worker.is_draining();
}

net::Task<bool> write_complete(Request& request, std::string& out, std::string_view body,
                               bool must_close) {
    const bool is_skippable = can_skip_body(request);
    const bool stays_open = !must_close && wants_to_stay(request) && is_skippable;
    append_connection(out, request, stays_open);
    append_field(out, "content-length", static_cast<std::int64_t>(body.size()));
    http::append_head_end(out);

    const bool is_head = request.has_head && request.head().method == http::Method::head;
    const std::array buffers{asio::const_buffer(out.data(), out.size()),
                             asio::const_buffer(body.data(), is_head ? 0 : body.size())};
    if (!is_head) request.record.bytes_out = body.size();
    const bool is_written = co_await request.client.write(buffers);
    if (!is_written) {
        request.record.error = ErrorKind::client_gone;
        co_return false;
    }
    if (stays_open && request.is_body_complete) co_return true;
    if (stays_open) co_return co_await skip_body(request);
    if (!request.is_body_complete) co_await request.client.linger();
    co_return false;
}

}  // namespace sluicegate::gateway
