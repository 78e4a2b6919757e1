#include "worker/adoption.hpp"

#include <utility>

namespace sluicegate::worker {

Adoption::Adoption(std::shared_ptr<const Snapshot> snapshot, Pools& pools,
                   metrics::Registry& registry, HealthChecks* health_checks,
                   std::shared_ptr<Disposal> disposal, std::shared_ptr<LocalSnapshot>& in_force)
    : builder_(std::move(snapshot), pools, registry),
      pools_(pools),
      health_checks_(health_checks),
      disposal_(std::move(disposal)),
      in_force_(in_force) {
    pools_.begin_marking();
}

bool Adoption::step() {
    switch (phase_) {
        case Phase::making:
            if (!builder_.step(step_size)) return false;
            in_force_ = freed_in_parts(builder_.take(), disposal_);
            if (health_checks_ != nullptr) health_checks_->begin_watching();
            phase_ = health_checks_ != nullptr ? Phase::watching : Phase::retiring;
            return false;
        case Phase::watching:
            if (watch_some()) phase_ = Phase::unwatching;
            return false;
        case Phase::unwatching:
            if (health_checks_->end_unwatched(step_size)) phase_ = Phase::retiring;
            return false;
        case Phase::retiring: return pools_.retire_unmarked(step_size);
    }
    return true;
}

bool Adoption::watch_some() {
    const auto& upstreams = in_force_->endpoints;
    const auto& handles = in_force_->shared->routes.upstreams;
    for (std::size_t done = 0; upstream_ < upstreams.size() && done < step_size; ++done) {
        const auto& endpoints = upstreams[upstream_];
        const bool is_checked = in_force_->shared->config.upstreams[upstream_].health.has_value();
        if (!is_checked || endpoint_ == endpoints.size()) {
            ++upstream_;
            endpoint_ = 0;
            continue;
        }
        health_checks_->watch({endpoints[endpoint_].pool, handles[upstream_], endpoint_});
        ++endpoint_;
    }
    return upstream_ == upstreams.size();
}

}  // namespace sluicegate::worker
