#pragma once
/// Makes one new connection of a pool: name and TCP, or a Unix socket; a proxy's tunnel where one
/// is configured; TLS with the peer verified.
///
/// Waiting  no timeout of its own. The owner cancels it when the deadline of connecting comes, or
///          when the connection is not needed any more.
/// Threads  one: the worker's.

#include "sluicegate/net/connect_race.hpp"
#include "sluicegate/net/wait.hpp"
#include "sluicegate/upstream/pool.hpp"

#include <memory>
#include <optional>
#include <string>

namespace sluicegate::upstream {

class Connector {
public:
    /// The pool must outlive it.
    explicit Connector(Pool& pool);
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;

    /// Call once. Errors: upstream_unreachable, upstream_connect_timeout; the detail does not name
    /// the upstream.
    net::Task<Result<std::unique_ptr<Connection>>> run();
    /// Ends run() at once, with an error; what was begun is closed.
    void cancel() noexcept;

private:
    net::Task<Result<net::Socket>> open_socket();
    net::Task<Result<net::Socket>> open_tcp(std::string host, std::uint16_t port);
    net::Task<Result<net::Socket>> open_unix(const std::string& path);
    net::Task<Result<net::Socket>> open_proxied(const config::Proxy& proxy);
    net::Task<Result<void>> start_tls();

    Pool& pool_;
    bool is_cancelled_ = false;
    net::Wait wait_;  ///< for a name, or for room in the queue of a Unix socket
    std::optional<net::ConnectRace> race_;
    std::optional<net::Socket> to_proxy_;  ///< until its tunnel is open
    std::unique_ptr<Connection> connection_;
};

}  // namespace sluicegate::upstream
