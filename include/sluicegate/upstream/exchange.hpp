#pragma once
/// One request to one upstream and its answer, over a pooled connection.
///
/// Order      take_idle() or connect(), send(), receive_head(), then receive_body() until
///            is_complete().
/// Ownership  holds its pool and one connection. A connection whose answer was taken completely
///            goes back to the pool when the exchange ends; any other is closed, which is also
///            how a request is cancelled.
/// Deadlines  connect, first byte, between bytes and total; the operation that waits ends with
///            upstream_connect_timeout, upstream_timeout, upstream_idle_timeout or
///            upstream_total_timeout.
/// Threads    one: the worker's.

#include "sluicegate/http/chunked_decoder.hpp"
#include "sluicegate/http/response_head.hpp"
#include "sluicegate/upstream/pool.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluicegate::upstream {

/// What a wait for the upstream has brought.
enum class Arrival : std::uint8_t {
    complete,  ///< what was waited for is there
    silent     ///< nothing until the time to wake up: call again to go on waiting
};

class Connector;

class Exchange {
public:
    /// `timeouts`: those of the upstream, or of the model that is asked for.
    Exchange(std::shared_ptr<Pool> pool, Instant now, const config::UpstreamTimeouts& timeouts);
    /// With the upstream's own timeouts.
    Exchange(std::shared_ptr<Pool> pool, Instant now);
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    ~Exchange();

    /// Takes an idle connection from the pool; false when none is fit.
    [[nodiscard]] bool take_idle() noexcept;
    /// Makes a new connection and verifies the peer. Errors: upstream_unreachable,
    /// upstream_connect_timeout.
    net::Task<Result<void>> connect();
    /// True when the connection has carried a request before: its end before the first byte of an
    /// answer then means that the upstream had closed it while it was idle.
    [[nodiscard]] bool is_reused() const noexcept { return is_reused_; }

    /// Writes the whole request. An upstream that answers early may stop reading: that is not an
    /// error here, the answer will tell.
    net::Task<Result<void>> send(std::span<const net::asio::const_buffer> request);

    /// The upstream may have seen the request, at least in part.
    [[nodiscard]] bool was_sent() const noexcept { return was_sent_; }

    /// Interim answers (1xx) are skipped, a few at most. `wake_at`: silent from then on, if there
    /// is no head yet. Errors: upstream_closed, upstream_bad_response, and the timeouts. Views in
    /// the head stay valid while the exchange holds its connection.
    net::Task<Result<Arrival>> receive_head(http::Method request_method,
                                            Instant wake_at = Instant::max());
    [[nodiscard]] const http::ResponseHead& head() const noexcept { return connection_->head; }
    /// True once any byte of an answer has arrived.
    [[nodiscard]] bool has_answered() const noexcept { return has_answered_; }

    /// Payload that has arrived and was not consumed; without chunk framing, contiguous.
    [[nodiscard]] std::string_view body() const noexcept {
        return connection_->in.unread().substr(0, payload_bytes_);
    }
    /// Uses up the first bytes of body().
    void consume(std::size_t count) noexcept;
    /// Waits until body() has grown or the answer is complete; what is there stays. At most
    /// `body_bytes_max` are held: then consume first. `wake_at` and errors as for receive_head().
    net::Task<Result<Arrival>> receive_body(std::size_t body_bytes_max,
                                            Instant wake_at = Instant::max());
    /// The part of receive_body() that needs no waiting: takes what has arrived already.
    Result<void> take_arrived();
    /// Drops the rest of an answer that is not needed any more, if it arrives within a moment: then
    /// its connection can carry another request.
    net::Task<void> finish();
    /// The answer has arrived completely, as its framing says; body() may still hold bytes. An
    /// answer that ends where its connection ends is complete then, and is_delimited() is false.
    [[nodiscard]] bool is_complete() const noexcept { return is_complete_; }
    [[nodiscard]] bool is_delimited() const noexcept {
        return head().framing != http::Framing::until_close;
    }

    /// Ends the operation that waits, if any, with `reason`, and closes the connection.
    void cancel(ErrorKind reason) noexcept;
    /// Brings the total deadline forward.
    void end_within(Milliseconds timeout) noexcept;

    [[nodiscard]] const config::Upstream& settings() const noexcept { return pool_->settings(); }

private:
    static void expired(void* self) noexcept;
    /// The phase that begins now, and what it means when it takes longer than `timeout`.
    void begin_phase(Milliseconds timeout, ErrorKind reason) noexcept;
    /// Arms the deadline for the phase, the total or the waking, whichever comes first.
    void arm(Instant wake_at) noexcept;
    void end_phase() noexcept;
    /// What a read of `size` bytes, or its failure, means for the answer.
    Result<void> after_read(const net::ErrorCode& error, std::size_t size);
    Result<void> decode_chunks();
    void adopt(std::unique_ptr<Connection> connection) noexcept;
    void release() noexcept;
    [[nodiscard]] Failure broken(ErrorKind otherwise, std::string detail) const;

    std::shared_ptr<Pool> pool_;
    std::unique_ptr<Connection> connection_;
    std::unique_ptr<Connector> connector_;  ///< while connect() runs
    net::Deadline deadline_;
    config::UpstreamTimeouts timeouts_;
    Instant total_at_;
    Instant phase_at_ = Instant::max();  ///< when the phase must have ended; max: between phases
    ErrorKind phase_reason_ = ErrorKind::upstream_timeout;
    Instant wake_at_ = Instant::max();
    bool has_woken_ = false;
    std::optional<ErrorKind> cancelled_;  ///< why the connection was closed under an operation
    bool is_reused_ = false;
    bool was_sent_ = false;
    bool is_sent_ = false;  ///< completely
    bool has_answered_ = false;
    bool last_read_filled_ = false;
    bool has_head_ = false;
    bool is_complete_ = false;

    std::optional<http::ChunkedDecoder> chunks_;
    std::uint64_t body_bytes_left_ = 0;  ///< of an answer with a length
    std::size_t payload_bytes_ = 0;      ///< decoded, at the front of the buffer
};

}  // namespace sluicegate::upstream
