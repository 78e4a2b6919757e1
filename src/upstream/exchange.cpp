#include "sluicegate/upstream/exchange.hpp"

#include "upstream/connector.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluicegate::upstream {
namespace {

using net::ErrorCode;

/// Interim answers before the final one; an upstream that sends more is broken or hostile.
constexpr int interim_answers_max = 8;
constexpr http::HeadLimits head_limits{.head_bytes_max = 32 * 1024};
/// Room for one read: small while answers are short, larger once a read has filled it.
constexpr std::size_t read_bytes_min = 2 * 1024;
constexpr std::size_t read_bytes_long = 32 * 1024;
/// How long the end of an answer may take once its content is complete.
constexpr Milliseconds finish_timeout{100};

}  // namespace

Exchange::Exchange(std::shared_ptr<Pool> pool, Instant now,
                   const config::UpstreamTimeouts& timeouts)
    : pool_(std::move(pool)),
      deadline_(pool_->services().deadlines, this, &Exchange::expired),
      timeouts_(timeouts),
      total_at_(now + timeouts.total) {
}

Exchange::Exchange(std::shared_ptr<Pool> pool, Instant now)
    : Exchange(pool, now, pool->settings().timeouts) {
}

Exchange::~Exchange() {
    release();
}

void Exchange::expired(void* self) noexcept {
    auto& exchange = *static_cast<Exchange*>(self);
    const Instant now = exchange.pool_->services().deadlines.now();
    if (now >= exchange.total_at_) {
        exchange.cancel(ErrorKind::upstream_total_timeout);
    } else if (now >= exchange.phase_at_) {
        exchange.cancel(exchange.phase_reason_);
    } else {
        // The read is only interrupted: nothing of what arrives is lost.
        exchange.has_woken_ = true;
        exchange.connection_->stream.cancel();
        // A read that had just ended goes on where TLS needs more of a record: look again.
        exchange.deadline_.arm(now + net::Deadlines::tick_length);
    }
}

void Exchange::cancel(ErrorKind reason) noexcept {
    if (!cancelled_) cancelled_ = reason;
    if (connector_) connector_->cancel();
    if (connection_) connection_->stream.close();
}

void Exchange::end_within(Milliseconds timeout) noexcept {
    total_at_ = std::min(total_at_, pool_->services().deadlines.now() + timeout);
    if (deadline_.is_armed()) arm(wake_at_);
}

void Exchange::begin_phase(Milliseconds timeout, ErrorKind reason) noexcept {
    // A look at the time of the last tick is cheaper than one at the clock, and precise enough.
    phase_at_ = pool_->services().deadlines.now() + net::Deadlines::tick_length + timeout;
    phase_reason_ = reason;
}

void Exchange::arm(Instant wake_at) noexcept {
    has_woken_ = false;
    wake_at_ = wake_at;
    deadline_.arm(std::min({phase_at_, total_at_, wake_at}));
}

void Exchange::end_phase() noexcept {
    deadline_.disarm();
    phase_at_ = Instant::max();
}

Failure Exchange::broken(ErrorKind otherwise, std::string detail) const {
    return fail(cancelled_.value_or(otherwise), settings().name + ": " + std::move(detail));
}

void Exchange::adopt(std::unique_ptr<Connection> connection) noexcept {
    release();
    connection_ = std::move(connection);
    pool_->counters().active.add();
}

void Exchange::release() noexcept {
    if (!connection_) return;
    pool_->counters().active.subtract();
    const bool is_reusable = is_complete_ && is_sent_ && !cancelled_ && head().keep_alive &&
                             is_delimited() && connection_->in.size() == payload_bytes_;
    if (is_reusable) {
        connection_->in.consume(payload_bytes_);
        pool_->give_back(std::move(connection_));
    }
    connection_.reset();
}

bool Exchange::take_idle() noexcept {
    auto idle = pool_->take_idle();
    if (!idle) return false;
    is_reused_ = true;
    pool_->counters().reused.add();
    adopt(std::move(idle));
    return true;
}

net::Task<Result<void>> Exchange::connect() {
    is_reused_ = false;
    was_sent_ = false;
    is_sent_ = false;
    release();
    begin_phase(timeouts_.connect, ErrorKind::upstream_connect_timeout);
    arm(Instant::max());
    connector_ = std::make_unique<Connector>(*pool_);
    if (cancelled_) connector_->cancel();
    auto made = co_await connector_->run();
    connector_.reset();
    end_phase();
    if (!made) co_return broken(made.error().kind, std::move(made.error().detail));
    adopt(std::move(*made));
    if (cancelled_) co_return broken(ErrorKind::upstream_unreachable, "cancelled");
    co_return Result<void>();
}

net::Task<Result<void>> Exchange::send(std::span<const net::asio::const_buffer> request) {
    // Nothing limits an upload but the total: a slow upstream reads as slowly as it likes.
    arm(Instant::max());
    auto [error, size] = co_await connection_->stream.write(request);
    was_sent_ = was_sent_ || size > 0;
    deadline_.disarm();
    if (cancelled_) co_return broken(ErrorKind::upstream_closed, "sending the request");
    is_sent_ = !error;
    co_return Result<void>();
}

