#include "client/http2_refusal.hpp"

#include <array>
#include <cassert>
#include <cstddef>

namespace sluicegate::client {
namespace {

namespace asio = net::asio;

// RFC 9113, 3.4; its first part looks like a request line and the end of a head.
constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::string_view preface_head = "PRI * HTTP/2.0\r\n\r\n";

// RFC 9113, 6 and 7.
constexpr std::size_t frame_head_bytes = 9;
enum class Frame : unsigned char { data = 0, headers = 1, settings = 4, goaway = 7 };
constexpr unsigned char end_stream = 0x1;
constexpr unsigned char acknowledged = 0x1;
constexpr unsigned char end_headers = 0x4;
constexpr std::uint32_t http_1_1_required = 0xd;
constexpr std::uint32_t stream_mask = 0x7fff'ffff;

/// A client sends its settings first, and its request at once.
constexpr Milliseconds request_wait{1000};
constexpr std::size_t seen_bytes_max = 6 * 1024;

unsigned byte_at(std::string_view bytes, std::size_t at) noexcept {
    return static_cast<unsigned char>(bytes[at]);
}

void append_bytes(std::string& out, std::uint32_t value, unsigned count) {
    while (count > 0) {
        --count;
        out += static_cast<char>((value >> (8 * count)) & 0xffU);
    }
}

void append_frame(std::string& out, Frame type, unsigned char flags, std::uint32_t stream,
                  std::string_view payload) {
    append_bytes(out, static_cast<std::uint32_t>(payload.size()), 3);
    out += static_cast<char>(type);
    out += static_cast<char>(flags);
    append_bytes(out, stream, 4);
    out += payload;
}

/// RFC 7541, 6.2.2: a literal without indexing; its text is plain, and short.
void append_text(std::string& out, std::string_view text) {
    assert(text.size() < 0x7f);
    out += static_cast<char>(text.size());
    out += text;
}

void append_literal(std::string& out, std::string_view name, std::string_view value) {
    out += '\0';
    append_text(out, name);
    append_text(out, value);
}

}  // namespace

bool is_http2_preface(std::string_view bytes) noexcept {
    return bytes.starts_with(preface_head);
}

std::uint32_t first_http2_stream(std::string_view bytes) noexcept {
    std::size_t at = preface.size();
    while (at + frame_head_bytes <= bytes.size()) {
        const std::size_t size =
            byte_at(bytes, at) << 16U | byte_at(bytes, at + 1) << 8U | byte_at(bytes, at + 2);
        const std::uint32_t stream =
            (byte_at(bytes, at + 5) << 24U | byte_at(bytes, at + 6) << 16U |
             byte_at(bytes, at + 7) << 8U | byte_at(bytes, at + 8)) &
            stream_mask;
        if (byte_at(bytes, at + 3) == static_cast<unsigned>(Frame::headers)) return stream;
        at += frame_head_bytes + size;
    }
    return 0;
}

std::string http2_frames(const Http2Refusal& refusal) {
    std::string out;
    append_frame(out, Frame::settings, 0, 0, {});
    append_frame(out, Frame::settings, acknowledged, 0, {});
    if (refusal.stream != 0) {
        std::string fields;
        append_literal(fields, ":status", std::to_string(refusal.status));
        append_literal(fields, "content-type", "application/json");
        append_literal(fields, "content-length", std::to_string(refusal.body.size()));
        append_literal(fields, "x-request-id", refusal.request_id);
        append_frame(out, Frame::headers, end_headers, refusal.stream, fields);
        append_frame(out, Frame::data, end_stream, refusal.stream, refusal.body);
    }
    std::string last;
    append_bytes(last, refusal.stream, 4);
    append_bytes(last, http_1_1_required, 4);
    last += refusal.reason;
    append_frame(out, Frame::goaway, 0, 0, last);
    return out;
}

net::Task<void> refuse_http2(Exchange& exchange, unsigned status, std::string body,
                             std::string reason) {
    Connection& connection = exchange.connection;
    connection.read_within(request_wait);
    std::uint32_t stream = first_http2_stream(connection.in().unread());
    while (stream == 0 && connection.in().unread().size() < seen_bytes_max) {
        auto read = co_await connection.read_more(1024);
        if (!read) break;
        stream = first_http2_stream(connection.in().unread());
    }
    connection.read_without_deadline();
    const std::string frames = http2_frames({.stream = stream,
                                             .status = status,
                                             .request_id = exchange.id.text(),
                                             .body = body,
                                             .reason = reason});
    const std::array buffers{asio::const_buffer(frames.data(), frames.size())};
    if (stream != 0) exchange.sent.body_bytes = body.size();
    const bool is_written = co_await exchange.write(buffers);
    if (is_written) co_await connection.linger();
}

}  // namespace sluicegate::client
