#include "sluicegate/client/receive.hpp"
#include "sluicegate/http/chunked_decoder.hpp"
#include "sluicegate/openai/inspect_request.hpp"

#include "client/decoded_body.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

namespace sluicegate::client {
namespace {

namespace asio = net::asio;

static_assert(net::ByteBuffer::padding >= openai::body_padding);

constexpr http::ContentCoding identity = http::ContentCoding::identity;
constexpr std::size_t chunk_read_bytes = 16 * 1024;
/// An unread body up to this size is read and dropped to keep the connection; beyond it, ending
/// the connection is cheaper for both sides.
constexpr std::size_t skipped_bytes_max = 64 * 1024;

Failure too_large(std::size_t limit) {
    return fail(ErrorKind::request_too_large, {}, std::to_string(limit));
}

Failure no_memory() {
    return fail(ErrorKind::overloaded, "server.memory has no room for the body of a request");
}

/// Most bodies are here already, behind their heads.
bool take_arrived(Exchange& exchange) {
    const http::RequestHead& head = exchange.head();
    if (head.framing != http::Framing::content_length) return false;
    const std::string_view arrived = exchange.connection.in().unread().substr(exchange.head_bytes);
    if (arrived.size() < head.content_length) return false;
    exchange.body = arrived.substr(0, static_cast<std::size_t>(head.content_length));
    exchange.message_bytes = exchange.head_bytes + exchange.body.size();
    exchange.is_body_complete = true;
    return true;
}

/// A body of known length that fits behind its head: it stays where it arrives.
net::Task<Result<void>> read_in_place(Exchange& exchange, std::size_t size) {
    net::ByteBuffer& in = exchange.connection.in();
    const std::size_t end = exchange.head_bytes + size;
    while (in.size() < end) {
        auto got = co_await exchange.connection.read_into(in.room());
        if (!got) co_return std::move(got).failure();
        in.commit(*got);
    }
    exchange.message_bytes = end;
    exchange.body = in.unread().substr(exchange.head_bytes, size);
    co_return Result<void>();
}

/// A body of known length that has taken its memory already.
net::Task<Result<void>> read_into_storage(Exchange& exchange, std::size_t size) {
    const net::ByteBuffer& in = exchange.connection.in();
    net::ByteBuffer& storage = exchange.body_storage;
    const std::string_view arrived = in.unread().substr(exchange.head_bytes);
    std::memcpy(storage.room().data(), arrived.data(), arrived.size());
    storage.commit(arrived.size());
    exchange.message_bytes = in.size();
    while (storage.size() < size) {
        const std::span<char> rest = storage.room().first(size - storage.size());
        auto got = co_await exchange.connection.read_into(rest);
        if (!got) co_return std::move(got).failure();
        storage.commit(*got);
    }
    exchange.body = storage.unread();
    co_return Result<void>();
}

bool fits_behind_head(Exchange& exchange, std::uint64_t size) {
    net::ByteBuffer& in = exchange.connection.in();
    return size <= in.size() - exchange.head_bytes + in.room().size();
}

net::Task<Result<void>> read_with_length(Exchange& exchange) {
    const auto size = static_cast<std::size_t>(exchange.head().content_length);
    if (fits_behind_head(exchange, size)) co_return co_await read_in_place(exchange, size);
    co_return co_await read_into_storage(exchange, size);
}

/// Takes the memory of a body whose length is known, before any of it is asked for.
bool take_storage(Exchange& exchange) {
    const http::RequestHead& head = exchange.head();
    if (head.framing != http::Framing::content_length) return true;
    const std::uint64_t size = head.content_length;
    if (fits_behind_head(exchange, size)) return true;
    return exchange.body_storage.try_make_room(static_cast<std::size_t>(size)).size() >= size;
}

/// Takes what the decoder makes of `raw`; true at the end of the body, with the bytes behind it
/// kept for the next message.
Result<bool> take_chunks(Exchange& exchange, http::ChunkedDecoder& chunks, std::string_view raw,
                         std::size_t limit, bool is_from_buffer) {
    net::ByteBuffer& body = exchange.body_storage;
    while (!raw.empty() && !chunks.done()) {
        auto step = chunks.decode(raw);
        if (!step) return std::move(step).failure();
        if (body.size() + step->payload.size() > limit) return too_large(limit);
        const std::span<char> room = body.try_make_room(step->payload.size());
        if (room.size() < step->payload.size()) return no_memory();
        std::ranges::copy(step->payload, room.begin());
        body.commit(step->payload.size());
        raw.remove_prefix(step->consumed);
    }
    if (is_from_buffer) {
        exchange.message_bytes = exchange.connection.in().size() - raw.size();
    } else {
        exchange.pipelined.assign(raw);
    }
    return chunks.done();
}

net::Task<Result<void>> read_chunked(Exchange& exchange, std::size_t limit) {
    http::ChunkedDecoder chunks(ErrorKind::bad_request);
    const std::string_view arrived = exchange.connection.in().unread().substr(exchange.head_bytes);
    auto is_done = take_chunks(exchange, chunks, arrived, limit, true);
    if (!is_done) co_return std::move(is_done).failure();

    // The head's views point into the client's buffer, so the rest is read elsewhere.
    std::unique_ptr<char[]> raw;
    while (!*is_done) {
        if (!raw) raw = std::make_unique_for_overwrite<char[]>(chunk_read_bytes);
        auto got = co_await exchange.connection.read_into(std::span(raw.get(), chunk_read_bytes));
        if (!got) co_return std::move(got).failure();
        is_done = take_chunks(exchange, chunks, {raw.get(), *got}, limit, false);
        if (!is_done) co_return std::move(is_done).failure();
        // The head of the next message has a key.
        if (!exchange.pipelined.empty()) ::explicit_bzero(raw.get(), *got);
    }
    exchange.body_storage.fit();
    exchange.body = exchange.body_storage.unread();
    co_return Result<void>();
}

/// The payload of a body of either framing, piece by piece.
class Payload {
public:
    explicit Payload(const http::RequestHead& head) noexcept
        : left_(head.content_length), is_chunked_(head.framing == http::Framing::chunked) {}