Result<void> Exchange::after_read(const ErrorCode& error, std::size_t size) {
    if (!error) {
        has_answered_ = true;
        last_read_filled_ = size == connection_->in.room().size();
        connection_->in.commit(size);
        return {};
    }
    if (cancelled_) return broken(ErrorKind::upstream_closed, "waiting for the answer");
    const bool is_orderly = error == net::asio::error::eof;
    if (is_orderly && has_head_ && !is_delimited()) {
        is_complete_ = true;
        return {};
    }
    return broken(
        ErrorKind::upstream_closed,
        is_orderly ? "closed the connection before its answer was complete" : error.message());
}

net::Task<Result<Arrival>> Exchange::receive_head(http::Method request_method, Instant wake_at) {
    if (phase_at_ == Instant::max()) {
        begin_phase(timeouts_.first_byte, ErrorKind::upstream_timeout);
    }
    arm(wake_at);
    net::ByteBuffer& in = connection_->in;
    http::ResponseHead& head = connection_->head;
    std::size_t searched = 0;
    int interim_answers = 0;
    for (;;) {
        auto end = http::find_response_head_end(in.unread(), searched, head_limits);
        if (!end) co_return broken(end.error().kind, std::move(end.error().detail));
        if (*end == 0) {
            searched = in.size();
            const auto room = in.make_room(read_bytes_min);
            auto [error, size] = co_await connection_->stream.read_some(
                net::asio::mutable_buffer(room.data(), room.size()));
            const bool is_silent = error && has_woken_ && !cancelled_;
            if (!is_silent) {
                auto read = after_read(error, size);
                if (!read) co_return std::move(read).failure();
            }
            if (has_woken_) co_return Arrival::silent;
            continue;
        }
        // The buffer is needed for the body, and moves: the head's views point into a copy.
        connection_->head_text.assign(in.unread().substr(0, *end));
        in.consume(*end);
        auto parsed =
            http::parse_response_head(connection_->head_text, request_method, head_limits, head);
        if (!parsed) co_return broken(parsed.error().kind, std::move(parsed.error().detail));
        if (head.status >= 200) break;
        if (++interim_answers > interim_answers_max) {
            co_return broken(ErrorKind::upstream_bad_response, "too many interim answers");
        }
        searched = 0;
    }
    end_phase();

    has_head_ = true;
    body_bytes_left_ = head.content_length;
    if (head.framing == http::Framing::chunked) {
        chunks_.emplace(ErrorKind::upstream_bad_response);
    } else if (head.framing != http::Framing::until_close && body_bytes_left_ == 0) {
        is_complete_ = true;
    }
    co_return Arrival::complete;
}

void Exchange::consume(std::size_t count) noexcept {
    connection_->in.consume(count);
    payload_bytes_ -= count;
}

Result<void> Exchange::decode_chunks() {
    net::ByteBuffer& in = connection_->in;
    std::string_view raw = in.unread().substr(payload_bytes_);
    while (!raw.empty() && !chunks_->done()) {
        auto step = chunks_->decode(raw);
        if (!step) return broken(step.error().kind, std::move(step.error().detail));
        // The framing between two payloads is closed up in place, so that body() is contiguous.
        if (!step->payload.empty()) {
            std::memmove(in.data() + payload_bytes_, step->payload.data(), step->payload.size());
            payload_bytes_ += step->payload.size();
        }
        raw.remove_prefix(step->consumed);
    }
    is_complete_ = chunks_->done();
    // Bytes after the end stay behind the payload: release() then sees that they are there.
    if (!raw.empty()) std::memmove(in.data() + payload_bytes_, raw.data(), raw.size());
    in.truncate(payload_bytes_ + raw.size());
    return {};
}

Result<void> Exchange::take_arrived() {
    net::ByteBuffer& in = connection_->in;
    if (is_complete_) return {};
    if (chunks_) return decode_chunks();
    const std::size_t arrived = in.size() - payload_bytes_;
    if (!is_delimited()) {
        payload_bytes_ += arrived;
        return {};
    }
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(arrived, body_bytes_left_));
    payload_bytes_ += taken;
    body_bytes_left_ -= taken;
    is_complete_ = body_bytes_left_ == 0;
    return {};
}

net::Task<Result<Arrival>> Exchange::receive_body(std::size_t body_bytes_max, Instant wake_at) {
    net::ByteBuffer& in = connection_->in;
    const std::size_t had = payload_bytes_;
    for (;;) {
        auto taken = take_arrived();
        if (!taken) co_return std::move(taken).failure();
        if (is_complete_ || payload_bytes_ > had || payload_bytes_ >= body_bytes_max) {
            co_return Arrival::complete;
        }
        if (phase_at_ == Instant::max()) {
            begin_phase(timeouts_.between_bytes, ErrorKind::upstream_idle_timeout);
        }
        arm(wake_at);
        const auto room = in.make_room(last_read_filled_ ? read_bytes_long : read_bytes_min);
        auto [error, size] = co_await connection_->stream.read_some(
            net::asio::mutable_buffer(room.data(), room.size()));
        if (error && has_woken_ && !cancelled_) co_return Arrival::silent;
        end_phase();
        auto read = after_read(error, size);
        if (!read) co_return std::move(read).failure();
    }
}

net::Task<void> Exchange::finish() {
    end_phase();
    timeouts_.between_bytes = std::min(timeouts_.between_bytes, finish_timeout);
    while (!is_complete_) {
        consume(payload_bytes_);
        auto received = co_await receive_body(read_bytes_long);
        if (!received) co_return;
    }
}

}  // namespace sluicegate::upstream
