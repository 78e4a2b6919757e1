#pragma once
/// Waiting for a slot at an upstream whose endpoints are all at max_in_flight.

#include "gateway/request.hpp"

namespace sluicegate::gateway {

/// Call this when `candidates` has just offered to wait. It waits in that queue until a slot is
/// granted, the queue's timeout is over or the client leaves. It returns the step to take then,
/// which is `nothing` after the client has left.
net::Task<route::CandidateIterator::Step> wait_in_queue(Request& request, const Routed& routed,
                                                        route::CandidateIterator& candidates);

}  // namespace sluicegate::gateway
