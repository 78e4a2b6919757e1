#pragma once
/// A failure as the client sees it: its row of base/failure_table.hpp, filled in.

#include "sluicegate/base/error.hpp"
#include "sluicegate/client/exchange.hpp"
#include "sluicegate/openai/api_error.hpp"

namespace sluicegate::client {

/// The four fields of the JSON body.
[[nodiscard]] openai::ApiError api_error_of(const Error& error);

/// A failure that the client has been told already, by the upstream itself: for log and metrics.
void note_failure(Exchange& exchange, const Error& error);

/// The answer to a failure: a status with its JSON or, in a stream that has begun, an event. True
/// when the connection may carry another request.
///
/// `error` must outlive the task.
net::Task<bool> reply_error(Exchange& exchange, const Error& error);

}  // namespace sluicegate::client
