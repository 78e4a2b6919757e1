#include "sluicegate/net/stream.hpp"

#include "sluicegate/base/secret.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <climits>
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utility>

namespace sluicegate::net {
namespace {

/// A TLS record carries at most 16 KiB (RFC 8446, 5.1); gathered pieces up to that size are joined
/// so that they leave in one record and one system call.
constexpr std::size_t joined_bytes_max = 16 * 1024;

constexpr int keep_alive_idle_seconds = 30;
constexpr int keep_alive_interval_seconds = 10;
constexpr int keep_alive_probes = 3;
constexpr Milliseconds peer_timeout_min{60'000};

void set_integer(int socket, int level, int name, int value) noexcept {
    ::setsockopt(socket, level, name, &value, sizeof value);
}

}  // namespace

struct Stream::Tls {
    Tls(Socket& socket, asio::ssl::context& context) : stream(socket, context) {}
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;
    ~Tls() { wipe(joined); }

    /// What was read from the socket and not asked for yet lies here.
    [[nodiscard]] bool has_unread() {
        SSL* handle = stream.native_handle();
        return SSL_has_pending(handle) == 1 || BIO_ctrl_pending(SSL_get_rbio(handle)) > 0;
    }
    /// Takes in what has arrived, without waiting: true when any of it is data, an end or an error.
    [[nodiscard]] bool receives_data(Socket& socket) {
        ErrorCode error;
        socket.non_blocking(true, error);
        if (error) return true;
        char byte = 0;
        stream.read_some(asio::buffer(&byte, 1), error);
        return error != asio::error::would_block || has_unread();
    }

    asio::ssl::stream<Socket&> stream;
    std::string joined;  ///< may hold an upstream's key
    asio::const_buffer joined_buffer;
};

Stream::Stream(Socket socket, asio::ssl::context* tls_context)
    : socket_(std::move(socket)),
      tls_(tls_context == nullptr ? nullptr : std::make_unique<Tls>(socket_, *tls_context)) {
}

Stream::~Stream() {
    // OpenSSL never resumes the session of a connection that it frees before a close_notify was
    // sent. None is sent here, and TLS does not ask for one (RFC 5246, 7.2.1).
    if (tls_) SSL_set_shutdown(tls_handle(), SSL_SENT_SHUTDOWN);
}

Task<std::tuple<ErrorCode>> Stream::accept_tls() {
    return tls_->stream.async_handshake(asio::ssl::stream_base::server, use_result);
}

Task<std::tuple<ErrorCode>> Stream::connect_tls() {
    return tls_->stream.async_handshake(asio::ssl::stream_base::client, use_result);
}

Task<Transfer> Stream::read_some(asio::mutable_buffer into) {
    if (tls_) return tls_->stream.async_read_some(asio::mutable_buffer(into), use_result);
    return socket_.async_read_some(asio::mutable_buffer(into), use_result);
}

Task<Transfer> Stream::read_before_tls(asio::mutable_buffer into) {
    return socket_.async_read_some(asio::mutable_buffer(into), use_result);
}

Task<Transfer> Stream::write(std::span<const asio::const_buffer> buffers) {
    if (tls_) return asio::async_write(tls_->stream, in_one_record(buffers), use_result);
    return asio::async_write(socket_, buffers, use_result);
}

Task<Transfer> Stream::write_some(std::span<const asio::const_buffer> buffers) {
    if (tls_) return tls_->stream.async_write_some(buffers, use_result);
    return socket_.async_write_some(buffers, use_result);
}

std::size_t Stream::try_write(std::span<const asio::const_buffer> buffers) noexcept {
    ErrorCode error;
    // Asio would ask the kernel each time, though it knows the mode.
    if (!socket_.non_blocking()) socket_.non_blocking(true, error);
    return error ? 0 : socket_.write_some(buffers, error);
}

std::span<const asio::const_buffer> Stream::in_one_record(
    std::span<const asio::const_buffer> buffers) {
    if (!tls_ || buffers.size() < 2 || asio::buffer_size(buffers) > joined_bytes_max) {
        return buffers;
    }
    tls_->joined.clear();
    reserve_wiping(tls_->joined, asio::buffer_size(buffers));
    for (const asio::const_buffer& buffer : buffers) {
        tls_->joined.append(static_cast<const char*>(buffer.data()), buffer.size());
    }
    tls_->joined_buffer = asio::buffer(tls_->joined);
    return {&tls_->joined_buffer, 1};
}

void Stream::wipe_joined() noexcept {
    ::explicit_bzero(tls_->joined.data(), tls_->joined.size());
    tls_->joined.clear();
}

int Stream::unacknowledged_bytes() noexcept {
    int count = 0;
    return ::ioctl(socket_.native_handle(), SIOCOUTQ, &count) == 0 ? count : 0;
}

void Stream::shutdown_send() noexcept {
    ErrorCode ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::cancel() noexcept {
    ErrorCode ignored;
    socket_.cancel(ignored);
}

void Stream::close() noexcept {
    ErrorCode ignored;
    socket_.close(ignored);
}

void Stream::abort() noexcept {
    ErrorCode ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
}

bool Stream::is_open() const noexcept {
    return socket_.is_open();
}

ssl_st* Stream::tls_handle() noexcept {
    return tls_ ? tls_->stream.native_handle() : nullptr;
}

bool Stream::is_quiet() noexcept {
    if (tls_ && tls_->has_unread()) return false;
    char byte = 0;
    const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0 && tls_) return !tls_->receives_data(socket_);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

bool is_shortage(const ErrorCode& error) noexcept {
    return error == asio::error::no_descriptors || error == asio::error::no_buffer_space ||
           error == asio::error::no_memory ||
           error == boost::system::errc::too_many_files_open_in_system;
}

AddressBytes peer_address(Socket& socket) noexcept {
    AddressBytes bytes{};
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (::getpeername(socket.native_handle(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
        return bytes;
    }
    if (storage.ss_family == AF_INET) {
        sockaddr_in address{};
        std::memcpy(&address, &storage, sizeof address);
        bytes[10] = bytes[11] = 0xFF;
        std::memcpy(bytes.data() + 12, &address.sin_addr, 4);
    } else if (storage.ss_family == AF_INET6) {
        sockaddr_in6 address{};
        std::memcpy(&address, &storage, sizeof address);
        std::memcpy(bytes.data(), &address.sin6_addr, 16);
    }
    return bytes;
}

void set_no_delay(Socket& socket) noexcept {
    set_integer(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, 1);
}

void set_keep_alive(int socket) noexcept {
    set_integer(socket, IPPROTO_TCP, TCP_KEEPIDLE, keep_alive_idle_seconds);
    set_integer(socket, IPPROTO_TCP, TCP_KEEPINTVL, keep_alive_interval_seconds);
    set_integer(socket, IPPROTO_TCP, TCP_KEEPCNT, keep_alive_probes);
    set_integer(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
}

void set_peer_timeout(int socket, Milliseconds progress) noexcept {
    const std::int64_t milliseconds = std::max(progress, peer_timeout_min).count();
    set_integer(socket, IPPROTO_TCP, TCP_USER_TIMEOUT,
                static_cast<int>(std::min<std::int64_t>(milliseconds, INT_MAX)));
}

}  // namespace sluicegate::net
