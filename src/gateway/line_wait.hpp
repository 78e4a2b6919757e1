#pragma once
/// Waiting for a place at an upstream whose endpoints are all at max_in_flight.

#include "gateway/request.hpp"

namespace sluicegate::gateway {

/// `walk` has just offered to wait. Waits in that line until a place is granted, the line's time
/// is over or the client leaves; returns the step to take then, which is `nothing` for a client
/// that has left.
net::Task<route::Walk::Step> wait_in_line(Request& request, const Routed& routed,
                                          route::Walk& walk);

}  // namespace sluicegate::gateway
