#pragma once
/// One question to an endpoint of which mainly the kind of answer matters: an active health check.

#include "sluicegate/upstream/exchange.hpp"

#include <cstddef>
#include <string_view>

namespace sluicegate::upstream {

/// A list of models fits; what is longer costs its connection.
inline constexpr std::size_t probe_body_bytes_max = 64 * 1024;

/// Sends `request_text`, a complete request, over an idle connection or a new one; the status of
/// the answer. The body is in `exchange` then, as far as it came within the exchange's timeouts and
/// the bound, so that the connection stays usable. The request must be harmless to repeat: it is
/// sent again where an idle connection turns out to have been closed.
///
/// `exchange` has done nothing yet; whoever owns it may cancel it. `request_text` outlives the
/// task. Errors: those of Exchange, up to the head of the answer.
net::Task<Result<unsigned>> probe(Exchange& exchange, std::string_view request_text,
                                  http::Method method);

}  // namespace sluicegate::upstream
