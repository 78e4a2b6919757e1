#pragma once
/// A client::Context with everything that it refers to: no worker, and time stands still.

#include "sluicegate/client/connection.hpp"
#include "sluicegate/client/context.hpp"

#include "net/manual_clock.hpp"
#include "net/running_task.hpp"

namespace sluicegate::test {

class OwnedContext {
public:
    OwnedContext() { date.update(clock.wall_now()); }
    OwnedContext(const OwnedContext&) = delete;
    OwnedContext& operator=(const OwnedContext&) = delete;

    /// What a connection begins with.
    client::Connection::Admitted admit() {
        client::AddressTable::Refusal refusal{};
        auto hold = addresses.open({}, {}, clock.now(), refusal);
        return {.place = *places.take({}), .hold = std::move(*hold)};
    }
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
    client::ConnectionPlaces places{100};
    client::AddressTable addresses{100};
    client::ConnectionList connections{places, registry.gauge(metrics::Metric::client_connections),
                                       [] {}};
    bool is_draining = false;
    metrics::Counter refused_certificates{registry.counter(
        metrics::Metric::client_connections_refused_total, {"client_certificate"})};
    client::Context context{.io = io,
                            .clock = clock,
                            .deadlines = deadlines,
                            .departures = departures,
                            .request_ids = request_ids,
                            .randomness = randomness,
                            .date = date,
                            .connections = connections,
                            .addresses = addresses,
                            .is_draining = is_draining,
                            .memory = memory,
                            .refused_certificates = refused_certificates};
};

}  // namespace sluicegate::test
