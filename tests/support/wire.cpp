#include "support/wire.hpp"

#include <openssl/err.h>

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace sluicegate::support {
namespace {

[[noreturn]] void throw_errno(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void make_nonblocking(int descriptor) {
    const int flags = ::fcntl(descriptor, F_GETFL);
    if (flags < 0 || ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) throw_errno("fcntl");
}

/// OpenSSL writes with write(2), which raises SIGPIPE when the peer has gone.
void ignore_broken_pipes() {
    static const auto previous = std::signal(SIGPIPE, SIG_IGN);
    static_cast<void>(previous);
}

void disable_nagle(int descriptor) {
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

const sockaddr* as_sockaddr(const sockaddr_in& address) {
    return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

/// A TCP socket at that address; a port of 0 becomes the one that the kernel chose.
int bound_socket(sockaddr_in& address) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) throw_errno("socket");
    const int on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    socklen_t size = sizeof address;
    auto* const out = static_cast<sockaddr*>(static_cast<void*>(&address));
    if (::bind(descriptor, out, size) < 0 || ::getsockname(descriptor, out, &size) < 0) {
        throw_errno("bind");
    }
    return descriptor;
}

}  // namespace

Wire::Wire(int descriptor) : descriptor_(descriptor) {
    ignore_broken_pipes();
    make_nonblocking(descriptor_);
    disable_nagle(descriptor_);
}

Wire Wire::connect(std::uint16_t port, Deadline deadline, int receive_buffer) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) throw_errno("socket");
    if (receive_buffer > 0) {
        ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    Wire wire(descriptor);
    const sockaddr_in address = loopback(port);
    if (::connect(descriptor, as_sockaddr(address), sizeof address) < 0) {
        if (errno != EINPROGRESS) throw_errno("connect");
        if (!wire.wait(POLLOUT, deadline)) throw std::runtime_error("connect: deadline passed");
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) throw std::system_error(error, std::generic_category(), "connect");
    }
    return wire;
}

Wire::Wire(Wire&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), ssl_(std::move(other.ssl_)) {
}

Wire& Wire::operator=(Wire&& other) noexcept {
    if (this != &other) {
        cut();
        descriptor_ = std::exchange(other.descriptor_, -1);
        ssl_ = std::move(other.ssl_);
    }
    return *this;
}

Wire::~Wire() {
    cut();
}

bool Wire::wait(short events, Deadline deadline) const {
    for (;;) {
        pollfd entry{.fd = descriptor_, .events = events, .revents = 0};
        const int ready = ::poll(&entry, 1, deadline.poll_timeout());
        if (ready > 0) return true;
        if (ready == 0) return false;
        if (errno != EINTR) throw_errno("poll");
    }
}

bool Wire::handshake(int (*step)(SSL*), Deadline deadline) {
    for (;;) {
        ERR_clear_error();
        const int result = step(ssl_.get());
        if (result == 1) return true;
        const int reason = SSL_get_error(ssl_.get(), result);
        if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) return false;
        if (!wait(reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline)) return false;
    }
}

bool Wire::start_tls_client(SSL_CTX* context, const std::string& server_name, Deadline deadline,
                            SSL_SESSION* session) {
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), descriptor_);
    if (session != nullptr) SSL_set_session(ssl_.get(), session);
    if (!server_name.empty()) {
        // SSL_set_tlsext_host_name, without the cast inside that macro.
        std::string name = server_name;
        SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
    }
    return handshake(SSL_connect, deadline);
}

bool Wire::start_tls_server(SSL_CTX* context, Deadline deadline) {
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), descriptor_);
    return handshake(SSL_accept, deadline);
}

