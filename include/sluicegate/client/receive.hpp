#pragma once
/// Reading a request: its head within its limits, then its body once its sender is known, into
/// memory bounded by server.max_body. A body with a content coding is decoded while it is read, and
/// the bound holds for what it is then.

#include "sluicegate/base/result.hpp"
#include "sluicegate/client/exchange.hpp"

namespace sluicegate::client {

/// Waits for the first byte of a request; the connection is idle meanwhile. Errors: client_gone,
/// when the client has left or `timeout` is over.
net::Task<Result<void>> await_request(Connection& connection, Milliseconds timeout);

/// Takes the head if all of it has arrived; most have when their first byte is seen. False: more
/// must be read. Of the buffer, the first `searched` bytes hold no end of a head. After
/// Exchange::begin(). Errors: those of http/request_head.hpp,
/// and http_version_not_supported.
[[nodiscard]] Result<bool> take_head(Exchange& exchange, std::size_t searched = 0);
/// Reads until take_head() has what it needs. Errors: the same, request_timeout, client_gone.
net::Task<Result<void>> receive_head(Exchange& exchange);

/// Takes the body if there is none or all of it has arrived behind the head. False: more must be
/// read. Errors: request_too_large, from the declared size; unsupported_encoding.
[[nodiscard]] Result<bool> take_body(Exchange& exchange);
/// Reads the rest of the body. Errors: request_too_large, overloaded for one that
/// server.memory has no room for, invalid_body for a broken content coding, bad_request,
/// request_timeout, client_gone.
net::Task<Result<void>> receive_body(Exchange& exchange);

/// Of a body that was not read when the answer was given: it is short enough to be dropped, so that
/// the connection can go on. True for a body that was read.
[[nodiscard]] bool can_skip_body(const Exchange& exchange);
/// Drops it. Only after can_skip_body() said yes; false when the client has gone meanwhile.
net::Task<bool> skip_body(Exchange& exchange);

}  // namespace sluicegate::client
