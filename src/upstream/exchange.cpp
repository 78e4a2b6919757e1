#include "sluicegate/upstream/exchange.hpp"

#include "sluicegate/base/secret.hpp"
#include "sluicegate/net/spawn.hpp"
#include "sluicegate/net/wait.hpp"

#include "upstream/connector.hpp"
#include "upstream/decoded_answer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluicegate::upstream {
namespace {

using net::Ended;
using net::Transferred;

/// Interim answers before the final one; an upstream that sends more is broken or hostile.
constexpr int interim_answers_max = 8;
constexpr http::HeadLimits head_limits{.head_bytes_max = 32 * 1024};
/// Room for one read: small while answers are short, larger once a read has filled it.
constexpr std::size_t read_bytes_min = 2 * 1024;
constexpr std::size_t read_bytes_long = 32 * 1024;
/// A request up to this size fits the buffers of a connection: sending it takes no waiting.
constexpr std::size_t short_request_bytes_max = 16 * 1024;
/// How long the end of an answer may take once its content is complete.
constexpr Milliseconds finish_timeout{100};
/// A connection that ends so soon after a request was written to it had ended before, or crossed
/// with it; one that ends later may have been worked on.
constexpr Milliseconds stale_within{1000};

}  // namespace

/// A request that is written by a task of its own, while its exchange reads.
struct Exchange::Upload {
    Upload(net::asio::io_context& context, net::Deadlines& deadlines) : wait(context, deadlines) {}

    static net::Task<void> run(std::shared_ptr<Upload> self, net::TimedStream& stream,
                               std::span<const net::asio::const_buffer> request,
                               net::WriteLimits limits, std::size_t skip) {
        // However the task ends, its exchange hears of it.
        struct End {
            ~End() {
                upload.is_running = false;
                upload.wait.wake();
            }
            Upload& upload;
        };
        const End end{*self};
        self->written = co_await stream.write(request, limits, skip);
        stream.wake_read();
    }

    net::Wait wait;
    Transferred written{.ended = Ended::failed};
    bool is_running = true;
};

Exchange::Exchange(std::shared_ptr<Pool> pool, Instant now,
                   const config::UpstreamTimeouts& timeouts)
    : pool_(std::move(pool)),
      settings_(pool_->shared_settings()),
      timeouts_(timeouts),
      total_at_(now + timeouts.total),
      read_bytes_(read_bytes_min) {
}

Exchange::Exchange(std::shared_ptr<Pool> pool, Instant now)
    : Exchange(pool, now, pool->settings().timeouts) {
}

Exchange::~Exchange() {
    release();
}

void Exchange::cancel(ErrorKind reason) noexcept {
    if (!cancelled_) cancelled_ = reason;
    if (connector_) connector_->cancel();
    if (connection_) connection_->stream.cancel(reason);
}

void Exchange::end_within(Milliseconds timeout) noexcept {
    total_at_ = std::min(total_at_, pool_->services().deadlines.now() + timeout);
    if (connection_) connection_->stream.end_by(total_at_);
}

Instant Exchange::now() const noexcept {
    return pool_->services().deadlines.now() + net::Deadlines::tick_length;
}

Failure Exchange::timed_out(std::string detail) {
    ErrorKind kind = ErrorKind::upstream_idle_timeout;
    if (awaits_head()) kind = ErrorKind::upstream_timeout;
    if (pool_->services().deadlines.now() >= total_at_) kind = ErrorKind::upstream_total_timeout;
    cancel(kind);
    return broken(kind, std::move(detail));
}

Failure Exchange::broken(ErrorKind otherwise, std::string detail) const {
    return fail(cancelled_.value_or(otherwise), settings().name + ": " + std::move(detail));
}

void Exchange::adopt(std::unique_ptr<Connection> connection) noexcept {
    release();
    connection_ = std::move(connection);
    connection_->in.charge_to(share_);
    if (connection_->patience != timeouts_.between_bytes) {
        connection_->patience = timeouts_.between_bytes;
        net::set_peer_timeout(connection_->stream.stream().native_handle(),
                              timeouts_.between_bytes);
    }
    pool_->counters().active.add();
}

