#pragma once
/// One connected socket, plain or TLS behind it: the only seam between the request path and the
/// reactor underneath.
///
/// Ownership  owns the descriptor; closed by the destructor.
/// Threads    one: the worker whose io_context the socket belongs to.
/// Waiting    no operation has a limit of its own: TimedStream adds them.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/net/types.hpp"

#include <boost/asio/buffer.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

struct ssl_st;

namespace boost::asio::ssl {
class context;
}  // namespace boost::asio::ssl

namespace sluicegate::net {

/// IPv6, or IPv4 mapped into it (RFC 4291, 2.5.5.2), in network byte order.
using AddressBytes = std::array<std::uint8_t, 16>;

class Stream {
public:
    /// `tls_context` is null for a plain stream, and must outlive this one otherwise.
    Stream(Socket socket, asio::ssl::context* tls_context);
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream();

    /// The TLS handshake as a server or a client; the verification of the peer is the context's.
    Task<std::tuple<ErrorCode>> accept_tls();
    Task<std::tuple<ErrorCode>> connect_tls();

    /// Reads what is there, at least one byte. The orderly end of the stream is asio::error::eof.
    Task<Transfer> read_some(asio::mutable_buffer into);
    /// The same of a TLS stream before its handshake.
    Task<Transfer> read_before_tls(asio::mutable_buffer into);
    /// Writes everything, gathered into as few system calls as possible. Buffers and the span must
    /// stay valid until the task ends.
    Task<Transfer> write(std::span<const asio::const_buffer> buffers);

    /// Ends the sending direction: the peer sees the connection end after what was written. Over
    /// TLS no close_notify is sent, so that the end is not taken for the end of the data.
    void shutdown_send() noexcept;
    /// Takes what the kernel accepts without waiting, which may be nothing. Only of a plain stream;
    /// an error shows at the next write_some().
    [[nodiscard]] std::size_t try_write(std::span<const asio::const_buffer> buffers) noexcept;
    /// Writes at least one byte. Over TLS at most one record, of the first buffer that is not
    /// empty.
    Task<Transfer> write_some(std::span<const asio::const_buffer> buffers);
    /// Joins buffers that fit one TLS record, so that they leave in one; others stay as they are.
    /// What it returns is valid until the next call.
    [[nodiscard]] std::span<const asio::const_buffer> in_one_record(
        std::span<const asio::const_buffer> buffers);
    /// Forgets the bytes that were joined: they may hold a key.
    void wipe_record() noexcept {
        if (tls_) wipe_joined();
    }
    /// Bytes that were written and that the peer has not acknowledged, as the kernel counts them.
    [[nodiscard]] int unacknowledged_bytes() noexcept;
    /// Ends the operations that wait with an error. A plain stream stays usable. Of a TLS stream
    /// only the reading side does, if a write was under way; an operation that had just got the
    /// last byte that it waited for may go on and wait for more.
    void cancel() noexcept;
    /// Closes now; operations that wait end with an error.
    void close() noexcept;
    /// Closes with a reset, so that the peer cannot take what it has for a complete message.
    void abort() noexcept;

    [[nodiscard]] bool is_open() const noexcept;
    [[nodiscard]] bool is_tls() const noexcept { return tls_ != nullptr; }
    [[nodiscard]] int native_handle() noexcept { return socket_.native_handle(); }
    /// The OpenSSL object, null for plain streams.
    [[nodiscard]] ssl_st* tls_handle() noexcept;
    /// True when nothing has arrived on an idle connection: no end, no reset, no stray bytes. What
    /// TLS sends for itself, such as session tickets, is taken in and does not count.
    [[nodiscard]] bool is_quiet() noexcept;
    /// The socket of a plain stream, for another owner.
    [[nodiscard]] Socket release() noexcept { return std::move(socket_); }

private:
    struct Tls;
    void wipe_joined() noexcept;

    Socket socket_;
    std::unique_ptr<Tls> tls_;
};

/// The error says that this process or system lacks something, such as descriptors.
[[nodiscard]] bool is_shortage(const ErrorCode& error) noexcept;
/// Address of the peer; all zero for a Unix socket.
[[nodiscard]] AddressBytes peer_address(Socket& socket) noexcept;
void set_no_delay(Socket& socket) noexcept;
/// Probes a peer that has been silent for 30 s, so that a dead one is found in a minute. Of a
/// listener: for the connections that it accepts. Nothing for Unix sockets.
void set_keep_alive(int socket) noexcept;
/// How long a peer may leave bytes or probes without an acknowledgement: a minute, or `progress` if
/// that is longer. Linux ends a connection after it even where the peer answers, but keeps its
/// window closed, so it must not be shorter than the bound on a write.
void set_peer_timeout(int socket, Milliseconds progress) noexcept;

}  // namespace sluicegate::net
