#pragma once
/// What a client gets that cannot be served because server.max_connections is reached.

#include "sluicegate/client/context.hpp"
#include "sluicegate/net/types.hpp"

namespace sluicegate::client {

/// Answers 503 without waiting for the request and closes. For plain listeners.
void refuse_overloaded(net::Socket socket, Context& context) noexcept;

}  // namespace sluicegate::client
