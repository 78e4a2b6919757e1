#pragma once
/// One request to one upstream and its answer, over a pooled connection.
///
/// Order      take_idle() or connect(), send(), receive_head(), then receive_body() until
///            is_complete(). ask() does the first three, and again where that is right.
/// Ownership  holds its pool and one connection. A connection whose answer was taken completely
///            goes back to the pool when the exchange ends; any other is closed, which is also
///            how a request is cancelled.
/// Codings    an answer in gzip, deflate, br or zstd is decoded as it arrives. Its head then looks
///            as if it had been chunked: how long the content is, is not known before its end.
/// Deadlines  connect, first byte, between bytes and total; the operation that waits ends with
///            upstream_connect_timeout, upstream_timeout, upstream_idle_timeout or
///            upstream_total_timeout.
/// Threads    one: the worker's.

#include "sluicegate/http/chunked_decoder.hpp"
#include "sluicegate/http/response_head.hpp"
#include "sluicegate/upstream/pool.hpp"

#include <memory>
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
class DecodedAnswer;

class Exchange {
public:
    /// `timeouts`: those of the upstream, or of the model that is asked for.
    Exchange(std::shared_ptr<Pool> pool, Instant now, const config::UpstreamTimeouts& timeouts);
    /// With the upstream's own timeouts.
    Exchange(std::shared_ptr<Pool> pool, Instant now);
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    ~Exchange();

    /// What the answer takes of server.memory counts for `share`, which must outlive the exchange.
    /// Before there is a connection.
    void charge_to(MemoryShare& share) noexcept { share_ = &share; }

    /// Takes an idle connection from the pool; false when none is fit.
    [[nodiscard]] bool take_idle() noexcept;
    /// Makes a new connection and verifies the peer. Errors: upstream_unreachable,
    /// upstream_connect_timeout.
    net::Task<Result<void>> connect();

    /// True when the connection was idle before it got the request.
    [[nodiscard]] bool is_reused() const noexcept { return connection_ && connection_->was_idle; }

    /// Writes the request, and reads while it writes: a final answer other than a success ends the
    /// sending at once (RFC 9112, 9.5), and the connection is not used again then. That the
    /// upstream stops reading is an error only while it does not answer: upstream_idle_timeout
    /// after timeouts.between_bytes, or upstream_closed.
    net::Task<Result<void>> send(std::span<const net::asio::const_buffer> request,
                                 http::Method method = http::Method::post);
    /// The upstream may have seen the request, at least in part.
    [[nodiscard]] bool was_sent() const noexcept { return phase_ >= Phase::sending; }
    /// The request is with the upstream, and its head has not arrived.
    [[nodiscard]] bool awaits_head() const noexcept {
        return phase_ == Phase::sent || phase_ == Phase::answering;
    }
    /// The upstream had closed the connection while it was idle, and has not seen the request: it
    /// may be sent again. `error` is what the exchange has ended with.
    [[nodiscard]] bool was_stale(const Error& error) const noexcept;

    /// Interim answers (1xx) are skipped, a few at most. `wake_at`: silent from then on, if there
    /// is no head yet. Errors: upstream_closed, upstream_bad_response, and the timeouts. Views in
    /// the head stay valid while the exchange holds its connection.
    net::Task<Result<Arrival>> receive_head(Instant wake_at = Instant::max());
    [[nodiscard]] const http::ResponseHead& head() const noexcept { return connection_->head; }
    /// True once any byte of an answer has arrived.
    [[nodiscard]] bool has_answered() const noexcept { return phase_ >= Phase::answering; }

