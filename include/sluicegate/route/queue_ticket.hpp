#pragma once
/// The right of one request to be served in the queue of an upstream.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/route/lease.hpp"
#include "sluicegate/route/upstream_handle.hpp"
#include "sluicegate/route/wait_queue.hpp"

#include <cstdint>
#include <memory>

namespace sluicegate::route {

/// Destruction leaves the queue; a slot that was granted and not taken goes to the next waiter.
class [[nodiscard]] QueueTicket {
public:
    QueueTicket() noexcept = default;
    /// `user`: users take turns. `endpoints`: bit i for each endpoint that the request can use.
    /// `wake`: see WaitQueue::join(); it can be called before this returns.
    QueueTicket(const UpstreamHandle& upstream, std::uint64_t user, std::uint64_t endpoints,
                WaitQueue::Wake wake, Instant now, WaitQueue::Turn turn = WaitQueue::Turn::last);
    QueueTicket(QueueTicket&& other) noexcept;
    QueueTicket& operator=(QueueTicket&& other) noexcept;
    ~QueueTicket() { const Lease unused = leave(); }

    /// False: the queue was full, or this has left it.
    [[nodiscard]] explicit operator bool() const noexcept { return waiter_ != nullptr; }
    /// A slot waits to be taken.
    [[nodiscard]] bool is_granted() const noexcept {
        return waiter_ != nullptr && WaitQueue::is_granted(*waiter_);
    }

    /// When time alone will make an endpoint ready: the end of a pause, or of an open breaker.
    /// No event tells a waiter of that; it has to call look() then. Instant::max(): never.
    [[nodiscard]] Instant look_again_at(Instant now) const noexcept;
    /// Serves the queue with the endpoints that are ready now. True if this ticket was granted.
    bool look(Instant now);

    /// Leaves the queue, with the slot that was granted or with nothing.
    Lease take(Instant now);

private:
    Lease leave();

    const UpstreamHandle* upstream_ = nullptr;
    std::shared_ptr<WaitQueue::Waiter> waiter_;
    std::uint64_t endpoints_ = 0;
    Instant now_;
};

}  // namespace sluicegate::route
