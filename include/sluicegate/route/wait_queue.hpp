#pragma once
/// Requests that wait for a slot of a full upstream: bounded, in turn.
///
/// Users take turns, whoever has many waiting; inside a user the first come is first served. A
/// grant is a slot that was taken for the waiter: it is never lost (whoever owns the waiter gives
/// it on) and never given twice.
///
/// Threads   any number; a mutex, which a request meets only when it has to wait.
/// Memory    a node and, for a user's first, another; waiting_max bounds both.

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

namespace sluicegate::route {

class WaitQueue {
public:
    /// One who waits. Left by leave(), not by destruction.
    class Waiter;
    /// A slot that was taken for a waiter, and the terms under which it was.
    struct Grant {
        std::size_t endpoint = 0;
        AttemptKind kind = AttemptKind::ordinary;
    };
    using Wake = std::function<void()>;
    /// Takes a slot of an endpoint if it can.
    using TakeSlot = std::function<std::optional<AttemptKind>(std::size_t endpoint)>;

    explicit WaitQueue(std::size_t waiting_max) noexcept : waiting_max_(waiting_max) {}
    ~WaitQueue();
    WaitQueue(const WaitQueue&) = delete;
    WaitQueue& operator=(const WaitQueue&) = delete;

    /// At the end of the user's own queue; null if this is full. `endpoints`: bit i for each
    /// that will do. `wake` is called once when a slot is granted, on the granting thread, which
    /// may be this one, and never after leave() (what it posts may run then, though); it must be
    /// short and not call this queue. Call serve() next.
    [[nodiscard]] std::shared_ptr<Waiter> join(std::uint64_t user, std::uint64_t endpoints,
                                               Wake wake);
    /// A slot waits to be fetched by leave().
    [[nodiscard]] static bool is_granted(const Waiter& waiter) noexcept;
    /// What was granted, if anything; the slot is then the caller's. No wake follows. The second
    /// time: nothing.
    std::optional<Grant> leave(Waiter& waiter);

    /// The caller has a slot that it no longer needs: gives it to the next who can use it. False:
    /// it is still the caller's.
    [[nodiscard]] bool give(Grant grant);
    /// Gives what `take` can take, of endpoints 0 … `endpoints` - 1, to those who wait, until
    /// either is at its end. `take` must not call this queue.
    void serve(std::size_t endpoints, const TakeSlot& take);

    [[nodiscard]] std::size_t length() const noexcept {
        return length_.load(std::memory_order_seq_cst);
    }
    [[nodiscard]] std::size_t waiting_max() const noexcept {
        return waiting_max_.load(std::memory_order_relaxed);
    }
    /// Those who wait already stay.
    void set_waiting_max(std::size_t waiting_max) noexcept {
        waiting_max_.store(waiting_max, std::memory_order_relaxed);
    }

private:
    struct UserQueue {
        std::uint64_t user = 0;
        std::list<Waiter*> waiting;
    };
    using Turn = std::list<UserQueue>;

    [[nodiscard]] bool is_wanted(std::size_t endpoint) const;
    bool give_locked(Grant grant);
    void remove(Turn::iterator user, std::list<Waiter*>::iterator at, bool was_served);

    std::atomic<std::size_t> length_{0};
    std::atomic<std::size_t> waiting_max_;
    std::mutex mutex_;
    Turn turn_;  ///< users that wait; the next in turn stands first
    std::unordered_map<std::uint64_t, Turn::iterator> users_;
};

}  // namespace sluicegate::route
