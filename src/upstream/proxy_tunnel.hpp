#pragma once
/// Asks an HTTP proxy to lead a connection on to an endpoint.
///
/// All traffic goes through a tunnel, that of plain upstreams too: the request and its credential
/// are the endpoint's business, not the proxy's.
/// Source  RFC 9110 sections 9.3.6 (CONNECT) and 11.7.2 (Proxy-Authorization), RFC 7617.

#include "sluicegate/base/result.hpp"
#include "sluicegate/config/upstream.hpp"
#include "sluicegate/net/timed_stream.hpp"

#include <string>

namespace sluicegate::upstream {

/// `stream` is connected to the proxy; when this succeeds, everything that follows on it is the
/// endpoint's. All arguments must outlive the task; cancelling the stream ends it.
/// Errors: upstream_unreachable. The detail does not name the proxy.
net::Task<Result<void>> open_tunnel(net::TimedStream& stream, const config::Proxy& proxy,
                                    const config::Endpoint& target, Instant deadline);

}  // namespace sluicegate::upstream
