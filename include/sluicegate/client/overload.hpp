#pragma once
/// What a client gets that is refused before its request is read.

#include "sluicegate/base/error.hpp"
#include "sluicegate/client/context.hpp"
#include "sluicegate/net/types.hpp"

namespace sluicegate::client {

/// Answers 503 without waiting for the request and closes. For plain listeners.
void refuse_overloaded(net::Socket socket, Context& context) noexcept;

/// Sends the row of `kind` in base/failure_table.hpp as an answer in plain HTTP, as far as the
/// socket takes it at once, and ends the sending direction.
void send_early_reply(int socket, Context& context, ErrorKind kind) noexcept;

}  // namespace sluicegate::client
