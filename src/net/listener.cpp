#include "sluicegate/net/listener.hpp"

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/log.hpp"
#include "sluicegate/net/spawn.hpp"
#include "sluicegate/net/stream.hpp"

#include <chrono>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace sluicegate::net {
namespace {

using asio::ip::tcp;

constexpr Milliseconds pause_without_descriptors{100};

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

Result<void> Listener::take(ListeningSocket socket) {
    const std::string address = socket.address();
    const tcp protocol = socket.is_v6() ? tcp::v6() : tcp::v4();
    is_inherited_ = socket.is_inherited();
    ErrorCode error;
    const int descriptor = socket.release();
    acceptor_.assign(protocol, descriptor, error);
    if (!error) return {};
    ::close(descriptor);
    return fail(ErrorKind::internal, "cannot listen on " + address + ": " + error.message());
}

Result<void> Listener::bind(const std::string& host, std::uint16_t port, Sharing sharing) {
    auto opened = ListeningSocket::open(host, port, sharing);
    if (!opened) return std::move(opened).failure();
    return take(std::move(*opened));
}

std::uint16_t Listener::port() const {
    ErrorCode ignored;
    return acceptor_.local_endpoint(ignored).port();
}

std::string Listener::address() const {
    ErrorCode ignored;
    const tcp::endpoint endpoint = acceptor_.local_endpoint(ignored);
    const std::string host = endpoint.address().to_string();
    const std::string port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

int Listener::accept_one() noexcept {
    return ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

Socket Listener::socket_of(int descriptor) {
    ErrorCode ignored;
    const tcp::endpoint address = acceptor_.local_endpoint(ignored);
    return {context_.get_executor(), address.protocol(), descriptor};
}

bool Listener::refuse_one(const Accepted& refused) {
    reserve_.give();
    const int descriptor = accept_one();
    if (descriptor >= 0) {
        guarded("refusing a connection", [&] { refused(socket_of(descriptor)); });
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

void Listener::close(const Accepted& accepted) noexcept {
    if (!acceptor_.is_open()) return;
    while (accepted && !is_inherited_) {
        const int descriptor = accept_one();
        if (descriptor < 0) break;
        guarded("accepting a connection", [&] {
            Socket socket = socket_of(descriptor);
            set_no_delay(socket);
            accepted(std::move(socket));
        });
    }
    ErrorCode ignored;
    acceptor_.close(ignored);
}

}  // namespace sluicegate::net
