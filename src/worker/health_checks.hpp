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

#include <memory>
#include <vector>

namespace sluicegate::worker {

class HealthChecks {
public:
    /// The endpoint that `pool` leads to, and the handle of its upstream.
    struct Target {
        std::shared_ptr<upstream::Pool> pool;
        std::shared_ptr<const route::UpstreamHandle> upstream;
    };

    HealthChecks(client::Context& context, Telemetry& telemetry) noexcept
        : context_(context), telemetry_(telemetry) {}
    HealthChecks(const HealthChecks&) = delete;
    HealthChecks& operator=(const HealthChecks&) = delete;
    ~HealthChecks() { stop(); }

    /// From now on `targets` are checked and no others; those without `health` are passed over.
    /// A check of the same pool as before goes on, in its rhythm, and tells the new handle.
    void watch(const std::vector<Target>& targets);
    void stop() noexcept;

private:
    class Check;

    client::Context& context_;
    Telemetry& telemetry_;
    std::vector<std::shared_ptr<Check>> checks_;
};

}  // namespace sluicegate::worker
