#include "sluicegate/route/upstream_state.hpp"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

namespace sluicegate::route {
namespace {

std::vector<std::string> labels_of(const config::Upstream& upstream) {
    std::vector<std::string> labels;
    for (const config::Endpoint& endpoint : upstream.endpoints) {
        labels.push_back(config::url_of(endpoint));
    }
    if (labels.empty()) labels.emplace_back("echo");
    return labels;
}

/// Of those who share one label, each is taken over once.
std::shared_ptr<EndpointState> find(const UpstreamState* last, const std::string& label) {
    if (last == nullptr) return nullptr;
    const auto& endpoints = last->endpoints();
    const auto found = std::find_if(endpoints.begin(), endpoints.end(), [&](const auto& endpoint) {
        return endpoint->label() == label;
    });
    return found == endpoints.end() ? nullptr : *found;
}

}  // namespace

UpstreamState::UpstreamState(const config::Upstream& upstream,
                             std::vector<std::shared_ptr<EndpointState>> endpoints,
                             std::shared_ptr<WaitQueue> queue)
    : endpoints_(std::move(endpoints)),
      queue_(std::move(queue)),
      queues_when_full_(upstream.on_full == config::OnFull::queue && upstream.in_flight_max),
      has_affinity_(upstream.prefix_affinity > 0),
      queue_timeout_(upstream.queue.timeout) {
}

std::shared_ptr<UpstreamState> UpstreamState::make(const config::Upstream& upstream,
                                                   const UpstreamState* last) {
    std::vector<std::shared_ptr<EndpointState>> endpoints;
    for (std::string& label : labels_of(upstream)) {
        auto endpoint = find(last, label);
        if (endpoint == nullptr) {
            endpoint = std::make_shared<EndpointState>(std::move(label), upstream);
        } else {
            endpoint->configure(upstream);
        }
        endpoints.push_back(std::move(endpoint));
    }
    assert(endpoints.size() <= endpoints_max);
    std::shared_ptr<WaitQueue> queue;
    if (last != nullptr && last->endpoints_ == endpoints) {
        queue = last->queue_;
        queue->set_waiting_max(upstream.queue.waiting_max);
    } else {
        queue = std::make_shared<WaitQueue>(upstream.queue.waiting_max);
    }
    return std::shared_ptr<UpstreamState>(
        new UpstreamState(upstream, std::move(endpoints), std::move(queue)));
}

std::optional<HealthChange> UpstreamState::report_check(std::size_t endpoint, bool is_ok,
                                                        std::string reason, Instant now) {
    auto change = endpoints_[endpoint]->report_check(is_ok, std::move(reason), now);
    if (change && queue_->length() > 0) serve(now);
    return change;
}

// No wake-up is lost: whoever waits raises the line's length and then looks for a free slot;
// whoever frees a slot lowers the count in flight and then looks at the line's length. Both orders
// are sequentially consistent, so at least one of them sees the other.
void UpstreamState::release(std::size_t endpoint, Instant now) {
    EndpointState& state = *endpoints_[endpoint];
    // Handed over without ever being free, so that nobody who comes now is faster.
    if (queue_->length() > 0 && !state.slots.is_over() && state.health(now) == Health::healthy &&
        queue_->give({.endpoint = endpoint, .kind = AttemptKind::ordinary})) {
        return;
    }
    state.slots.give_back();
    if (queue_->length() > 0) serve(now);
}

void UpstreamState::serve(Instant now) {
    queue_->serve(endpoints_.size(), [&](std::size_t endpoint) -> std::optional<AttemptKind> {
        EndpointState& state = *endpoints_[endpoint];
        if (!state.is_ready(now) || !state.slots.try_take()) return std::nullopt;
        const std::optional<AttemptKind> kind = state.begin_attempt(now);
        if (!kind) state.slots.give_back();
        return kind;
    });
}

Lease::Lease(Lease&& other) noexcept
    : upstream_(std::exchange(other.upstream_, nullptr)),
      endpoint_(other.endpoint_),
      kind_(other.kind_),
      is_reported_(other.is_reported_),
      now_(other.now_) {
}

Lease& Lease::operator=(Lease&& other) noexcept {
    if (this == &other) return *this;
    end();
    upstream_ = std::exchange(other.upstream_, nullptr);
    endpoint_ = other.endpoint_;
    kind_ = other.kind_;
    is_reported_ = other.is_reported_;
    now_ = other.now_;
    return *this;
}

std::optional<HealthChange> Lease::report(Outcome outcome, Milliseconds wait, Instant now) {
    if (upstream_ == nullptr || std::exchange(is_reported_, true)) return std::nullopt;
    now_ = now;
    auto change = upstream_->endpoints_[endpoint_]->report(outcome, kind_, wait, now);
    if (change && change->to == Health::healthy && upstream_->queue_->length() > 0) {
        upstream_->serve(now);
    }
    return change;
}

void Lease::end() {
    if (upstream_ == nullptr) return;
    // Only a probe has something to give back: its place.
    if (kind_ == AttemptKind::probe) report(Outcome::abandoned, Milliseconds(0), now_);
    std::exchange(upstream_, nullptr)->release(endpoint_, now_);
}

QueueTicket::QueueTicket(UpstreamState& upstream, std::uint64_t user, std::uint64_t endpoints,
                         WaitQueue::Wake wake, Instant now)
    : upstream_(&upstream),
      waiter_(upstream.queue_->join(user, endpoints, std::move(wake))),
      now_(now) {
    if (waiter_ != nullptr) upstream.serve(now);
}

QueueTicket::QueueTicket(QueueTicket&& other) noexcept
    : upstream_(other.upstream_), waiter_(std::move(other.waiter_)), now_(other.now_) {
}

QueueTicket& QueueTicket::operator=(QueueTicket&& other) noexcept {
    if (this == &other) return *this;
    const Lease unused = leave();
    upstream_ = other.upstream_;
    waiter_ = std::move(other.waiter_);
    now_ = other.now_;
    return *this;
}

Lease QueueTicket::take(Instant now) {
    if (waiter_ == nullptr) return {};
    now_ = now;
    // Time may have made an endpoint well, which nobody who waits was told.
    if (!is_granted()) upstream_->serve(now);
    return leave();
}

Lease QueueTicket::leave() {
    if (waiter_ == nullptr) return {};
    const auto granted = upstream_->queue_->leave(*std::exchange(waiter_, nullptr));
    return granted ? Lease(*upstream_, granted->endpoint, granted->kind, now_) : Lease();
}

}  // namespace sluicegate::route
