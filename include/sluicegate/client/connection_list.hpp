#pragma once
/// The open client connections of one worker.
///
/// Ownership  links only: a connection owns itself and leaves the list when it ends.
/// Threads    one: the worker's. The places are shared by all workers.

#include "sluicegate/client/connection_places.hpp"
#include "sluicegate/metrics/registry.hpp"

#include <boost/intrusive/list.hpp>

#include <cstddef>
#include <functional>
#include <utility>

namespace sluicegate::client {

/// What the list knows of a connection.
class ConnectionLink : public boost::intrusive::list_base_hook<
                           boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
                       public ConnectionPlaces::Link {
public:
    /// Ends the connection now, and with it the request that runs.
    virtual void close() noexcept = 0;
    /// The drain is over: the client of the request that runs is told so, if it listens for a
    /// moment yet. The second call ends the connection now.
    virtual void cut_off() noexcept = 0;
    /// Ends a connection that drains and waits for its next request; for its first one only if
    /// `is_fresh_too`.
    virtual void close_if_idle(bool is_fresh_too) noexcept = 0;

protected:
    ConnectionLink() = default;
    ~ConnectionLink() = default;
};

class ConnectionList {
public:
    /// `wake` makes the worker's thread call close_those_that_give_way(); any thread calls it.
    ConnectionList(ConnectionPlaces& places, metrics::Gauge gauge, std::function<void()> wake)
        : places_(places), owner_(places, std::move(wake)), gauge_(gauge) {}
    ConnectionList(const ConnectionList&) = delete;
    ConnectionList& operator=(const ConnectionList&) = delete;

    void add(ConnectionLink& connection, ConnectionPlaces::Grant place) noexcept;
    void remove(ConnectionLink& connection) noexcept;
    /// A proxy has named the client of the connection.
    void move_to(ConnectionLink& connection, const net::AddressBytes& address) {
        places_.move_to(connection, address);
    }
    /// The connection has shown a valid key.
    void note_known(ConnectionLink& connection) noexcept { places_.note_known(connection); }
    /// A connection that has shown no valid key has been answered.
    void note_answered(ConnectionLink& connection) noexcept { places_.note_answered(connection); }
    /// Ends the connections whose places others have taken over.
    void close_those_that_give_way() noexcept;
    /// Ends the connections that drain and wait for their next request; those that wait for their
    /// first one only if `are_fresh_too`.
    void close_idle(bool are_fresh_too) noexcept;
    /// The drain is over: ends all connections and the requests that run on them.
    void cut_off_all() noexcept;
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    /// `act` runs each time the last connection has left.
    void on_empty(std::function<void()> act) { on_empty_ = std::move(act); }

private:
    ConnectionPlaces& places_;
    ConnectionPlaces::Owner owner_;
    metrics::Gauge gauge_;
    boost::intrusive::list<ConnectionLink, boost::intrusive::constant_time_size<false>> links_;
    std::size_t count_ = 0;
    std::function<void()> on_empty_;
};

}  // namespace sluicegate::client
