#pragma once
/// The request on its way to an upstream: from one candidate to the next, until one answers or none
/// is left.

#include "gateway/attempt.hpp"

#include <memory>

namespace sluicegate::gateway {

struct Forwarded {
    /// The attempt whose answer can be passed on, or why there is none; never null.
    Result<std::unique_ptr<Attempt>> attempt = std::unique_ptr<Attempt>();
    /// An upstream may have seen the request.
    bool was_sent = false;
};

/// Sends the request until there is the head of an answer that can be passed on.
net::Task<Forwarded> forward(Request& request, const Routed& routed);

}  // namespace sluicegate::gateway
