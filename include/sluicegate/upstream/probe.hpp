#pragma once
/// One question to an endpoint of which only the kind of answer matters: an active health check.

#include "sluicegate/upstream/pool.hpp"

#include <memory>
#include <string>

namespace sluicegate::upstream {

/// Sends `request_text`, a complete request, over an idle connection or a new one, and wants a 2xx
/// within `timeout`, which covers everything from the name to the last byte of the head. The body
/// is read, a bounded part of it and only as fast as it comes, so that the connection stays usable;
/// it decides nothing. The request must be harmless to repeat: it is sent again where an idle
/// connection turns out to have been closed.
/// Errors: those of Exchange; upstream_failed for any other status. The detail names the upstream
/// and says what was wrong.
net::Task<Result<void>> probe(std::shared_ptr<Pool> pool, std::string request_text,
                              http::Method method, Milliseconds timeout);

}  // namespace sluicegate::upstream