ReadResult Wire::read_some(Deadline deadline) {
    if (!is_open()) return {ReadEnd::eof, {}};
    std::array<char, 65536> buffer;
    for (;;) {
        short wanted = POLLIN;
        if (ssl_ != nullptr) {
            ERR_clear_error();
            const int size = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
            if (size > 0) {
                return {ReadEnd::data, std::string(buffer.data(), static_cast<std::size_t>(size))};
            }
            const int reason = SSL_get_error(ssl_.get(), size);
            if (reason == SSL_ERROR_ZERO_RETURN) return {ReadEnd::eof, {}};
            if (reason == SSL_ERROR_WANT_WRITE) {
                wanted = POLLOUT;
            } else if (reason != SSL_ERROR_WANT_READ) {
                return {ReadEnd::reset, {}};
            }
        } else {
            const ssize_t size = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
            if (size > 0) {
                return {ReadEnd::data, std::string(buffer.data(), static_cast<std::size_t>(size))};
            }
            if (size == 0) return {ReadEnd::eof, {}};
            if (errno != EAGAIN && errno != EINTR) return {ReadEnd::reset, {}};
        }
        if (!wait(wanted, deadline)) return {ReadEnd::timeout, {}};
    }
}

std::size_t Wire::write_all(std::string_view bytes, Deadline deadline) {
    std::size_t sent = 0;
    while (is_open() && sent < bytes.size()) {
        const std::string_view rest = bytes.substr(sent, std::size_t{1} << 20);
        short wanted = POLLOUT;
        if (ssl_ != nullptr) {
            ERR_clear_error();
            const int size = SSL_write(ssl_.get(), rest.data(), static_cast<int>(rest.size()));
            if (size > 0) {
                sent += static_cast<std::size_t>(size);
                continue;
            }
            const int reason = SSL_get_error(ssl_.get(), size);
            if (reason == SSL_ERROR_WANT_READ) {
                wanted = POLLIN;
            } else if (reason != SSL_ERROR_WANT_WRITE) {
                return sent;
            }
        } else {
            const ssize_t size = ::send(descriptor_, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (size >= 0) {
                sent += static_cast<std::size_t>(size);
                continue;
            }
            if (errno != EAGAIN && errno != EINTR) return sent;
        }
        if (!wait(wanted, deadline)) return sent;
    }
    return sent;
}

bool Wire::peer_has_closed() const {
    if (!is_open()) return true;
    pollfd entry{.fd = descriptor_, .events = POLLRDHUP, .revents = 0};
    return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void Wire::half_close() {
    if (ssl_ != nullptr) SSL_shutdown(ssl_.get());
    ::shutdown(descriptor_, SHUT_WR);
}

void Wire::close() {
    if (ssl_ != nullptr && is_open()) SSL_shutdown(ssl_.get());
    cut();
}

void Wire::cut() {
    ssl_.reset();
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void Wire::reset() {
    if (is_open()) {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    cut();
}

ListeningSocket::ListeningSocket(int backlog) : descriptor_(-1), backlog_(backlog) {
    // Linux gives up a port that it chose itself as soon as its socket stops listening; one that
    // was asked for by number it keeps.
    sockaddr_in address = loopback(0);
    const int chooser = bound_socket(address);
    descriptor_ = bound_socket(address);
    ::close(chooser);
    if (::listen(descriptor_, backlog_) < 0) throw_errno("listen");
    make_nonblocking(descriptor_);
    port_ = ntohs(address.sin_port);
}

ListeningSocket::~ListeningSocket() {
    ::close(descriptor_);
}

Wire ListeningSocket::accept(Deadline deadline) {
    for (;;) {
        if (!is_listening_) {
            if (deadline.has_passed()) return Wire();
            std::this_thread::sleep_for(milliseconds(2));
            continue;
        }
        const int accepted = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
        if (accepted >= 0) return Wire(accepted);
        pollfd entry{.fd = descriptor_, .events = POLLIN, .revents = 0};
        if (::poll(&entry, 1, deadline.poll_timeout()) == 0) return Wire();
    }
}

void ListeningSocket::stop_listening() {
    is_listening_ = false;
    if (::shutdown(descriptor_, SHUT_RD) < 0) throw_errno("shutdown");
}

void ListeningSocket::listen_again() {
    if (::listen(descriptor_, backlog_) < 0) throw_errno("listen");
    is_listening_ = true;
}

}  // namespace sluicegate::support
