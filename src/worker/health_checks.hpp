#pragma once
/// The active checks: every endpoint of an upstream with `health` is asked regularly, whether or
/// not it has other work.
///
/// The question is a GET of the configured path, from the root of the server, or a completion of
/// one token by the configured model; a 2xx in time is health. It goes over the connections of the
/// worker's pool and carries the fields of the upstream, its key among them. What it finds is told
/// to the endpoint's state, which all workers share: one worker asks for all.
///
/// First     at once, but for a part of a second that differs from endpoint to endpoint.
/// Threads   one: the worker's.
/// Lifetime  the worker must outlive it; its end, or stop(), ends what is under way.

#include "sluicegate/client/context.hpp"
#include "sluicegate/route/upstream_handle.hpp"
#include "sluicegate/upstream/pool.hpp"
#include "sluicegate/worker/telemetry.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

namespace sluicegate::worker {

class HealthChecks {
public:
    /// The endpoint that `pool` leads to, and the handle of its upstream.
    struct Target {
        std::shared_ptr<upstream::Pool> pool;
        std::shared_ptr<const route::UpstreamHandle> upstream;
        std::size_t endpoint = 0;  ///< its index there
    };

    HealthChecks(client::Context& context, Telemetry& telemetry) noexcept
        : context_(context), telemetry_(telemetry) {}
    HealthChecks(const HealthChecks&) = delete;
    HealthChecks& operator=(const HealthChecks&) = delete;
    ~HealthChecks() { stop(); }

    /// From here on, what is not watched anew is ended by end_unwatched().
    void begin_watching() noexcept;
    /// The endpoint is checked, unless it is without `health`. A check of the same pool as before
    /// goes on, in its rhythm, and tells the new handle.
    void watch(const Target& target);
    /// Looks at `most` checks; false: call again. Nothing is watched meanwhile.
    [[nodiscard]] bool end_unwatched(std::size_t most) noexcept;
    void stop() noexcept;

private:
    class Check;

    client::Context& context_;
    Telemetry& telemetry_;
    struct Kept {
        std::shared_ptr<Check> check;
        std::uint64_t generation = 0;
    };
    /// A tree, because it never stops to hash everything anew.
    using Map = std::map<const upstream::Pool*, Kept>;
    Map checks_;
    std::uint64_t generation_ = 0;
    std::optional<Map::iterator> ending_;  ///< what end_unwatched() looks at next
};

}  // namespace sluicegate::worker
