#pragma once
/// One upstream as a snapshot sees it: a fixed list of endpoints, and how full ones are treated.
///
/// The handle never changes. It leads to live state that it shares with the handles of other
/// snapshots: the state of each endpoint, the queue, and what was learned about the upstream.
///
/// Threads   any number.
/// Lifetime  a handle outlives its leases and tickets, because a request keeps the snapshot that
///           keeps the handle.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/config/upstream.hpp"
#include "sluicegate/route/endpoint_state.hpp"
#include "sluicegate/route/wait_queue.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluicegate::route {

/// What all workers have learned about an upstream. It is forgotten when the settings of the
/// upstream change, because the operator may have mended the cause.
struct UpstreamMemory {
    /// It refused `stream_options`.
    std::atomic<bool> has_refused_stream_options{false};
};

class UpstreamHandle {
public:
    static constexpr std::size_t endpoints_max = 64;
    /// The live state that a handle leads to.
    struct Live {
        std::vector<std::shared_ptr<EndpointState>> endpoints;
        std::shared_ptr<WaitQueue> queue;
        std::shared_ptr<UpstreamMemory> memory;
    };

    UpstreamHandle(const config::Upstream& upstream, Live live);

    /// In the order of config::Upstream::endpoints; one for the embedded upstream.
    [[nodiscard]] const std::vector<std::shared_ptr<EndpointState>>& endpoints() const noexcept {
        return live_.endpoints;
    }
    [[nodiscard]] WaitQueue& queue() const noexcept { return *live_.queue; }
    [[nodiscard]] UpstreamMemory& memory() const noexcept { return *live_.memory; }
    [[nodiscard]] const Live& live() const noexcept { return live_; }
    /// Requests can wait here while every endpoint is full: there is a `max_in_flight`.
    [[nodiscard]] bool has_queue() const noexcept { return has_queue_; }
    /// They wait only when no other entry can take them: `on_full: spill`.
    [[nodiscard]] bool spills_first() const noexcept { return spills_first_; }
    /// The endpoints that ResponseOwners has under this upstream and endpoint, as bits.
    [[nodiscard]] std::uint64_t endpoints_of(std::uint64_t pin) const noexcept;
    /// One number for an upstream and an endpoint of ResponseOwners::Owner; never 0.
    [[nodiscard]] static std::uint64_t pin_of(std::uint64_t upstream,
                                              std::uint64_t endpoint) noexcept;
    /// Conversations prefer one endpoint: `prefix_affinity`.
    [[nodiscard]] bool has_affinity() const noexcept { return has_affinity_; }
    [[nodiscard]] Milliseconds queue_timeout() const noexcept { return queue_timeout_; }

    /// The result of an active check of an endpoint.
    std::optional<HealthChange> report_check(std::size_t endpoint, bool is_ok, std::string reason,
                                             Instant now) const;

    /// What became of an attempt that an endpoint refused: see Breaker::settle_refusal().
    std::optional<HealthChange> settle_refusal(std::size_t endpoint, Instant reported_at,
                                               bool is_of_request, Instant now) const;

    /// Passes the slot of a finished attempt to the next waiter if the endpoint is healthy;
    /// otherwise gives it back.
    void release(std::size_t endpoint, Instant now) const;
    /// Gives free slots of one endpoint to the requests that wait for it, if it is ready.
    void serve(std::size_t endpoint, Instant now) const;
    void serve_all(Instant now) const;

private:
    Live live_;
    std::uint64_t name_key_;
    bool has_queue_;
    bool spills_first_;
    bool has_affinity_;
    Milliseconds queue_timeout_;
};

}  // namespace sluicegate::route
