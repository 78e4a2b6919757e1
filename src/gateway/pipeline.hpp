#pragma once
/// The path of a request, from its first byte to its line in the log.

#include "gateway/request.hpp"

namespace sluicegate::gateway {

/// True when the connection may carry another request. `is_first`: of its connection.
net::Task<bool> answer(Request& request, bool is_first);

/// Counts and logs a request that answer() is done with.
void finish(Request& request);

}  // namespace sluicegate::gateway
