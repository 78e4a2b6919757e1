#include "sluicegate/net/timed_stream.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace sluicegate::net {
namespace {

constexpr Milliseconds tick = Deadlines::tick_length;
/// A write that waits is looked at so many times within its patience.
constexpr int looks_per_patience = 4;

/// Some buffers of a longer row, beginning behind its first bytes.
class Window {
public:
    Window(std::span<const asio::const_buffer> all, std::size_t skip) noexcept {
        for (const asio::const_buffer& buffer : all) {
            if (count_ == buffers_.size()) break;
            if (skip < buffer.size()) buffers_[count_++] = buffer + skip;
            skip -= std::min(skip, buffer.size());
        }
    }
    [[nodiscard]] std::span<const asio::const_buffer> buffers() const noexcept {
        return std::span(buffers_).first(count_);
    }

private:
    std::array<asio::const_buffer, 8> buffers_;
    std::size_t count_ = 0;
};

}  // namespace

TimedStream::TimedStream(Deadlines& wheel, Socket socket, asio::ssl::context* tls_context)
    : stream_(std::move(socket), tls_context),
      wheel_(wheel),
      deadline_(wheel, this, &TimedStream::expired) {
}

void TimedStream::begin(Side& side, Instant deadline, Instant look_at) noexcept {
    side = {
        .is_waiting = true, .interrupt = std::nullopt, .deadline = deadline, .look_at = look_at};
    arm();
}

Transferred TimedStream::end(Side& side, const ErrorCode& error, std::size_t size) noexcept {
    side.is_waiting = false;
    arm();
    if (!error) return {.ended = Ended::done, .size = size};
    Transferred result{.ended = Ended::failed, .size = size, .error = error};
    // What the peer has done counts before an interrupt that came at the same time: the kernel
    // tells an error only once.
    const bool was_interrupted = error == asio::error::operation_aborted || !stream_.is_open();
    if (reason_) {
        result.ended = Ended::cancelled;
    } else if (error == asio::error::eof) {
        result.ended = Ended::closed;
    } else if (side.interrupt && was_interrupted) {
        result.ended = *side.interrupt;
    }
    return result;
}

void TimedStream::arm() noexcept {
    Instant next = Instant::max();
    for (const Side* side : {&read_, &write_}) {
        if (side->is_waiting) next = std::min({next, side->deadline, side->look_at});
    }
    if (next == Instant::max()) {
        deadline_.disarm();
    } else {
        deadline_.arm(next);
    }
}

void TimedStream::expired(void* self) noexcept {
    auto& stream = *static_cast<TimedStream*>(self);
    const Instant now = stream.wheel_.now();
    for (Side* side : {&stream.read_, &stream.write_}) {
        if (!side->is_waiting) continue;
        if (now >= side->deadline) {
            stream.interrupt(*side, Ended::timed_out);
        } else if (now >= side->look_at && (side == &stream.read_ || side->interrupt)) {
            stream.interrupt(*side, Ended::woken);
        } else if (now >= side->look_at) {
            stream.look_at_progress(now);
        }
    }
    stream.arm();
}

void TimedStream::interrupt(Side& side, Ended why) noexcept {
    // It was to end a tick ago, but something keeps it: only closing is certain.
    if (side.interrupt == Ended::timed_out) return stream_.close();
    const Instant again_at = wheel_.now() + tick;
    // The socket cannot cancel one of its operations alone.
    for (Side* other : {&read_, &write_}) {
        if (!other->is_waiting || other->interrupt) continue;
        other->interrupt = Ended::woken;
        other->look_at = again_at;
    }
    side.interrupt = why;
    side.look_at = again_at;
    if (why == Ended::timed_out) side.deadline = again_at;
    stream_.cancel();
}

void TimedStream::look_at_progress(Instant now) noexcept {
    const int unacknowledged = stream_.unacknowledged_bytes();
    const bool has_moved = progress_.unacknowledged < 0 || accepted_ != progress_.accepted ||
                           unacknowledged < progress_.unacknowledged;
    if (has_moved) progress_.moved_at = now;
    progress_.accepted = accepted_;
    progress_.unacknowledged = unacknowledged;
    const Instant give_up_at = progress_.moved_at + progress_.patience;
    if (now >= give_up_at) return interrupt(write_, Ended::timed_out);
    const Milliseconds pause = std::max(progress_.patience / looks_per_patience, tick);
    write_.look_at = std::min(give_up_at, now + pause);
}

std::optional<Ended> TimedStream::refusal(Instant deadline) const noexcept {
    if (reason_) return Ended::cancelled;
    if (deadline <= wheel_.now()) return Ended::timed_out;
    return std::nullopt;
}

Task<Transferred> TimedStream::shake_hands(Task<std::tuple<ErrorCode>> handshake,
                                           Instant deadline) {
    begin(read_, deadline, Instant::max());
    auto [error] = co_await std::move(handshake);
    co_return end(read_, error, 0);
}

Task<Transferred> TimedStream::accept_tls(Instant deadline) {
    return shake_hands(stream_.accept_tls(), deadline);
}

Task<Transferred> TimedStream::connect_tls(Instant deadline) {
    return shake_hands(stream_.connect_tls(), deadline);
}

Task<Transferred> TimedStream::read_some(asio::mutable_buffer into, ReadLimits limits) {
    if (const auto refused = refusal(limits.deadline)) co_return Transferred{.ended = *refused};
    begin(read_, limits.deadline, limits.wake_at);
    auto [error, size] = co_await stream_.read_some(into);
    co_return end(read_, error, size);
}

Task<Transferred> TimedStream::read_before_tls(asio::mutable_buffer into, Instant deadline) {
    if (const auto refused = refusal(deadline)) co_return Transferred{.ended = *refused};
    begin(read_, deadline, Instant::max());
    auto [error, size] = co_await stream_.read_before_tls(into);
    co_return end(read_, error, size);
}

Task<Transferred> TimedStream::write(std::span<const asio::const_buffer> buffers,
                                     WriteLimits limits, std::size_t skip) {
    if (const auto refused = refusal(limits.deadline)) co_return Transferred{.ended = *refused};
    if (skip == 0) buffers = stream_.in_one_record(buffers);
    const std::size_t size = asio::buffer_size(buffers);
    accepted_ = skip;
    progress_ = {.patience = limits.progress};
    begin(write_, limits.deadline, wheel_.now() + tick);
    // A peer that the first bytes of a burst have woken finds the rest without sleeping in between.
    co_await asio::post(asio::deferred);
    ErrorCode failure;
    while (accepted_ < size && !write_.interrupt && !failure) {
        const Window rest(buffers, accepted_);
        auto [error, taken] = co_await stream_.write_some(rest.buffers());
        accepted_ += taken;
        failure = error;
    }
    stream_.wipe_record();
    if (accepted_ < size && !failure) failure = asio::error::operation_aborted;
    co_return end(write_, failure, accepted_);
}

void TimedStream::end_by(Instant deadline) noexcept {
    read_.deadline = std::min(read_.deadline, deadline);
    write_.deadline = std::min(write_.deadline, deadline);
    arm();
}

void TimedStream::wake_read() noexcept {
    if (!read_.is_waiting || read_.interrupt) return;
    interrupt(read_, Ended::woken);
    arm();
}

void TimedStream::wake_write() noexcept {
    if (!write_.is_waiting || write_.interrupt) return;
    interrupt(write_, Ended::woken);
    arm();
}

void TimedStream::cancel(ErrorKind reason) noexcept {
    if (!reason_) reason_ = reason;
    stream_.close();
}

}  // namespace sluicegate::net
