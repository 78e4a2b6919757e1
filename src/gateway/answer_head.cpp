#include "gateway/answer_head.hpp"

#include "sluicegate/base/json_text.hpp"
#include "sluicegate/http/head_writer.hpp"

#include "gateway/body.hpp"

#include <algorithm>
#include <array>

namespace sluicegate::gateway {
namespace {

namespace asio = net::asio;
using http::append_field;

void append_budget(std::string& out, std::string_view what, const limit::Budget& budget) {
    if (!budget.is_limited) return;
    const auto append = [&](std::string_view prefix, std::int64_t value) {
        out += prefix;
        out += what;
        out += ": ";
        append_decimal(out, value);
        out += "\r\n";
    };
    append("x-ratelimit-limit-", budget.limit);
    append("x-ratelimit-remaining-", budget.remaining);
    out += "x-ratelimit-reset-";
    out += what;
    out += ": ";
    append_reset(out, budget.reset);
    out += "\r\n";
}

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

void append_connection(std::string& out, const Request& request, bool stays_open) {
    if (!stays_open) {
        append_field(out, "connection", "close");
    } else if (request.head().minor_version == 0) {
        append_field(out, "connection", "keep-alive");
    }
}

void append_rate_limits(std::string& out, const limit::Decision& decision) {
    append_budget(out, "requests", decision.requests);
    append_budget(out, "tokens", decision.tokens);
}

void append_reset(std::string& out, Milliseconds time) {
    const std::int64_t milliseconds = std::max<std::int64_t>(time.count(), 0);
    if (milliseconds == 0) {
        out += "0s";
        return;
    }
    if (milliseconds < 1000) {
        append_decimal(out, milliseconds);
        out += "ms";
        return;
    }
    const std::int64_t hours = milliseconds / 3'600'000;
    const std::int64_t minutes = milliseconds / 60'000 % 60;
    if (hours > 0) {
        append_decimal(out, hours);
        out += 'h';
    }
    if (hours > 0 || minutes > 0) {
        append_decimal(out, minutes);
        out += 'm';
    }
    append_decimal(out, milliseconds / 1000 % 60);
    if (std::int64_t fraction = milliseconds % 1000; fraction > 0) {
        out += '.';
        for (std::int64_t unit = 100; fraction > 0; unit /= 10) {
            out += static_cast<char>('0' + fraction / unit);
            fraction %= unit;
        }
    }
    out += 's';
}

bool wants_to_stay(const Request& request) {
    return request.has_head && request.head().keep_alive && !request.worker.is_draining();
}

net::Task<bool> write_complete(Request& request, std::string& out, std::string_view body,
                               bool must_close) {
    const bool is_skippable = can_skip_body(request);
    const bool stays_open = !must_close && wants_to_stay(request) && is_skippable;
    append_connection(out, request, stays_open);
    // A 204 carries no length (RFC 9110, 8.6).
    if (request.record.status != 204) {
        append_field(out, "content-length", static_cast<std::int64_t>(body.size()));
    }
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