void Exchange::release() noexcept {
    if (!connection_) return;
    pool_->counters().active.subtract();
    const bool is_reusable = is_complete() && !is_cut_ && !cancelled_ && head().keep_alive &&
                             is_delimited() && connection_->in.size() == payload_bytes_;
    if (is_reusable) {
        connection_->in.consume(payload_bytes_);
        connection_->in.charge_to(nullptr);
        pool_->give_back(std::move(connection_));
    } else if (is_cut_) {
        // The peer does not read: an end would wait behind bytes that it never takes.
        connection_->stream.stream().abort();
    }
    connection_.reset();
}

bool Exchange::take_idle() noexcept {
    auto idle = cancelled_ ? nullptr : pool_->take_idle();
    if (!idle) return false;
    idle->was_idle = true;
    pool_->counters().reused.add();
    adopt(std::move(idle));
    return true;
}

net::Task<Result<void>> Exchange::connect() {
    release();
    phase_ = Phase::unsent;
    phase_at_ = Instant::max();
    searched_ = 0;
    interim_answers_ = 0;
    if (cancelled_) co_return broken(ErrorKind::upstream_unreachable, "cancelled");
    connector_ = std::make_unique<Connector>(*pool_);
    auto made = co_await connector_->run(std::min(now() + timeouts_.connect, total_at_));
    connector_.reset();
    if (!made) {
        const bool is_total = made.error().kind == ErrorKind::upstream_connect_timeout &&
                              pool_->services().deadlines.now() >= total_at_;
        co_return broken(is_total ? ErrorKind::upstream_total_timeout : made.error().kind,
                         std::move(made.error().detail));
    }
    adopt(std::move(*made));
    if (cancelled_) co_return broken(ErrorKind::upstream_unreachable, "cancelled");
    co_return Result<void>();
}

bool Exchange::was_stale(const Error& error) const noexcept {
    return error.kind == ErrorKind::upstream_closed && is_reused() && !has_answered() &&
           pool_->services().clock.now() - sent_at_ < stale_within;
}

net::WriteLimits Exchange::write_limits() const noexcept {
    return {.progress = timeouts_.between_bytes, .deadline = total_at_};
}

net::Task<Result<void>> Exchange::send(std::span<const net::asio::const_buffer> request,
                                       http::Method method) {
    if (cancelled_) co_return broken(ErrorKind::upstream_closed, "sending the request");
    method_ = method;
    sent_at_ = pool_->services().clock.now();
    net::TimedStream& stream = connection_->stream;
    const std::size_t size = net::asio::buffer_size(request);
    if (size <= short_request_bytes_max) {
        const Transferred written = co_await stream.write(request, write_limits());
        co_return after_write(written);
    }
    const std::size_t taken = stream.stream().is_tls() ? 0 : stream.stream().try_write(request);
    if (taken == size) {
        const Transferred written{.size = taken};
        co_return after_write(written);
    }
    if (taken > 0) phase_ = Phase::sending;
    co_return co_await send_and_listen(request, taken);
}

/// A write that failed is no error here: what the upstream has said before tells more.
Result<void> Exchange::after_write(const Transferred& written) {
    if (phase_ < Phase::sending && written.size > 0) phase_ = Phase::sending;
    if (written.ended == Ended::cancelled) {
        return broken(ErrorKind::upstream_closed, "sending the request");
    }
    is_cut_ = written.ended != Ended::done;
    if (written.ended == Ended::timed_out && phase_ < Phase::body) {
        connection_->stream.stream().abort();
        return timed_out("sending the request");
    }
    if (phase_ == Phase::sending) phase_ = Phase::sent;
    return {};
}

net::Task<Result<void>> Exchange::send_and_listen(std::span<const net::asio::const_buffer> request,
                                                  std::size_t skip) {
    const Services& services = pool_->services();
    net::TimedStream& stream = connection_->stream;
    const auto upload = std::make_shared<Upload>(services.context, services.deadlines);
    net::spawn(services.context, Upload::run(upload, stream, request, write_limits(), skip),
               "sending a request");
    auto listened = co_await listen(*upload);
    if (!listened || (phase_ >= Phase::body && head().status >= 300)) stream.wake_write();
    // The task uses the request and the stream: it must have ended before they do.
    while (upload->is_running) co_await upload->wait.forever();
    auto sent = after_write(upload->written);
    if (!listened) co_return listened;
    co_return sent;
}

