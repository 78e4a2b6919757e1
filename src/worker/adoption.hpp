#pragma once
/// Brings a worker over to another snapshot, a bounded part of the work at each step, so that it
/// serves requests between two steps.
///
/// Order     makes the local snapshot; puts it in force; tells the health checks; retires the pools
///           that nothing leads to any more.
/// Lifetime  everything that is handed in must outlive it.
/// Threads   one: the worker's.

#include "sluicegate/worker/local_snapshot.hpp"
#include "sluicegate/worker/pools.hpp"

#include "worker/disposal.hpp"
#include "worker/health_checks.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace sluicegate::worker {

class Adoption {
public:
    /// What one step makes, watches or retires, in endpoints: well below 5 ms on a slow machine.
    static constexpr std::size_t step_size = 64;

    /// `in_force` is replaced once the new one is complete. `health_checks` may be null.
    Adoption(std::shared_ptr<const Snapshot> snapshot, Pools& pools, metrics::Registry& registry,
             HealthChecks* health_checks, std::shared_ptr<Disposal> disposal,
             std::shared_ptr<LocalSnapshot>& in_force);
    Adoption(const Adoption&) = delete;
    Adoption& operator=(const Adoption&) = delete;

    /// True when everything is done; then call it no more.
    [[nodiscard]] bool step();

private:
    enum class Phase : std::uint8_t { making, watching, unwatching, retiring };

    /// True when all endpoints were shown to the health checks.
    [[nodiscard]] bool watch_some();

    LocalSnapshotBuilder builder_;
    Pools& pools_;
    HealthChecks* health_checks_;
    std::shared_ptr<Disposal> disposal_;
    std::shared_ptr<LocalSnapshot>& in_force_;
    Phase phase_ = Phase::making;
    std::size_t upstream_ = 0;  ///< to be watched next
    std::size_t endpoint_ = 0;
};

}  // namespace sluicegate::worker
