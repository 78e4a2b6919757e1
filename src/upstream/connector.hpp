#pragma once
/// Makes one new connection of a pool: name and TCP, or a Unix socket; a proxy's tunnel where one
/// is configured; TLS with the peer verified.
///
/// Waiting  one deadline covers everything.
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

    /// Call once. Errors: upstream_unreachable; overloaded where no descriptor is left;
    /// upstream_connect_timeout at the deadline, or when it was cancelled. The detail does not name
    /// the upstream.
    net::Task<Result<std::unique_ptr<Connection>>> run(Instant deadline);
    /// Ends run() at once, with an error; what was begun is closed.
    void cancel() noexcept;

private:
    net::Task<Result<std::unique_ptr<Connection>>> make();
    net::Task<Result<net::Socket>> open_socket();
    net::Task<Result<net::Socket>> open_tcp(std::string host, std::uint16_t port);
    net::Task<Result<net::Socket>> open_unix(const std::string& path);
    net::Task<Result<net::Socket>> open_proxied(const config::Proxy& proxy);
    net::Task<Result<void>> start_tls();

    Pool& pool_;
    std::optional<OpenConnections::Hold> descriptors_;  ///< until there is a connection
    net::Deadlines& deadlines_;
    Instant deadline_ = Instant::max();
    bool is_cancelled_ = false;
    net::Wait wait_;  ///< for a name, or for room in the queue of a Unix socket
    std::optional<net::ConnectRace> race_;
    std::optional<net::TimedStream> to_proxy_;  ///< until its tunnel is open
    std::unique_ptr<Connection> connection_;
};

}  // namespace sluicegate::upstream
