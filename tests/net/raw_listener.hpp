#pragma once
/// A listening socket that accepts when the test says so. Nothing here waits.

#include "net/raw_peer.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace sluicegate::test {

class RawListener {
public:
    /// On any of the loopback addresses; port 0: one that is free.
    explicit RawListener(const std::string& address, std::uint16_t port = 0, int backlog = 100) {
        const net::asio::ip::tcp::endpoint wanted(net::asio::ip::make_address(address), port);
        open(AF_INET, wanted.data(), static_cast<socklen_t>(wanted.size()), backlog);
        sockaddr_in got{};
        socklen_t size = sizeof got;
        ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&got), &size);
        port_ = ntohs(got.sin_port);
    }
    /// On a path.
    static RawListener on_path(const std::string& path, int backlog = 100) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        RawListener listener;
        listener.open(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address,
                      backlog);
        return listener;
    }
    RawListener(RawListener&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)), port_(other.port_) {}
    RawListener& operator=(RawListener&&) = delete;
    ~RawListener() { close(); }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// A connection that has been made; nothing while there is none.
    std::optional<RawPeer> accept() {
        const int accepted = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
        if (accepted < 0) return std::nullopt;
        return RawPeer(accepted);
    }
    void close() {
        if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    }

private:
    RawListener() = default;
    void open(int family, const sockaddr* address, socklen_t size, int backlog) {
        descriptor_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (::bind(descriptor_, address, size) != 0 || ::listen(descriptor_, backlog) != 0) {
            const int reason = errno;
            close();
            throw std::system_error(reason, std::generic_category(), "listen");
        }
    }

    int descriptor_ = -1;
    std::uint16_t port_ = 0;
};

/// An address that answers nothing: its queue of connections is full, so the kernel drops the
/// packets of further ones.
class SilentListener {
public:
    explicit SilentListener(const std::string& address, std::uint16_t port = 0)
        : listener_(address, port, 0) {
        const net::asio::ip::tcp::endpoint full(net::asio::ip::make_address(address),
                                                listener_.port());
        for (RawPeer& filler : fillers_) {
            static_cast<void>(
                ::connect(filler.descriptor(), full.data(), static_cast<socklen_t>(full.size())));
        }
    }
    [[nodiscard]] std::uint16_t port() const noexcept { return listener_.port(); }
    /// Takes what waits: those who keep trying get through, in the end.
    RawListener& listener() noexcept { return listener_; }

private:
    static int opened() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

    RawListener listener_;
    std::array<RawPeer, 3> fillers_{RawPeer(opened()), RawPeer(opened()), RawPeer(opened())};
};

/// Listens at the port of `other`, on another address of this host.
inline RawListener beside(const RawListener& other, const std::string& address) {
    return RawListener(address, other.port());
}

}  // namespace sluicegate::test
