#pragma once
/// The other end of a connection, driven step by step by the test itself. Nothing here waits.

#include "sluicegate/net/types.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace sluicegate::test {

class RawPeer {
public:
    explicit RawPeer(int descriptor) : descriptor_(descriptor) {}
    RawPeer(RawPeer&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)),
          has_ended_(other.has_ended_),
          was_reset_(other.was_reset_) {}
    RawPeer& operator=(RawPeer&&) = delete;
    ~RawPeer() { close(); }

    void send(std::string_view bytes) {
        const auto sent =
            ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(bytes.size())) {
            throw std::system_error(errno, std::generic_category(), "the peer cannot send");
        }
    }
    /// What has arrived since the last call.
    std::string received() {
        std::string bytes;
        std::array<char, 65536> some;
        for (;;) {
            const auto got = ::recv(descriptor_, some.data(), some.size(), MSG_DONTWAIT);
            if (got <= 0) {
                has_ended_ = has_ended_ || got == 0;
                was_reset_ = was_reset_ || (got < 0 && errno == ECONNRESET);
                return bytes;
            }
            bytes.append(some.data(), static_cast<std::size_t>(got));
        }
    }
    /// The other side has closed its sending direction; what it sent before is dropped.
    [[nodiscard]] bool has_ended() {
        static_cast<void>(received());
        return has_ended_ || was_reset_;
    }
    [[nodiscard]] bool was_reset() {
        static_cast<void>(received());
        return was_reset_;
    }

    void shutdown_send() { ::shutdown(descriptor_, SHUT_WR); }
    void close() {
        if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    }
    /// TCP only.
    void reset() {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close();
    }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

private:
    int descriptor_;
    bool has_ended_ = false;
    bool was_reset_ = false;
};

struct ConnectedPair {
    net::Socket socket;
    RawPeer peer;
};

/// Two ends of a Unix socket pair.
inline ConnectedPair unix_pair(net::asio::io_context& context) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    const net::asio::generic::stream_protocol protocol(AF_UNIX, 0);
    return {net::Socket(context.get_executor(), protocol, ends[0]), RawPeer(ends[1])};
}

/// Connects to a TCP port of this host without waiting for it to be accepted.
inline RawPeer connect_to(std::uint16_t port) {
    RawPeer peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(peer.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
        0) {
        throw std::system_error(errno, std::generic_category(), "connect");
    }
    return peer;
}

/// Two ends of a TCP connection over the loopback device.
inline ConnectedPair tcp_pair(net::asio::io_context& context) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any_address = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener, any_address, size) != 0 || ::listen(listener, 1) != 0 ||
        ::getsockname(listener, any_address, &size) != 0) {
        throw std::system_error(errno, std::generic_category(), "listen");
    }
    RawPeer peer = connect_to(ntohs(address.sin_port));
    const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    ::close(listener);
    const net::asio::generic::stream_protocol protocol(AF_INET, IPPROTO_TCP);
    return {net::Socket(context.get_executor(), protocol, accepted), std::move(peer)};
}

}  // namespace sluicegate::test
