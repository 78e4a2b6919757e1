#include "sluicegate/net/listening_socket.hpp"

#include "sluicegate/net/stream.hpp"
#include "sluicegate/net/types.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>

namespace sluicegate::net {
namespace {

using asio::ip::tcp;

constexpr int backlog = 4096;

std::string text_of(const tcp::endpoint& endpoint) {
    const std::string host = endpoint.address().to_string();
    const std::string port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

ErrorCode last_error() {
    return {errno, boost::system::system_category()};
}

void set_option(int descriptor, int level, int name, ErrorCode& error) {
    const int on = 1;
    if (!error && ::setsockopt(descriptor, level, name, &on, sizeof on) != 0) error = last_error();
}

std::optional<int> option(int descriptor, int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    if (::getsockopt(descriptor, level, name, &value, &size) != 0) return std::nullopt;
    return value;
}

/// A bound socket, or -1.
int bound_socket(const tcp::endpoint& endpoint, bool is_port_shared, ErrorCode& error) {
    const int family = endpoint.protocol().family();
    const int descriptor = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        error = last_error();
        return -1;
    }
    set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, error);
    if (is_port_shared) set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, error);
    if (family == AF_INET6) set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, error);
    const auto size = static_cast<socklen_t>(endpoint.size());
    if (!error && ::bind(descriptor, endpoint.data(), size) != 0) error = last_error();
    if (!error) return descriptor;
    ::close(descriptor);
    return -1;
}

/// Binds without SO_REUSEPORT and closes again. It fails if another socket listens there.
void check_alone(const tcp::endpoint& endpoint, ErrorCode& error) {
    const int descriptor = bound_socket(endpoint, false, error);
    if (descriptor >= 0) ::close(descriptor);
}

tcp::endpoint endpoint_of(int descriptor) {
    tcp::endpoint endpoint;
    auto size = static_cast<socklen_t>(endpoint.capacity());
    if (::getsockname(descriptor, endpoint.data(), &size) == 0) endpoint.resize(size);
    return endpoint;
}

}  // namespace

Result<ListeningSocket> ListeningSocket::open(const std::string& host, std::uint16_t port,
                                              Sharing sharing) {
    ErrorCode error;
    const auto address = asio::ip::make_address(host, error);
    if (error) return fail(ErrorKind::internal, "cannot listen on " + host + ": not an IP address");
    const tcp::endpoint endpoint(address, port);

    if (sharing == Sharing::first) check_alone(endpoint, error);
    ListeningSocket made(-1, false);
    if (!error) made.descriptor_ = bound_socket(endpoint, true, error);
    if (!error) set_keep_alive(made.descriptor_);
    if (!error && ::listen(made.descriptor_, backlog) != 0) error = last_error();
    if (!error) return made;

    std::string reason = "cannot listen on " + text_of(endpoint) + ": " + error.message();
    if (error == asio::error::address_in_use) {
        reason += "; another program uses this port: stop it or choose another address";
    } else if (error == asio::error::access_denied) {
        reason += "; ports below 1024 need CAP_NET_BIND_SERVICE";
    }
    return fail(ErrorKind::internal, std::move(reason));
}

Result<ListeningSocket> ListeningSocket::inherit(int descriptor) {
    ListeningSocket taken(descriptor, true);
    const auto family = option(descriptor, SOL_SOCKET, SO_DOMAIN);
    const bool is_tcp = (family == AF_INET || family == AF_INET6) &&
                        option(descriptor, SOL_SOCKET, SO_TYPE) == SOCK_STREAM;
    if (!is_tcp || option(descriptor, SOL_SOCKET, SO_ACCEPTCONN).value_or(0) == 0) {
        return fail(ErrorKind::internal,
                    "descriptor " + std::to_string(descriptor) + " is no TCP socket that listens");
    }
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    set_keep_alive(descriptor);
    return taken;
}

ListeningSocket& ListeningSocket::operator=(ListeningSocket&& other) noexcept {
    if (this == &other) return *this;
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
    is_inherited_ = other.is_inherited_;
    return *this;
}

void ListeningSocket::close() noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}

Result<ListeningSocket> ListeningSocket::duplicate() const {
    const int copy = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
        return fail(ErrorKind::internal,
                    "cannot listen on " + address() + ": " + last_error().message());
    }
    return ListeningSocket(copy, is_inherited_);
}

bool ListeningSocket::serves(const std::string& host, std::uint16_t port) const {
    const tcp::endpoint own = endpoint_of(descriptor_);
    ErrorCode error;
    const auto asked = asio::ip::make_address(host, error);
    if (error || port == 0 || own.port() != port) return false;
    if (own.address() == asked) return true;
    // systemd binds a port without an address to [::], for both families.
    const bool takes_both = is_v6() && own.address().is_unspecified() &&
                            option(descriptor_, IPPROTO_IPV6, IPV6_V6ONLY).value_or(1) == 0;
    return takes_both && asked.is_unspecified();
}

std::uint16_t ListeningSocket::port() const {
    return endpoint_of(descriptor_).port();
}

std::string ListeningSocket::address() const {
    return text_of(endpoint_of(descriptor_));
}

bool ListeningSocket::is_v6() const {
    return endpoint_of(descriptor_).address().is_v6();
}

}  // namespace sluicegate::net
