#pragma once
/// The open client connections of one worker.
///
/// Ownership  links only: a connection owns itself and leaves the list when it ends.
/// Threads    one: the worker's; the count of all workers together is atomic.

#include "sluicegate/metrics/registry.hpp"

#include <boost/intrusive/list.hpp>

#include <atomic>
#include <cstddef>
#include <functional>

namespace sluicegate::client {

/// What the list knows of a connection.
class ConnectionLink : public boost::intrusive::list_base_hook<
                           boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    /// Ends the connection now, and with it the request that runs.
    virtual void close() noexcept = 0;
    /// Ends a connection that waits for its next request.
    virtual void close_if_idle() noexcept = 0;

protected:
    ConnectionLink() = default;
    ~ConnectionLink() = default;
};

class ConnectionList {
public:
    /// `total` counts the connections of all workers.
    ConnectionList(std::atomic<std::size_t>& total, metrics::Gauge gauge) noexcept
        : total_(total), gauge_(gauge) {}
    ConnectionList(const ConnectionList&) = delete;
    ConnectionList& operator=(const ConnectionList&) = delete;

    void add(ConnectionLink& connection) noexcept;
    void remove(ConnectionLink& connection) noexcept;
    /// Ends the connections that wait for their next request.
    void close_idle() noexcept;
    /// Ends all connections and the requests that run on them.
    void close_all() noexcept;
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    /// `act` runs each time the last connection has left.
    void on_empty(std::function<void()> act) { on_empty_ = std::move(act); }

private:
    std::atomic<std::size_t>& total_;
    metrics::Gauge gauge_;
    boost::intrusive::list<ConnectionLink, boost::intrusive::constant_time_size<false>> links_;
    std::size_t count_ = 0;
    std::function<void()> on_empty_;
};

}  // namespace sluicegate::client
