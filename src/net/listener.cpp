#include "sluicegate/net/listener.hpp"

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/log.hpp"
#include "sluicegate/net/spawn.hpp"
#include "sluicegate/net/stream.hpp"

#include <boost/asio/ip/v6_only.hpp>

#include <chrono>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace sluicegate::net {
namespace {

using asio::ip::tcp;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

constexpr int backlog = 4096;
constexpr Milliseconds pause_without_descriptors{100};

std::string text_of(const tcp::endpoint& endpoint) {
    const std::string host = endpoint.address().to_string();
    const std::string port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

/// Binds without SO_REUSEPORT and closes again. It fails if another socket listens there.
void probe(asio::io_context& context, const tcp::endpoint& endpoint, ErrorCode& error) {
    asio::basic_socket_acceptor<tcp, Executor> alone(context.get_executor());
    alone.open(endpoint.protocol(), error);
    if (!error) alone.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && endpoint.address().is_v6()) alone.set_option(asio::ip::v6_only(true), error);
    if (!error) alone.bind(endpoint, error);
    ErrorCode ignored;
    alone.close(ignored);
}

}  // namespace

void Listener::Reserve::take() noexcept {
    if (descriptor_ < 0) descriptor_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void Listener::Reserve::give() noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}

Listener::Listener(asio::io_context& context)
    : context_(context), acceptor_(context.get_executor()) {
}

Result<void> Listener::bind(const std::string& host, std::uint16_t port, Sharing sharing) {
    ErrorCode error;
    const auto address = asio::ip::make_address(host, error);
    if (error) return fail(ErrorKind::internal, "cannot listen on " + host + ": not an IP address");
    const tcp::endpoint endpoint(address, port);

    if (sharing == Sharing::first) probe(context_, endpoint, error);
    if (!error) acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.set_option(ReusePort(true), error);
    if (!error && address.is_v6()) acceptor_.set_option(asio::ip::v6_only(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) set_keep_alive(acceptor_.native_handle());
    if (!error) acceptor_.listen(backlog, error);
    if (!error) return {};

    std::string reason = "cannot listen on " + text_of(endpoint) + ": " + error.message();
    if (error == asio::error::address_in_use) {
        reason += "; another program uses this port: stop it or choose another address";
    } else if (error == asio::error::access_denied) {
        reason += "; ports below 1024 need CAP_NET_BIND_SERVICE";
    }
    return fail(ErrorKind::internal, std::move(reason));
}

std::uint16_t Listener::port() const {
    ErrorCode ignored;
    return acceptor_.local_endpoint(ignored).port();
}

std::string Listener::address() const {
    ErrorCode ignored;
    return text_of(acceptor_.local_endpoint(ignored));
}

bool Listener::refuse_one(const Accepted& refused) {
    reserve_.give();
    const int descriptor =
        ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
        guarded("refusing a connection", [&] {
            ErrorCode ignored;
            const tcp::endpoint address = acceptor_.local_endpoint(ignored);
            refused(Socket(context_.get_executor(), address.protocol(), descriptor));
        });
    }
    reserve_.take();
    return descriptor >= 0;
}

Task<void> Listener::run(Accepted accepted, Accepted refused) {
    bool is_short = false;
    if (refused) reserve_.take();
    while (acceptor_.is_open()) {
        asio::basic_stream_socket<tcp, Executor> socket(context_.get_executor());
        auto [error] = co_await acceptor_.async_accept(socket, use_result);
        if (is_shortage(error)) {
            if (!is_short) {
                log::warn("accept_paused",
                          "no descriptors left, clients are refused: raise the limit of open files",
                          {{"address", address()}, {"reason", error.message()}});
            }
            is_short = true;
            if (refused && refuse_one(refused)) continue;
            Timer timer(context_.get_executor(), pause_without_descriptors);
            co_await timer.async_wait(use_result);
            continue;
        }
        is_short = false;
        // Any other error is about one connection that could not be accepted.
        if (error) continue;
        Socket generic(std::move(socket));
        set_no_delay(generic);
        guarded("accepting a connection", [&] { accepted(std::move(generic)); });
    }
}

void Listener::close() noexcept {
    ErrorCode ignored;
    acceptor_.close(ignored);
}

}  // namespace sluicegate::net