net::Task<Result<void>> Exchange::listen(const Upload& upload) {
    while (upload.is_running && phase_ < Phase::body) {
        if (!has_room_for(read_bytes_min)) co_return no_memory();
        const auto room = connection_->in.room();
        const net::asio::mutable_buffer into(room.data(), room.size());
        const net::ReadLimits limits{.deadline = total_at_};
        const Transferred read = co_await connection_->stream.read_some(into, limits);
        if (read.ended == Ended::woken) continue;
        auto taken = after_read(read);
        if (!taken) co_return taken;
        auto head = take_head();
        if (!head) co_return std::move(head).failure();
    }
    co_return Result<void>();
}

Result<void> Exchange::after_read(const Transferred& read) {
    switch (read.ended) {
        case Ended::done:
            connection_->in.commit(read.size);
            if (phase_ < Phase::answering) phase_ = Phase::answering;
            return {};
        case Ended::closed:
            if (phase_ == Phase::body && !is_delimited()) {
                phase_ = Phase::complete;
                return {};
            }
            return broken(ErrorKind::upstream_closed,
                          "closed the connection before its answer was complete");
        case Ended::timed_out: return timed_out("waiting for the answer");
        case Ended::cancelled: return broken(ErrorKind::upstream_closed, "waiting for the answer");
        case Ended::woken:
        case Ended::failed: break;
    }
    return broken(ErrorKind::upstream_closed, read.error.message());
}

bool Exchange::has_room_for(std::size_t wanted) {
    return !connection_->in.try_make_room(wanted).empty();
}

Failure Exchange::no_memory() const {
    return broken(ErrorKind::overloaded, "server.memory has no room for its answer");
}

net::Task<Transferred> Exchange::read_some(Milliseconds timeout, Instant wake_at) {
    if (phase_at_ == Instant::max()) phase_at_ = now() + timeout;
    const auto free = connection_->in.room();
    const net::ReadLimits limits{.deadline = std::min(phase_at_, total_at_), .wake_at = wake_at};
    return connection_->stream.read_some(net::asio::mutable_buffer(free.data(), free.size()),
                                         limits);
}

Result<bool> Exchange::take_head() {
    net::ByteBuffer& in = connection_->in;
    http::ResponseHead& head = connection_->head;
    for (;;) {
        auto end = http::find_response_head_end(in.unread(), searched_, head_limits);
        if (!end) return broken(end.error().kind, std::move(end.error().detail));
        if (*end == 0) {
            searched_ = in.size();
            return false;
        }
        // The buffer is needed for the body, and moves: the head's views point into a copy.
        reserve_wiping(connection_->head_text, *end);
        connection_->head_text.assign(in.unread().substr(0, *end));
        in.consume(*end);
        searched_ = 0;
        auto parsed = http::parse_response_head(connection_->head_text, method_, head_limits, head);
        if (!parsed) return broken(parsed.error().kind, std::move(parsed.error().detail));
        if (head.status >= 200) break;
        if (++interim_answers_ > interim_answers_max) {
            return broken(ErrorKind::upstream_bad_response, "too many interim answers");
        }
    }
    phase_ = Phase::body;
    body_bytes_left_ = head.content_length;
    if (head.framing == http::Framing::chunked) {
        chunks_.emplace(ErrorKind::upstream_bad_response);
    } else if (is_delimited() && body_bytes_left_ == 0) {
        phase_ = Phase::complete;
    }
    return true;
}

void Exchange::begin_decoding() {
    http::ResponseHead& head = connection_->head;
    const std::string_view begun = connection_->in.unread().substr(0, payload_bytes_);
    const bool is_all = phase_ == Phase::complete;
    // What is in a coding that is not known stays as it is, and is judged as it looks.
    const auto named = http::content_codings_of(head.fields);
    const auto codings =
        http::codings_by_sight(named.value_or(http::ContentCodings()), begun, is_all);
    knows_codings_ = codings.has_value();
    if (!codings || codings->empty() || begun.empty()) return;
    decoded_ = std::make_unique<DecodedAnswer>(codings->list(), pool_->services().memory, share_);
    if (head.framing == http::Framing::content_length) {
        head.framing = http::Framing::chunked;
        head.content_length = 0;
    }
}

