#include "sluicegate/route/wait_queue.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluicegate::route {

class WaitQueue::Waiter {
public:
    /// The position of the endpoint in the waiter's own list, if the waiter can use it.
    [[nodiscard]] std::optional<std::size_t> position_of(const EndpointState& endpoint) const {
        const auto found = std::ranges::find(wanted, &endpoint);
        if (found == wanted.end()) return std::nullopt;
        return static_cast<std::size_t>(found - wanted.begin());
    }

    Wanted wanted;
    Wake wake;
    bool is_waiting = true;
    std::atomic<bool> is_granted{false};
    Grant grant;
    Turns::iterator user;
    std::list<Waiter*>::iterator at;
};

WaitQueue::~WaitQueue() {
    assert(length_ == 0);
}

std::shared_ptr<WaitQueue::Waiter> WaitQueue::join(std::uint64_t user, Wanted wanted, Wake wake,
                                                   Turn turn) {
    auto waiter = std::make_shared<Waiter>();
    waiter->wanted = std::move(wanted);
    waiter->wake = std::move(wake);
    const std::scoped_lock lock(mutex_);
    const bool is_first = turn == Turn::first;
    if (!is_first && length_.load(std::memory_order_relaxed) >= waiting_max()) return nullptr;
    const auto [found, is_new] = users_.try_emplace(user);
    if (is_new) {
        found->second = turns_.emplace(is_first ? turns_.begin() : turns_.end());
        found->second->user = user;
    }
    waiter->user = found->second;
    std::list<Waiter*>& waiting = waiter->user->waiting;
    waiter->at = waiting.insert(is_first ? waiting.begin() : waiting.end(), waiter.get());
    length_.fetch_add(1, std::memory_order_seq_cst);
    return waiter;
}

void WaitQueue::remove(Turns::iterator user, std::list<Waiter*>::iterator at, bool was_served) {
    user->waiting.erase(at);
    if (user->waiting.empty()) {
        users_.erase(user->user);
        turns_.erase(user);
    } else if (was_served) {
        turns_.splice(turns_.end(), turns_, user);
    }
    length_.fetch_sub(1, std::memory_order_seq_cst);
}

std::optional<WaitQueue::Grant> WaitQueue::leave(Waiter& waiter) {
    const std::scoped_lock lock(mutex_);
    if (waiter.is_waiting) {
        waiter.is_waiting = false;
        remove(waiter.user, waiter.at, false);
    }
    if (!waiter.is_granted.exchange(false, std::memory_order_relaxed)) return std::nullopt;
    return waiter.grant;
}

bool WaitQueue::is_granted(const Waiter& waiter) noexcept {
    return waiter.is_granted.load(std::memory_order_relaxed);
}

bool WaitQueue::is_wanted(const EndpointState& endpoint) const {
    return std::ranges::any_of(turns_, [&](const UserQueue& user) {
        return std::ranges::any_of(user.waiting, [&](const Waiter* waiter) {
            return waiter->position_of(endpoint).has_value();
        });
    });
}

bool WaitQueue::give_locked(const EndpointState& endpoint, AttemptKind kind) {
    for (auto user = turns_.begin(); user != turns_.end(); ++user) {
        for (auto at = user->waiting.begin(); at != user->waiting.end(); ++at) {
            Waiter& waiter = **at;
            const auto position = waiter.position_of(endpoint);
            if (!position) continue;
            remove(user, at, true);
            waiter.is_waiting = false;
            waiter.grant = {.endpoint = *position, .kind = kind};
            waiter.is_granted.store(true, std::memory_order_relaxed);
            waiter.wake();
            return true;
        }
    }
    return false;
}

bool WaitQueue::give(const EndpointState& endpoint, AttemptKind kind) {
    const std::scoped_lock lock(mutex_);
    return give_locked(endpoint, kind);
}

void WaitQueue::serve(const EndpointState& endpoint, const TakeSlot& take) {
    const std::scoped_lock lock(mutex_);
    while (is_wanted(endpoint)) {
        const std::optional<AttemptKind> kind = take();
        if (!kind) return;
        give_locked(endpoint, *kind);
    }
}

void WaitQueue::wake_all() {
    const std::scoped_lock lock(mutex_);
    for (const UserQueue& user : turns_) {
        for (const Waiter* waiter : user.waiting) waiter->wake();
    }
}

}  // namespace sluicegate::route
