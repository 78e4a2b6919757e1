#pragma once
/// A snapshot as one worker uses it: with the worker's pools, and with handles of counters that are
/// looked up once.
///
/// Ownership  shared by the worker and its running requests. The reference count is the worker's
///            own, so that requests of different workers do not write to the same cache line.
/// Threads    one: the worker's.

#include "sluicegate/base/error.hpp"
#include "sluicegate/base/secret.hpp"
#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/upstream/pool.hpp"
#include "sluicegate/worker/route_reason.hpp"
#include "sluicegate/worker/snapshot.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace sluicegate::worker {

class Pools;

struct LocalSnapshot {
    std::shared_ptr<const Snapshot> shared;

    /// What one endpoint is reached with.
    struct Endpoint {
        std::shared_ptr<upstream::Pool> pool;
        Secret fields;  ///< those of every request to it
    };
    std::vector<std::vector<Endpoint>> endpoints;  ///< by upstream; one for the embedded upstream

    struct ModelCounters {
        metrics::Counter admitted, rejected;
        metrics::Histogram duration;
        /// By entry of the route and reason; looked up when first needed.
        std::vector<std::array<std::optional<metrics::Counter>, route_reasons>> routed;
    };
    std::vector<ModelCounters> model_counters;  ///< by model

    struct UpstreamCounters {
        metrics::Counter attempts;
        metrics::Histogram first_byte, total, queued;
        /// By kind of error; looked up when first needed.
        std::array<std::optional<metrics::Counter>, static_cast<std::size_t>(ErrorKind::count_)>
            errors;
    };
    std::vector<UpstreamCounters> upstream_counters;  ///< by upstream

    /// An attempt at the upstream with index `upstream` has failed.
    void count_error(std::size_t upstream, ErrorKind kind, metrics::Registry& registry);
};

/// Makes what a snapshot is for one worker, a part of it at each step, so that the worker can serve
/// requests between two steps.
///
/// Lifetime  pools and registry must outlive it.
class LocalSnapshotBuilder {
public:
    LocalSnapshotBuilder(std::shared_ptr<const Snapshot> snapshot, Pools& pools,
                         metrics::Registry& registry);

    /// Makes `most` endpoints, or counters that take as long. True when everything is made.
    [[nodiscard]] bool step(std::size_t most);
    /// Once everything is made.
    [[nodiscard]] std::unique_ptr<LocalSnapshot> take() noexcept { return std::move(made_); }

private:
    void begin_upstream();
    void make_endpoint();

    /// Counts the references of one worker, which write to no cache line of another.
    std::shared_ptr<std::shared_ptr<const Snapshot>> held_;
    Pools& pools_;
    metrics::Registry& registry_;
    std::unique_ptr<LocalSnapshot> made_ = std::make_unique<LocalSnapshot>();
    upstream::Pool::Settings settings_;  ///< of the upstream whose endpoints are being made
};

}  // namespace sluicegate::worker