net::Task<Result<Arrival>> Exchange::receive_head(Instant wake_at) {
    while (phase_ < Phase::body) {
        if (!has_room_for(read_bytes_min)) co_return no_memory();
        const Transferred read = co_await read_some(timeouts_.first_byte, wake_at);
        if (read.ended == Ended::woken) co_return Arrival::silent;
        auto taken = after_read(read);
        if (!taken) co_return std::move(taken).failure();
        auto head = take_head();
        if (!head) co_return std::move(head).failure();
    }
    phase_at_ = Instant::max();
    co_return Arrival::complete;
}

std::string_view Exchange::decoded_body() const noexcept {
    return decoded_->content();
}

bool Exchange::is_decoded() const noexcept {
    return payload_bytes_ == 0 && decoded_->is_whole();
}

void Exchange::consume(std::size_t count) noexcept {
    if (decoded_) {
        decoded_->consume(count);
        return;
    }
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
    if (chunks_->done()) phase_ = Phase::complete;
    // Bytes after the end stay behind the payload: release() then sees that they are there.
    if (!raw.empty()) std::memmove(in.data() + payload_bytes_, raw.data(), raw.size());
    in.truncate(payload_bytes_ + raw.size());
    return {};
}

Result<void> Exchange::take_arrived() {
    auto taken = take_payload();
    if (!taken) return taken;
    if (!knows_codings_) begin_decoding();
    if (!decoded_) return taken;
    return decode_payload();
}

Result<void> Exchange::decode_payload() {
    if (payload_bytes_ == 0 && !decoded_->has_more()) {
        if (phase_ < Phase::complete || decoded_->is_whole()) return {};
        // What was decoded before has been handed out first.
        Failure cut = decoded_->cut();
        return broken(cut.error.kind, std::move(cut.error.detail));
    }
    auto decoded = decoded_->decode(connection_->in.unread().substr(0, payload_bytes_));
    if (!decoded) return broken(decoded.error().kind, std::move(decoded.error().detail));
    connection_->in.consume(*decoded);
    payload_bytes_ -= *decoded;
    return {};
}

Result<void> Exchange::take_payload() {
    net::ByteBuffer& in = connection_->in;
    if (phase_ == Phase::complete) return {};
    if (chunks_) return decode_chunks();
    const std::size_t arrived = in.size() - payload_bytes_;
    if (!is_delimited()) {
        payload_bytes_ += arrived;
        return {};
    }
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(arrived, body_bytes_left_));
    payload_bytes_ += taken;
    body_bytes_left_ -= taken;
    if (body_bytes_left_ == 0) phase_ = Phase::complete;
    return {};
}

net::Task<Result<Arrival>> Exchange::receive_body(std::size_t body_bytes_max, Instant wake_at) {
    const std::size_t had = body().size();
    for (;;) {
        auto taken = take_arrived();
        if (!taken) co_return std::move(taken).failure();
        const std::size_t has = body().size();
        if (is_complete() || has > had || has >= body_bytes_max) co_return Arrival::complete;
        if (phase_ == Phase::complete) continue;  // its content is not decoded to the end
        if (!has_room_for(read_bytes_)) co_return no_memory();
        const Transferred read = co_await read_some(timeouts_.between_bytes, wake_at);
        if (read.ended == Ended::woken) co_return Arrival::silent;
        phase_at_ = Instant::max();
        const bool has_filled = read.size == connection_->in.room().size();
        read_bytes_ = has_filled ? read_bytes_long : read_bytes_min;
        auto received = after_read(read);
        if (!received) co_return std::move(received).failure();
    }
}

net::Task<void> Exchange::finish() {
    phase_at_ = Instant::max();
    timeouts_.between_bytes = std::min(timeouts_.between_bytes, finish_timeout);
    while (!is_complete()) {
        consume(body().size());
        auto received = co_await receive_body(read_bytes_long);
        if (!received) co_return;
    }
}

}  // namespace sluicegate::upstream
