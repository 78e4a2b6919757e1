#include "sluicegate/route/queue_ticket.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace sluicegate::route {
namespace {

bool has(std::uint64_t bits, std::size_t i) noexcept {
    return (bits >> i & 1U) != 0;
}

WaitQueue::Wanted wanted_of(const UpstreamHandle& upstream, std::uint64_t endpoints) {
    WaitQueue::Wanted wanted;
    for (std::size_t i = 0; i < upstream.endpoints().size(); ++i) {
        wanted.push_back(has(endpoints, i) ? upstream.endpoints()[i].get() : nullptr);
    }
    return wanted;
}

}  // namespace

QueueTicket::QueueTicket(const UpstreamHandle& upstream, std::uint64_t user,
                         std::uint64_t endpoints, WaitQueue::Wake wake, Instant now,
                         WaitQueue::Turn turn)
    : upstream_(&upstream),
      waiter_(upstream.queue().join(user, wanted_of(upstream, endpoints), std::move(wake), turn)),
      endpoints_(endpoints),
      now_(now) {
    if (waiter_ != nullptr) upstream.serve_all(now);
}

QueueTicket::QueueTicket(QueueTicket&& other) noexcept
    : upstream_(other.upstream_),
      waiter_(std::move(other.waiter_)),
      endpoints_(other.endpoints_),
      now_(other.now_) {
}

QueueTicket& QueueTicket::operator=(QueueTicket&& other) noexcept {
    if (this == &other) return *this;
    const Lease unused = leave();
    upstream_ = other.upstream_;
    waiter_ = std::move(other.waiter_);
    endpoints_ = other.endpoints_;
    now_ = other.now_;
    return *this;
}

Instant QueueTicket::look_again_at(Instant now) const noexcept {
    Instant earliest = Instant::max();
    if (waiter_ == nullptr) return earliest;
    for (std::size_t i = 0; i < upstream_->endpoints().size(); ++i) {
        if (!has(endpoints_, i)) continue;
        earliest = std::min(earliest, upstream_->endpoints()[i]->ready_at(now));
    }
    return earliest;
}

bool QueueTicket::look(Instant now) {
    if (waiter_ == nullptr) return false;
    now_ = now;
    if (!is_granted()) upstream_->serve_all(now);
    return is_granted();
}

Lease QueueTicket::take(Instant now) {
    look(now);
    return leave();
}

Lease QueueTicket::leave() {
    if (waiter_ == nullptr) return {};
    const auto granted = upstream_->queue().leave(*std::exchange(waiter_, nullptr));
    return granted ? Lease(*upstream_, granted->endpoint, granted->kind, now_) : Lease();
}

}  // namespace sluicegate::route
