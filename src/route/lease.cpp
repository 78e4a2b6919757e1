#include "sluicegate/route/lease.hpp"

#include <utility>

namespace sluicegate::route {

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
    auto change = upstream_->endpoints()[endpoint_]->report(outcome, kind_, wait, now);
    const bool is_doubted = upstream_->endpoints()[endpoint_]->is_doubted(now);
    if ((change && change->to != Health::healthy) ||
        (is_doubted && upstream_->queue().length() > 0)) {
        // The waiters learn when the endpoint will be ready again.
        upstream_->queue().wake_all();
    } else if ((change || kind_ == AttemptKind::probe) && upstream_->queue().length() > 0) {
        upstream_->serve(endpoint_, now);
    }
    return change;
}

void Lease::answered(Instant now) {
    if (upstream_ == nullptr || !upstream_->endpoints()[endpoint_]->has_doubt()) return;
    upstream_->endpoints()[endpoint_]->end_doubt();
    if (upstream_->queue().length() > 0) upstream_->serve(endpoint_, now);
}

void Lease::end() {
    if (upstream_ == nullptr) return;
    // An abandoned probe makes way for the next one.
    if (kind_ == AttemptKind::probe) report(Outcome::abandoned, Milliseconds(0), now_);
    std::exchange(upstream_, nullptr)->release(endpoint_, now_);
}

}  // namespace sluicegate::route
