#include "sluicegate/route/wait_queue.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluicegate::route {

class WaitQueue::Waiter {
public:
    std::uint64_t endpoints = 0;
    Wake wake;
    bool is_waiting = true;
    std::atomic<bool> is_granted{false};
    Grant grant;
    Turn::iterator user;
    std::list<Waiter*>::iterator at;
};

WaitQueue::~WaitQueue() {
    assert(length_ == 0);
}

std::shared_ptr<WaitQueue::Waiter> WaitQueue::join(std::uint64_t user, std::uint64_t endpoints,
                                                   Wake wake) {
    auto waiter = std::make_shared<Waiter>();
    waiter->endpoints = endpoints;
    waiter->wake = std::move(wake);
    const std::scoped_lock lock(mutex_);
    if (length_.load(std::memory_order_relaxed) >= waiting_max()) return nullptr;
    const auto [found, is_new] = users_.try_emplace(user);
    if (is_new) {
        found->second = turn_.emplace(turn_.end());
        found->second->user = user;
    }
    waiter->user = found->second;
    waiter->at = waiter->user->waiting.insert(waiter->user->waiting.end(), waiter.get());
    length_.fetch_add(1, std::memory_order_seq_cst);
    return waiter;
}

void WaitQueue::remove(Turn::iterator user, std::list<Waiter*>::iterator at, bool was_served) {
    user->waiting.erase(at);
    if (user->waiting.empty()) {
        users_.erase(user->user);
        turn_.erase(user);
    } else if (was_served) {
        turn_.splice(turn_.end(), turn_, user);
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

bool WaitQueue::is_wanted(std::size_t endpoint) const {
    const std::uint64_t bit = std::uint64_t{1} << endpoint;
    return std::ranges::any_of(turn_, [bit](const UserQueue& user) {
        return std::ranges::any_of(
            user.waiting, [bit](const Waiter* waiter) { return (waiter->endpoints & bit) != 0; });
    });
}

bool WaitQueue::give_locked(Grant grant) {
    const std::uint64_t bit = std::uint64_t{1} << grant.endpoint;
    for (auto user = turn_.begin(); user != turn_.end(); ++user) {
        for (auto at = user->waiting.begin(); at != user->waiting.end(); ++at) {
            Waiter& waiter = **at;
            if ((waiter.endpoints & bit) == 0) continue;
            remove(user, at, true);
            waiter.is_waiting = false;
            waiter.grant = grant;
            waiter.is_granted.store(true, std::memory_order_relaxed);
            waiter.wake();
            return true;
        }
    }
    return false;
}

bool WaitQueue::give(Grant grant) {
    const std::scoped_lock lock(mutex_);
    return give_locked(grant);
}

void WaitQueue::serve(std::size_t endpoints, const TakeSlot& take) {
    const std::scoped_lock lock(mutex_);
    for (std::size_t endpoint = 0; endpoint < endpoints; ++endpoint) {
        while (is_wanted(endpoint)) {
            const std::optional<AttemptKind> kind = take(endpoint);
            if (!kind) break;
            give_locked({.endpoint = endpoint, .kind = *kind});
        }
    }
}

}  // namespace sluicegate::route
