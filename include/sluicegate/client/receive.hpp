#pragma once
/// Reading a request: its head within its limits, then its body once its sender is known, into
/// memory bounded by server.max_body.

#include "sluicegate/base/result.hpp"
#include "sluicegate/client/exchange.hpp"

namespace sluicegate::client {

/// Waits for the first byte of a request; the connection is idle meanwhile. Errors: client_gone,
/// when the client has left or `timeout` is over.
net::Task<Result<void>> await_request(Connection& connection, Milliseconds timeout);

/// Reads the head after begin(). Errors: those of http/request_head.hpp, request_timeout,
/// client_gone.
net::Task<Result<void>> receive_head(Exchange& exchange);

/// Reads the body behind the head. Errors: request_too_large (from the declared size, or while it
/// arrives), overloaded (likewise: server.memory has no room for it), unsupported_encoding,
/// bad_request, request_timeout, client_gone.
net::Task<Result<void>> receive_body(Exchange& exchange);

/// Of a body that was not read when the answer was given: it is short enough to be dropped, so that
/// the connection can go on. True for a body that was read.
[[nodiscard]] bool can_skip_body(const Exchange& exchange);
/// Drops it. Only after can_skip_body() said yes; false when the client has gone meanwhile.
net::Task<bool> skip_body(Exchange& exchange);

}  // namespace sluicegate::client
