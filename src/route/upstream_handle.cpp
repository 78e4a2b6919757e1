#include "sluicegate/route/upstream_handle.hpp"

#include "sluicegate/route/response_owners.hpp"

#include "route/mix.hpp"

#include <cassert>
#include <utility>

namespace sluicegate::route {

UpstreamHandle::UpstreamHandle(const config::Upstream& upstream, Live live)
    : live_(std::move(live)),
      name_key_(ResponseOwners::name_key(upstream.name)),
      has_queue_(upstream.in_flight_max.has_value()),
      spills_first_(upstream.on_full == config::OnFull::spill),
      has_affinity_(upstream.prefix_affinity > 0),
      queue_timeout_(upstream.queue.timeout) {
    assert(live_.endpoints.size() <= endpoints_max);
}

std::uint64_t UpstreamHandle::pin_of(std::uint64_t upstream, std::uint64_t endpoint) noexcept {
    return mix(upstream, endpoint) | 1U;
}

std::uint64_t UpstreamHandle::endpoints_of(std::uint64_t pin) const noexcept {
    std::uint64_t found = 0;
    for (std::size_t i = 0; i < live_.endpoints.size(); ++i) {
        if (pin_of(name_key_, live_.endpoints[i]->id()) == pin) found |= std::uint64_t{1} << i;
    }
    return found;
}

std::optional<HealthChange> UpstreamHandle::report_check(std::size_t endpoint, bool is_ok,
                                                         std::string reason, Instant now) const {
    auto change = live_.endpoints[endpoint]->report_check(is_ok, std::move(reason), now);
    if (change && queue().length() > 0) serve(endpoint, now);
    return change;
}

std::optional<HealthChange> UpstreamHandle::settle_refusal(std::size_t endpoint,
                                                           Instant reported_at, bool is_of_request,
                                                           Instant now) const {
    auto change = live_.endpoints[endpoint]->settle_refusal(reported_at, is_of_request, now);
    if (change) queue().wake_all();
    return change;
}

// No wake-up is lost. A request that waits first raises the length of the queue and then looks for
// a free slot. An attempt that frees a slot first lowers the count in flight and then looks at the
// length. Both are sequentially consistent, so at least one of them sees the other.
void UpstreamHandle::release(std::size_t endpoint, Instant now) const {
    EndpointState& state = *live_.endpoints[endpoint];
    // The slot is passed on without ever being free, so that no newcomer can take it first.
    if (queue().length() > 0 && !state.slots.is_over() && state.health(now) == Health::healthy &&
        !state.has_doubt() && queue().give(state, AttemptKind::ordinary)) {
        return;
    }
    state.slots.give_back();
    if (queue().length() > 0) serve(endpoint, now);
}

void UpstreamHandle::serve(std::size_t endpoint, Instant now) const {
    EndpointState& state = *live_.endpoints[endpoint];
    queue().serve(state, [&]() -> std::optional<AttemptKind> {
        if (state.is_doubted(now) || !state.is_ready(now) || !state.slots.try_take()) {
            return std::nullopt;
        }
        const std::optional<AttemptKind> kind = state.begin_attempt(now);
        if (!kind) state.slots.give_back();
        // One request tries whether the endpoint works again, not all that wait.
        if (kind && state.has_doubt()) state.doubt(now);
        return kind;
    });
}

void UpstreamHandle::serve_all(Instant now) const {
    for (std::size_t i = 0; i < live_.endpoints.size(); ++i) serve(i, now);
}

}  // namespace sluicegate::route
