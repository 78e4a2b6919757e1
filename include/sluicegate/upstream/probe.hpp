#pragma once
/// One question to an endpoint of which mainly the kind of answer matters: an active health check.

#include "sluicegate/upstream/exchange.hpp"

#include <cstddef>
#include <string_view>

namespace sluicegate::upstream {

/// A list of models fits.
inline constexpr std::size_t probe_body_bytes_max = 1024 * 1024;

/// Sends `request_text`, a complete request, over an idle connection or a new one; the status of
/// the answer. Its body is in `exchange` then: an endpoint whose answer does not end, within the
/// exchange's timeouts and the bound, is unhealthy. The request must be harmless to repeat: it is
/// sent again where an idle connection turns out to have been closed.
///
/// `exchange` has done nothing yet; its owner may cancel it. `request_text` outlives the task.
/// Errors: those of Exchange, and upstream_bad_response for a longer body.
net::Task<Result<unsigned>> probe(Exchange& exchange, std::string_view request_text,
                                  http::Method method);

}  // namespace sluicegate::upstream
