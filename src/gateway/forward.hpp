#pragma once
/// The request on its way to an upstream: from one candidate to the next, until one answers or none
/// is left.

#include "gateway/attempt.hpp"

namespace sluicegate::gateway {

/// Sends the request and waits for the head of an answer that can be passed on. Takes the
/// reservation out of `routed`, which stays with the caller meanwhile: it is too large to be moved
/// into one more coroutine.
net::Task<Result<Answered>> forward(Request& request, Routed& routed);

}  // namespace sluicegate::gateway
