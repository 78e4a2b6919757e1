#pragma once
/// What the client connections of one worker share: references to what their worker owns.
///
/// Ownership  none; the worker outlives its connections.
/// Threads    one: the worker's.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/ids.hpp"
#include "sluicegate/base/memory_budget.hpp"
#include "sluicegate/client/address_table.hpp"
#include "sluicegate/client/connection_list.hpp"
#include "sluicegate/client/http_date.hpp"
#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/net/deadlines.hpp"
#include "sluicegate/net/departures.hpp"
#include "sluicegate/net/types.hpp"

#include <cstdint>
#include <random>

namespace sluicegate::client {

/// Numbers that spread clients over time; not a secret.
class Randomness {
public:
    /// 0 … 2^31 - 2
    [[nodiscard]] std::uint32_t next() noexcept {
        return static_cast<std::uint32_t>(engine_() - std::minstd_rand::min());
    }

private:
    std::minstd_rand engine_{std::random_device{}()};
};

struct Context {
    net::asio::io_context& io;
    const Clock& clock;
    net::Deadlines& deadlines;
    net::Departures& departures;
    RequestIdSource& request_ids;
    Randomness& randomness;
    const HttpDate& date;
    ConnectionList& connections;
    AddressTable& addresses;  ///< of all workers together
    const bool& is_draining;
    MemoryBudget& memory;
    metrics::Counter& refused_certificates;  ///< connections that showed no valid certificate
};

}  // namespace sluicegate::client
