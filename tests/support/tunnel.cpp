#include "support/tunnel.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace sluicegate::support {
namespace {

/// How long a thread stays in the kernel before it looks at the other side.
constexpr milliseconds slice{2};

/// Passes bytes both ways until one side ends.
void pump(Wire& one, Wire& other, const std::atomic<bool>& is_stopping) {
    const auto pass = [](Wire& from, Wire& to) {
        const ReadResult result = from.read_some(Deadline(slice));
        if (result.end == ReadEnd::timeout) return true;
        return result.end == ReadEnd::data && to.write_all(result.bytes) == result.bytes.size();
    };
    while (!is_stopping && pass(one, other) && pass(other, one)) {
    }
}

/// HOST:PORT of "CONNECT HOST:PORT HTTP/1.1".
std::optional<std::uint16_t> port_asked_for(const std::string& line) {
    constexpr std::string_view verb = "CONNECT ";
    if (!line.starts_with(verb)) return std::nullopt;
    const std::string authority = line.substr(verb.size(), line.rfind(' ') - verb.size());
    const std::size_t colon = authority.rfind(':');
    if (colon == std::string::npos) return std::nullopt;
    return static_cast<std::uint16_t>(std::stoi(authority.substr(colon + 1)));
}

}  // namespace

ConnectProxy::ConnectProxy() {
    acceptor_ = std::thread([this] { accept_all(); });
}

ConnectProxy::~ConnectProxy() {
    is_stopping_ = true;
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
}

std::string ConnectProxy::url(const std::string& user_info) const {
    return "http://" + (user_info.empty() ? "" : user_info + "@") +
           "127.0.0.1:" + std::to_string(port());
}

void ConnectProxy::refuse_with(std::string response) {
    const std::scoped_lock lock(mutex_);
    refusal_ = std::move(response);
}

std::vector<MessageHead> ConnectProxy::requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
}

void ConnectProxy::accept_all() {
    while (!is_stopping_) {
        Wire wire = socket_.accept(Deadline(milliseconds(20)));
        if (!wire.is_open()) continue;
        threads_.emplace_back(
            [this, client = std::move(wire)]() mutable { serve(std::move(client)); });
    }
}

void ConnectProxy::serve(Wire client) {
    std::string buffer;
    std::optional<MessageHead> head;
    while (!(head = take_head(buffer))) {
        const ReadResult result = client.read_some(Deadline(slice));
        if (is_stopping_ || result.end == ReadEnd::eof || result.end == ReadEnd::reset) return;
        buffer += result.bytes;
    }
    std::string refusal;
    {
        const std::scoped_lock lock(mutex_);
        requests_.push_back(*head);
        refusal = refusal_;
    }
    while (is_silent_) {
        if (is_stopping_ || client.peer_has_closed()) return;
        std::this_thread::sleep_for(slice);
    }
    const auto port = port_asked_for(head->start_line);
    if (!refusal.empty() || !port) {
        client.write_all(port ? refusal : "HTTP/1.1 405 Method Not Allowed\r\n\r\n");
        return;
    }
    try {
        Wire server = Wire::connect(*port);
        client.write_all("HTTP/1.1 200 Connection established\r\n\r\n");
        server.write_all(buffer);
        pump(client, server, is_stopping_);
    } catch (const std::exception&) {
        client.write_all("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    }
}

UnixDoor::UnixDoor(const std::string& path, std::uint16_t port)
    : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), port_(port) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::length_error(path);
    std::copy(path.begin(), path.end(), std::begin(address.sun_path));
    const auto* const at = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    if (descriptor_ < 0 || ::bind(descriptor_, at, sizeof address) < 0 ||
        ::listen(descriptor_, 64) < 0) {
        throw std::system_error(errno, std::generic_category(), "unix socket");
    }
    acceptor_ = std::thread([this] { accept_all(); });
}

UnixDoor::~UnixDoor() {
    is_stopping_ = true;
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    ::close(descriptor_);
}

void UnixDoor::accept_all() {
    while (!is_stopping_) {
        pollfd entry{.fd = descriptor_, .events = POLLIN, .revents = 0};
        if (::poll(&entry, 1, 20) <= 0) continue;
        const int accepted = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
        if (accepted < 0) continue;
        ++connections_;
        threads_.emplace_back([this, client = Wire(accepted)]() mutable {
            try {
                Wire server = Wire::connect(port_);
                pump(client, server, is_stopping_);
            } catch (const std::exception&) {
                client.reset();
            }
        });
    }
}

}  // namespace sluicegate::support
