#pragma once
/// A stream whose every wait has a limit, given with the call.
///
/// Reading    ends at its deadline, or early at `wake_at`; no byte is lost either way, and the
///            stream stays usable.
/// Writing    begins when the reactor has handled what was ready, so that bytes to many peers leave
///            in one burst; it is bounded by progress, not by size: it goes on as long as the peer
///            takes bytes.
/// Both       one read and one write may run at the same time; an interrupt of one wakes the other.
/// TLS        a read of TLS is many reads of the socket, and an interrupt can fall between two of
///            them. The stream therefore interrupts again at each tick until the operation has
///            ended, and closes where one that is too late does not end within a tick.
/// Precision  that of Deadlines: at most a tick late, never early.
/// Ownership  owns the stream; the Deadlines must outlive it.
/// Threads    one: the worker's.

#include "sluicegate/base/error.hpp"
#include "sluicegate/net/deadlines.hpp"
#include "sluicegate/net/stream.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

namespace sluicegate::net {

/// How an operation has ended.
enum class Ended : std::uint8_t {
    done,
    woken,      ///< before it was done, as the caller wished: call again to go on
    timed_out,  ///< its deadline has come, or the peer takes nothing any more
    cancelled,  ///< by cancel(), which closed the stream
    closed,     ///< the peer has ended its side in order
    failed      ///< `error` says why
};

struct Transferred {
    Ended ended = Ended::done;
    std::size_t size = 0;  ///< bytes that were transferred all the same
    ErrorCode error{};
};

struct ReadLimits {
    Instant deadline = Instant::max();
    Instant wake_at = Instant::max();
};

struct WriteLimits {
    /// How long the peer may take nothing.
    Milliseconds progress = std::chrono::hours(24);
    Instant deadline = Instant::max();
};

class TimedStream {
public:
    /// `tls_context` as for Stream.
    TimedStream(Deadlines& wheel, Socket socket, asio::ssl::context* tls_context);
    TimedStream(const TimedStream&) = delete;
    TimedStream& operator=(const TimedStream&) = delete;

    /// A handshake that is not done by `deadline` leaves a stream that is of no more use.
    Task<Transferred> accept_tls(Instant deadline);
    Task<Transferred> connect_tls(Instant deadline);

    /// Reads what is there, at least one byte when it is done. A deadline that has passed already
    /// ends it at once.
    Task<Transferred> read_some(asio::mutable_buffer into, ReadLimits limits);
    /// The same of a TLS stream before its handshake.
    Task<Transferred> read_before_tls(asio::mutable_buffer into, Instant deadline);
    /// Writes everything behind the first `skip` bytes. Buffers and the span must stay valid until
    /// the task ends.
    Task<Transferred> write(std::span<const asio::const_buffer> buffers, WriteLimits limits,
                            std::size_t skip = 0);

    /// Brings the deadlines of the operations that wait forward.
    void end_by(Instant deadline) noexcept;
    /// Ends the read that waits, if any, as woken.
    void wake_read() noexcept;
    /// Ends the write that waits, if any, as woken. Over TLS nothing can be written after it.
    void wake_write() noexcept;
    /// Closes; what waits ends as cancelled. The first reason stands.
    void cancel(ErrorKind reason) noexcept;

    [[nodiscard]] bool is_cancelled() const noexcept { return reason_.has_value(); }
    [[nodiscard]] std::optional<ErrorKind> cancel_reason() const noexcept { return reason_; }
    /// For everything that does not wait.
    [[nodiscard]] Stream& stream() noexcept { return stream_; }

private:
    /// What a read or a write that waits is bound by.
    struct Side {
        bool is_waiting = false;
        std::optional<Ended> interrupt;  ///< why it was interrupted, but has not ended yet
        Instant deadline = Instant::max();
        Instant look_at = Instant::max();  ///< when to wake the read, or to measure the write
    };
    /// What the peer of the write that waits had taken when it was looked at last.
    struct Progress {
        Milliseconds patience{};
        Instant moved_at{};
        std::size_t accepted = 0;
        int unacknowledged = -1;  ///< -1: not looked at yet
    };

    static void expired(void* self) noexcept;
    Task<Transferred> shake_hands(Task<std::tuple<ErrorCode>> handshake, Instant deadline);
    void begin(Side& side, Instant deadline, Instant look_at) noexcept;
    [[nodiscard]] Transferred end(Side& side, const ErrorCode& error, std::size_t size) noexcept;
    [[nodiscard]] std::optional<Ended> refusal(Instant deadline) const noexcept;
    void interrupt(Side& side, Ended why) noexcept;
    void look_at_progress(Instant now) noexcept;
    void arm() noexcept;

    Stream stream_;
    Deadlines& wheel_;
    Deadline deadline_;
    std::optional<ErrorKind> reason_;
    Side read_;
    Side write_;
    Progress progress_;
    std::size_t accepted_ = 0;  ///< by the write that runs
};

}  // namespace sluicegate::net