    [[nodiscard]] bool is_done() const noexcept {
        return is_chunked_ ? chunks_.done() : left_ == 0;
    }
    /// How much may be read without reading of the next message, where that can be known.
    [[nodiscard]] std::size_t readable_bytes_max() const noexcept {
        if (is_chunked_) return chunk_read_bytes;
        return static_cast<std::size_t>(std::min<std::uint64_t>(left_, chunk_read_bytes));
    }
    /// Takes the next piece from the front of `raw`.
    Result<std::string_view> next(std::string_view& raw) {
        if (is_chunked_) {
            auto step = chunks_.decode(raw);
            if (!step) return std::move(step).failure();
            raw.remove_prefix(step->consumed);
            return step->payload;
        }
        const std::string_view piece =
            raw.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, raw.size())));
        left_ -= piece.size();
        raw.remove_prefix(piece.size());
        return piece;
    }

private:
    http::ChunkedDecoder chunks_{ErrorKind::bad_request};
    std::uint64_t left_;
    bool is_chunked_;
};

net::Task<Result<void>> decode_arrived(Payload& payload, DecodedBody& body, std::string_view& raw) {
    while (!raw.empty() && !payload.is_done()) {
        auto piece = payload.next(raw);
        if (!piece) co_return std::move(piece).failure();
        auto taken = co_await body.take(*piece);
        if (!taken) co_return taken;
    }
    co_return Result<void>();
}

net::Task<Result<void>> read_and_decode(Exchange& exchange, DecodedBody& body) {
    Payload payload(exchange.head());
    std::string_view rest = exchange.connection.in().unread().substr(exchange.head_bytes);
    auto decoded = co_await decode_arrived(payload, body, rest);
    if (!decoded) co_return decoded;
    exchange.message_bytes = exchange.connection.in().size() - rest.size();

    // The head's views point into the client's buffer, so the rest is read elsewhere.
    std::unique_ptr<char[]> raw;
    while (!payload.is_done()) {
        if (!raw) raw = std::make_unique_for_overwrite<char[]>(chunk_read_bytes);
        const std::span<char> room(raw.get(), payload.readable_bytes_max());
        auto got = co_await exchange.connection.read_into(room);
        if (!got) co_return std::move(got).failure();
        rest = {raw.get(), *got};
        decoded = co_await decode_arrived(payload, body, rest);
        if (!decoded) co_return decoded;
        exchange.pipelined.assign(rest);
    }
    co_return Result<void>();
}

