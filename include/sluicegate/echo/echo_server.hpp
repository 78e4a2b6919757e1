#pragma once
/// The upstream `kind: echo`: a small HTTP server at the other end of a socket pair.
///
/// It is used like any other upstream, through the same pool, framing, deadlines and cancellation,
/// and opens no port.
/// Threads  one: the worker's.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/result.hpp"
#include "sluicegate/config/upstream.hpp"
#include "sluicegate/net/types.hpp"

namespace sluicegate::echo {

/// Returns one end of a new connection. A task on `context` serves the other end and ends with the
/// connection. Errors: upstream_unreachable (out of descriptors).
[[nodiscard]] Result<net::Socket> dial(net::asio::io_context& context,
                                       const config::EchoSettings& settings, const Clock& clock);

}  // namespace sluicegate::echo
