#pragma once
/// A client::Context with everything that it refers to: no worker, and time stands still.

#include "sluicegate/client/connection.hpp"
#include "sluicegate/client/context.hpp"

#include "net/manual_clock.hpp"
#include "net/running_task.hpp"

#include <atomic>

namespace sluicegate::test {

class OwnedContext {
public:
    OwnedContext() { date.update(clock.wall_now()); }
    OwnedContext(const OwnedContext&) = delete;
    OwnedContext& operator=(const OwnedContext&) = delete;

    /// Runs what can go on at the moment.
    void settle() { test::settle(io); }
    /// The same after `time` has passed.
    void pass(Milliseconds time) {
        clock.advance(time);
        deadlines.tick(clock.now());
        settle();
    }

    ManualClock clock;
    metrics::Registry registry;
    MemoryBudget memory{std::size_t{1} << 30};
    net::asio::io_context io;  ///< its tasks use the registry until they end
    net::Deadlines deadlines{clock.now()};
    net::Departures departures{io};
    RequestIdSource request_ids;
    client::Randomness randomness;
    client::HttpDate date;
    std::atomic<std::size_t> connection_count{0};
    client::ConnectionList connections{connection_count,
                                       registry.gauge(metrics::Metric::client_connections)};
    bool is_draining = false;
    client::Context context{.io = io,
                            .clock = clock,
                            .deadlines = deadlines,
                            .departures = departures,
                            .request_ids = request_ids,
                            .randomness = randomness,
                            .date = date,
                            .connections = connections,
                            .is_draining = is_draining,
                            .memory = memory};
};

}  // namespace sluicegate::test
