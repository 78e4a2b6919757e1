#pragma once
/// What all workers know of one upstream: its endpoints, and who waits for them.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/config/upstream.hpp"
#include "sluicegate/route/endpoint_state.hpp"
#include "sluicegate/route/wait_queue.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace sluicegate::route {

/// Threads   any number, after make().
/// Lifetime  outlives its leases and places: a request keeps the snapshot that keeps this.
class UpstreamState {
public:
    static constexpr std::size_t endpoints_max = 64;

    /// Endpoints whose label was in `last` (may be null) are taken over from there, with what they
    /// have in flight and what is known of their health, and get the new settings. Those who wait
    /// stay in one line unless the list of endpoints changed; then the old line is served by
    /// what the old list has in flight, for at most its time-out.
    [[nodiscard]] static std::shared_ptr<UpstreamState> make(const config::Upstream& upstream,
                                                             const UpstreamState* last);

    /// In the order of config::Upstream::endpoints; one for the embedded upstream.
    [[nodiscard]] const std::vector<std::shared_ptr<EndpointState>>& endpoints() const noexcept {
        return endpoints_;
    }
    [[nodiscard]] const WaitQueue& queue() const noexcept { return *queue_; }
    [[nodiscard]] bool queues_when_full() const noexcept { return queues_when_full_; }
    /// Conversations prefer one endpoint: `prefix_affinity`.
    [[nodiscard]] bool has_affinity() const noexcept { return has_affinity_; }
    [[nodiscard]] Milliseconds queue_timeout() const noexcept { return queue_timeout_; }

    /// The result of an active check of an endpoint; whoever waits may profit.
    std::optional<HealthChange> report_check(std::size_t endpoint, bool is_ok, std::string reason,
                                             Instant now);

private:
    friend class Lease;
    friend class QueueTicket;

    UpstreamState(const config::Upstream& upstream,
                  std::vector<std::shared_ptr<EndpointState>> endpoints,
                  std::shared_ptr<WaitQueue> queue);

    /// Hands a slot to the next who waits if the endpoint is well, or gives it back.
    void release(std::size_t endpoint, Instant now);
    /// Gives free slots of endpoints that are well to those who wait.
    void serve(Instant now);

    std::vector<std::shared_ptr<EndpointState>> endpoints_;
    std::shared_ptr<WaitQueue> queue_;
    bool queues_when_full_;
    bool has_affinity_;
    Milliseconds queue_timeout_;
};

/// One slot of one endpoint. Destruction gives it to the next who waits, or back; if nothing was
/// reported, the attempt says nothing of the endpoint.
class [[nodiscard]] Lease {
public:
    Lease() noexcept = default;
    /// A slot that the caller took.
    Lease(UpstreamState& upstream, std::size_t endpoint, AttemptKind kind, Instant now) noexcept
        : upstream_(&upstream), endpoint_(endpoint), kind_(kind), now_(now) {}
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { end(); }

    [[nodiscard]] explicit operator bool() const noexcept { return upstream_ != nullptr; }
    [[nodiscard]] std::size_t endpoint() const noexcept { return endpoint_; }
    [[nodiscard]] AttemptKind kind() const noexcept { return kind_; }

    /// How the attempt ended; once, later calls do nothing. `wait`: what a 503 or 529 asked for.
    /// The slot is held on until destruction or end().
    std::optional<HealthChange> report(Outcome outcome, Milliseconds wait, Instant now);
    /// Lets the slot go now.
    void end();

private:
    UpstreamState* upstream_ = nullptr;
    std::size_t endpoint_ = 0;
    AttemptKind kind_ = AttemptKind::ordinary;
    bool is_reported_ = false;
    Instant now_;  ///< the latest that this was told
};

/// A place in an upstream's line. Destruction leaves it; a slot that was granted and not taken
/// goes to the next.
class [[nodiscard]] QueueTicket {
public:
    QueueTicket() noexcept = default;
    /// `user`: turns go round over these. `endpoints`: bit i for each that will do. `wake`: see
    /// WaitQueue::join(); it may be called before this returns.
    QueueTicket(UpstreamState& upstream, std::uint64_t user, std::uint64_t endpoints,
                WaitQueue::Wake wake, Instant now);
    QueueTicket(QueueTicket&& other) noexcept;
    QueueTicket& operator=(QueueTicket&& other) noexcept;
    ~QueueTicket() { const Lease unused = leave(); }

    /// False: the line was full, or this was left.
    [[nodiscard]] explicit operator bool() const noexcept { return waiter_ != nullptr; }
    /// A slot waits to be taken.
    [[nodiscard]] bool is_granted() const noexcept {
        return waiter_ != nullptr && WaitQueue::is_granted(*waiter_);
    }
    /// Leaves the line: with the slot that was granted, or with nothing.
    Lease take(Instant now);

private:
    Lease leave();

    UpstreamState* upstream_ = nullptr;
    std::shared_ptr<WaitQueue::Waiter> waiter_;
    Instant now_;
};

}  // namespace sluicegate::route
