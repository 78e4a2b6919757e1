#pragma once
/// How long an attempt may take.

#include "sluicegate/config/model.hpp"
#include "sluicegate/config/upstream.hpp"

namespace sluicegate::provider {

/// Those of the upstream; what the model sets replaces them.
[[nodiscard]] config::UpstreamTimeouts timeouts_of(const config::Upstream& upstream,
                                                   const config::Model& model) noexcept;

}  // namespace sluicegate::provider