    /// Payload that has arrived and was not consumed; contiguous, without chunk framing and content
    /// coding.
    [[nodiscard]] std::string_view body() const noexcept {
        if (decoded_) return decoded_body();
        if (!knows_codings_) return {};
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
    [[nodiscard]] bool is_complete() const noexcept {
        return phase_ == Phase::complete && (!decoded_ || is_decoded());
    }
    /// body() is without the content codings that the upstream used.
    [[nodiscard]] bool was_decoded() const noexcept { return decoded_ != nullptr; }
    [[nodiscard]] bool is_delimited() const noexcept {
        return head().framing != http::Framing::until_close;
    }

    /// Ends the operation that waits, if any, with `reason`, and closes the connection.
    void cancel(ErrorKind reason) noexcept;
    /// Brings the total deadline forward.
    void end_within(Milliseconds timeout) noexcept;

    [[nodiscard]] const config::Upstream& settings() const noexcept { return *settings_; }

private:
    /// How far it has come. Each phase follows the one above it; an early answer skips `sent`.
    enum class Phase : std::uint8_t {
        unsent,
        sending,    ///< the upstream may have a part of the request
        sent,       ///< it has all of it, or as much as it wants
        answering,  ///< a byte of the answer is there
        body,       ///< the head is there
        complete
    };
    struct Upload;

    net::Task<Result<void>> send_and_listen(std::span<const net::asio::const_buffer> request,
                                            std::size_t skip);
    /// Reads on until an early answer is known, or until the upload has ended.
    net::Task<Result<void>> listen(const Upload& upload);
    [[nodiscard]] net::WriteLimits write_limits() const noexcept;
    Result<void> after_write(const net::Transferred& written);
    /// Within the phase that waits, which may take `timeout`.
    /// Makes room for the next read, less than wanted where server.memory has no more.
    [[nodiscard]] bool has_room_for(std::size_t wanted);
    [[nodiscard]] Failure no_memory() const;
    net::Task<net::Transferred> read_some(Milliseconds timeout, Instant wake_at);
    /// What a read means for the answer.
    Result<void> after_read(const net::Transferred& read);
    /// Parses the head if all of it has arrived; true once the final one is there.
    Result<bool> take_head();
    /// Once the first bytes have told in which codings the content is.
    void begin_decoding();
    [[nodiscard]] std::string_view decoded_body() const noexcept;
    [[nodiscard]] bool is_decoded() const noexcept;
    Result<void> take_payload();
    Result<void> decode_payload();
    Result<void> decode_chunks();
    void adopt(std::unique_ptr<Connection> connection) noexcept;
    void release() noexcept;
    /// Now, for a timeout that begins: a look at the time of the last tick is cheaper than one at
    /// the clock, and precise enough.
    [[nodiscard]] Instant now() const noexcept;
    /// Closes the connection; the failure says which deadline has passed.
    Failure timed_out(std::string detail);
    [[nodiscard]] Failure broken(ErrorKind otherwise, std::string detail) const;

    std::shared_ptr<Pool> pool_;
    Pool::Settings settings_;  ///< those in force when it began
    std::unique_ptr<Connection> connection_;
    MemoryShare* share_ = nullptr;
    std::unique_ptr<Connector> connector_;  ///< while connect() runs
    config::UpstreamTimeouts timeouts_;
    Instant total_at_;
    Instant phase_at_ = Instant::max();  ///< when the wait that goes on must end; max: none does
    Instant sent_at_{};
    std::optional<ErrorKind> cancelled_;  ///< why the connection was closed under an operation
    Phase phase_ = Phase::unsent;
    /// The upload was given up: the connection cannot carry another request.
    bool is_cut_ = false;
    http::Method method_ = http::Method::post;
    int interim_answers_ = 0;
    std::size_t searched_ = 0;  ///< bytes that hold no end of a head
    std::size_t read_bytes_;    ///< room for the next read of the body

    std::optional<http::ChunkedDecoder> chunks_;
    std::uint64_t body_bytes_left_ = 0;  ///< of an answer with a length
    std::size_t payload_bytes_ = 0;      ///< without its framing, at the front of the buffer
    bool knows_codings_ = false;
    std::unique_ptr<DecodedAnswer> decoded_;  ///< null without a content coding
};

}  // namespace sluicegate::upstream
