#pragma once
/// A failure as the client sees it: its row of base/failure_table.hpp, filled in.

#include "sluicegate/base/error.hpp"
#include "sluicegate/openai/api_error.hpp"

namespace sluicegate::gateway {

/// The four fields of the JSON body.
[[nodiscard]] openai::ApiError api_error_of(const Error& error);

}  // namespace sluicegate::gateway
