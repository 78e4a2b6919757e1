#pragma once
/// What becomes of a body that was not read when the answer was given.

#include "gateway/request.hpp"

namespace sluicegate::gateway {

/// The body was read, or is short enough to be dropped so that the connection can go on.
[[nodiscard]] bool can_skip_body(const Request& request);
/// Drops it. Only after can_skip_body() said yes; false when the client has gone meanwhile.
net::Task<bool> skip_body(Request& request);

}  // namespace sluicegate::gateway
