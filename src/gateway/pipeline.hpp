#pragma once
/// The path of a request, from its first byte to its line in the log.

#include "gateway/request.hpp"

namespace sluicegate::gateway {

/// True when the connection may carry another request. `is_first`: of its connection.
net::Task<bool> run(Request& request, bool is_first);

}  // namespace sluicegate::gateway
