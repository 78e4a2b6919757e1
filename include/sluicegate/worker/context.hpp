#pragma once
/// What the path of a request uses of its worker: references to what the worker owns.
///
/// Ownership  none; the worker outlives its requests.
/// Threads    one: the worker's. The limiter and the registry may be used by all workers at once.

#include "sluicegate/client/connection.hpp"
#include "sluicegate/client/context.hpp"
#include "sluicegate/limit/limiter.hpp"
#include "sluicegate/limit/output_estimates.hpp"
#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/worker/load.hpp"
#include "sluicegate/worker/local_snapshot.hpp"
#include "sluicegate/worker/repeated_lines.hpp"
#include "sluicegate/worker/telemetry.hpp"

#include <functional>
#include <memory>
#include <string>

namespace sluicegate::worker {

struct Context {
    client::Context& client;
    limit::Limiter& limiter;
    limit::OutputEstimates& output_estimates;
    metrics::Registry& registry;
    Telemetry& telemetry;
    /// The configuration in force; a request takes it once and keeps it.
    const std::shared_ptr<LocalSnapshot>& snapshot;
    /// Lines of the access log, each with its newline; written out once per tick.
    std::string& access_lines;
    /// Those of requests without a valid key, where there are many.
    RepeatedLines& repeated_lines;
    /// Of all workers together.
    Load& load;

    [[nodiscard]] const Clock& clock() const noexcept { return client.clock; }
};

/// The path of the requests of one connection, until the connection is to end. The context and the
/// connection outlive the task.
using Path = std::function<net::Task<void>(Context&, client::Connection&)>;

}  // namespace sluicegate::worker
