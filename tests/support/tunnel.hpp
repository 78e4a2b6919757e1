#pragma once
/// Two other ways to a server: an HTTP proxy that tunnels (CONNECT) and a Unix socket. Both pass
/// bytes to a port of 127.0.0.1, for any host name.
///
/// Threads    one for accepting and one per connection; every member may be called at any time.

#include "support/http_message.hpp"
#include "support/wire.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluicegate::support {

class ConnectProxy {
public:
    ConnectProxy();
    ~ConnectProxy();
    ConnectProxy(const ConnectProxy&) = delete;
    ConnectProxy& operator=(const ConnectProxy&) = delete;

    /// "http://127.0.0.1:PORT", with "USER:PASSWORD@" if given.
    [[nodiscard]] std::string url(const std::string& user_info = {}) const;
    [[nodiscard]] std::uint16_t port() const { return socket_.port(); }
    /// Each CONNECT is answered with these bytes and a FIN, and no tunnel.
    void refuse_with(std::string response);
    /// No CONNECT is answered at all.
    void stay_silent() { is_silent_ = true; }

    /// The heads of all requests so far.
    [[nodiscard]] std::vector<MessageHead> requests() const;

private:
    void accept_all();
    void serve(Wire client);

    ListeningSocket socket_;
    std::atomic<bool> is_stopping_{false};
    std::atomic<bool> is_silent_{false};
    mutable std::mutex mutex_;
    std::string refusal_;
    std::vector<MessageHead> requests_;
    std::vector<std::thread> threads_;  ///< touched by the accepting thread, and after its end
    std::thread acceptor_;
};

class UnixDoor {
public:
    /// Listens at `path`, which must not exist; connections lead to `port`.
    UnixDoor(const std::string& path, std::uint16_t port);
    ~UnixDoor();
    UnixDoor(const UnixDoor&) = delete;
    UnixDoor& operator=(const UnixDoor&) = delete;

    [[nodiscard]] std::size_t connections() const { return connections_; }

private:
    void accept_all();

    int descriptor_;
    std::uint16_t port_;
    std::atomic<bool> is_stopping_{false};
    std::atomic<std::size_t> connections_{0};
    std::vector<std::thread> threads_;  ///< touched by the accepting thread, and after its end
    std::thread acceptor_;
};

}  // namespace sluicegate::support