net::Task<Result<void>> read_coded(Exchange& exchange, http::ContentCoding coding) {
    const http::RequestHead& head = exchange.head();
    DecodedBody body(exchange, coding, exchange.settings.server->body_bytes_max);
    Result<void> read;
    if (head.framing == http::Framing::content_length &&
        fits_behind_head(exchange, head.content_length)) {
        read = co_await read_in_place(exchange, static_cast<std::size_t>(head.content_length));
        if (!read) co_return read;
        // Whatever it holds, the next message begins behind it.
        exchange.is_body_complete = true;
        read = co_await body.take(exchange.body);
    } else {
        exchange.is_body_split = true;
        read = co_await read_and_decode(exchange, body);
    }
    if (!read) co_return read;
    co_return body.end();
}

net::Task<Result<void>> send_continue(Exchange& exchange) {
    static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
    const std::array buffers{asio::const_buffer(text.data(), text.size())};
    const bool is_written = co_await exchange.write(buffers);
    if (!is_written) co_return fail(ErrorKind::client_gone);
    co_return Result<void>();
}

/// None where it cannot be decoded: an unknown one, or several.
std::optional<http::ContentCoding> coding_of(const http::FieldTable& fields) noexcept {
    const auto codings = http::content_codings_of(fields);
    if (!codings || codings->list().size() > 1) return std::nullopt;
    return codings->last();
}

}  // namespace

Result<bool> take_body(Exchange& exchange) {
    const http::RequestHead& head = exchange.head();
    const std::size_t limit = exchange.settings.server->body_bytes_max;
    if (head.content_length > limit) return too_large(limit);
    if (exchange.is_body_complete) return true;
    const auto coding = coding_of(head.fields);
    if (!coding) return fail(ErrorKind::unsupported_encoding, {}, "Content-Encoding");
    return *coding == http::ContentCoding::identity && take_arrived(exchange);
}

net::Task<Result<void>> receive_body(Exchange& exchange) {
    const http::RequestHead& head = exchange.head();
    const auto coding = coding_of(head.fields).value_or(identity);
    if (coding == identity && !take_storage(exchange)) co_return no_memory();
    const bool has_nothing = exchange.connection.in().size() == exchange.head_bytes;
    if (head.expects_continue && has_nothing) {
        auto continued = co_await send_continue(exchange);
        if (!continued) co_return std::move(continued).failure();
    }
    exchange.connection.read_within(exchange.settings.server->timeouts.body);
    Result<void> read;
    if (coding != identity) {
        read = co_await read_coded(exchange, coding);
    } else if (head.framing == http::Framing::chunked) {
        read = co_await read_chunked(exchange, exchange.settings.server->body_bytes_max);
    } else {
        read = co_await read_with_length(exchange);
    }
    exchange.connection.read_without_deadline();
    if (!read) {
        exchange.body_storage.clear();
        co_return std::move(read).failure();
    }
    exchange.is_body_complete = true;
    co_return Result<void>();
}

bool can_skip_body(const Exchange& exchange) {
    if (exchange.is_body_complete) return true;
    if (exchange.is_body_split) return false;
    const http::RequestHead& head = exchange.head();
    // A client that waits for 100 Continue may or may not send its body after the final answer
    // (RFC 9110, 10.1.1): where the next request would start is unknown.
    return exchange.has_head && !head.expects_continue &&
           head.framing == http::Framing::content_length &&
           head.content_length <= skipped_bytes_max;
}

net::Task<bool> skip_body(Exchange& exchange) {
    if (exchange.is_body_complete) co_return true;
    auto left = static_cast<std::size_t>(exchange.head().content_length);
    const std::size_t arrived = exchange.connection.in().size() - exchange.head_bytes;
    const std::size_t skipped = std::min(left, arrived);
    exchange.message_bytes = exchange.head_bytes + skipped;
    left -= skipped;
    exchange.connection.read_within(exchange.settings.server->timeouts.body);
    std::array<char, 4096> dropped;
    while (left > 0) {
        auto got = co_await exchange.connection.read_into(
            std::span(dropped).first(std::min(left, dropped.size())));
        if (!got) co_return false;
        left -= *got;
    }
    exchange.connection.read_without_deadline();
    co_return true;
}

}  // namespace sluicegate::client
