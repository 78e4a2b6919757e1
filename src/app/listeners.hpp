#pragma once
/// The addresses for clients that the daemon listens on, and how a reload changes them.
///
/// Every worker has a socket of its own for each address, and the kernel spreads the connections.
/// All sockets of a reload are open before a worker hears of it, so an address that cannot be used
/// refuses the whole reload. A socket that the service manager handed over is shared by all workers
/// and stays open here: what waits in its queue outlives the process.
/// Threads  one: the control thread's.
/// Source   sd_listen_fds(3)

#include "sluicegate/base/result.hpp"
#include "sluicegate/config/server.hpp"
#include "sluicegate/net/listening_socket.hpp"
#include "sluicegate/worker/worker.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluicegate::app {

class Listeners {
public:
    /// `inherited`: descriptors of the service manager. One that is no listening socket is logged
    /// and closed.
    explicit Listeners(const std::vector<int>& inherited);

    struct Entry {
        std::string host;
        std::uint16_t port = 0;  ///< as configured
        std::size_t nth = 0;     ///< of those with the same host and port: port 0 may stand often
        std::string address;     ///< where it listens
        bool is_tls = false;

        [[nodiscard]] bool is_same_as(const Entry& other) const {
            return host == other.host && port == other.port && nth == other.nth;
        }
    };
    struct Plan {
        std::vector<Entry> entries;  ///< by index in server.listen
        std::vector<Entry> added;
        std::vector<Entry> removed;
        /// By worker, then by index in server.listen.
        std::vector<std::vector<worker::Worker::ListenerSource>> sources;
    };
    /// Opens what is new. Nothing changes before take(). Errors name the address and a remedy;
    /// `failed` is then the index of it.
    [[nodiscard]] Result<Plan> plan(const std::vector<config::Listener>& wanted,
                                    std::size_t workers, std::size_t& failed) const;
    /// The plan is in force.
    void take(std::vector<Entry> entries) { entries_ = std::move(entries); }
    [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }

    /// One more socket for that address, if the service manager handed it over.
    [[nodiscard]] const net::ListeningSocket* find_inherited(const std::string& host,
                                                             std::uint16_t port) const;
    /// The addresses of those that `config` has no use for.
    [[nodiscard]] std::vector<std::string> unused(const config::Server& server,
                                                  const config::Admin& admin) const;

private:
    [[nodiscard]] Result<std::vector<net::ListeningSocket>> open(const config::Listener& wanted,
                                                                 std::size_t workers,
                                                                 net::Sharing sharing) const;

    std::vector<net::ListeningSocket> inherited_;
    std::vector<Entry> entries_;  ///< in force
};

}  // namespace sluicegate::app
