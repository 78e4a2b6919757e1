#pragma once
/// Requests that wait for a slot of a full upstream: bounded, and served in turn.
///
/// Users take turns, however many requests each of them has here. The requests of one user are
/// served in the order in which they came. A grant is a slot that was taken for a waiter. It is
/// never lost, because the owner of the waiter passes it on, and it is never given twice.
///
/// Endpoints  each waiter names the endpoints that it can use. Requests of different snapshots,
///            whose lists of endpoints differ, wait in one queue.
/// Threads    any number; a mutex, which a request meets only when it has to wait.
/// Memory     one node per waiter and one per user; waiting_max bounds both.

#include "sluicegate/route/health.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace sluicegate::route {

class EndpointState;

class WaitQueue {
public:
    /// A request that waits. leave() ends its wait; destruction alone does not.
    class Waiter;
    /// The endpoints that a waiter can use, at their positions in its own list; null for the others
    /// of that list.
    using Wanted = std::vector<const EndpointState*>;
    /// A slot that was taken for a waiter, and what kind of attempt may use it.
    struct Grant {
        std::size_t endpoint = 0;  ///< position in the waiter's own list
        AttemptKind kind = AttemptKind::ordinary;
    };
    using Wake = std::function<void()>;
    /// Takes a slot of the endpoint that is served, if it can.
    using TakeSlot = std::function<std::optional<AttemptKind>()>;

    explicit WaitQueue(std::size_t waiting_max) noexcept : waiting_max_(waiting_max) {}
    ~WaitQueue();
    WaitQueue(const WaitQueue&) = delete;
    WaitQueue& operator=(const WaitQueue&) = delete;

    enum class Turn : std::uint8_t {
        last,   ///< behind the others of the same user
        first,  ///< it had its turn, at an endpoint that failed; the bound does not hold for it
    };

    /// Adds a waiter among those of the same user; null if the queue is full. `wake` is
    /// called when a slot is granted, and by wake_all(), on the thread that does so; this may be
    /// the thread of the waiter. It is never called after leave() (what it posted may run then,
    /// though). It must be short and must not call this queue. Call serve() next.
    [[nodiscard]] std::shared_ptr<Waiter> join(std::uint64_t user, Wanted wanted, Wake wake,
                                               Turn turn = Turn::last);
    /// A slot waits to be fetched by leave().
    [[nodiscard]] static bool is_granted(const Waiter& waiter) noexcept;
    /// Returns the slot that was granted, if any; it then belongs to the caller. A second call
    /// returns nothing.
    std::optional<Grant> leave(Waiter& waiter);

    /// Passes on a slot that the caller has and no longer needs, to the next waiter that can use
    /// it. False: no waiter can, and the slot still belongs to the caller.
    [[nodiscard]] bool give(const EndpointState& endpoint, AttemptKind kind);
    /// Gives slots of `endpoint` to the waiters that want it, as long as `take` gets one. `take`
    /// must not call this queue.
    void serve(const EndpointState& endpoint, const TakeSlot& take);
    /// Wakes all waiters without a grant: the time at which they should look again has changed.
    void wake_all();

    [[nodiscard]] std::size_t length() const noexcept {
        return length_.load(std::memory_order_seq_cst);
    }
    [[nodiscard]] std::size_t waiting_max() const noexcept {
        return waiting_max_.load(std::memory_order_relaxed);
    }
    /// Requests that already wait stay, even if they are more.
    void set_waiting_max(std::size_t waiting_max) noexcept {
        waiting_max_.store(waiting_max, std::memory_order_relaxed);
    }

private:
    struct UserQueue {
        std::uint64_t user = 0;
        std::list<Waiter*> waiting;
    };
    using Turns = std::list<UserQueue>;

    [[nodiscard]] bool is_wanted(const EndpointState& endpoint) const;
    bool give_locked(const EndpointState& endpoint, AttemptKind kind);
    void remove(Turns::iterator user, std::list<Waiter*>::iterator at, bool was_served);

    std::atomic<std::size_t> length_{0};
    std::atomic<std::size_t> waiting_max_;
    std::mutex mutex_;
    Turns turns_;  ///< the users that wait; the next in turn stands first
    std::unordered_map<std::uint64_t, Turns::iterator> users_;
};

}  // namespace sluicegate::route
