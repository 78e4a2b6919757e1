#pragma once
/// The request of an active health check, and what its answer says.

#include "sluicegate/base/secret.hpp"
#include "sluicegate/config/upstream.hpp"
#include "sluicegate/http/method.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluicegate::provider {

/// GET for a path, POST for a completion of one token.
[[nodiscard]] http::Method health_method(const config::HealthCheck& check) noexcept;

/// Head and body. `upstream` has a health check; `endpoint` is an index into its endpoints. Secret,
/// because the upstream's API key is in it.
[[nodiscard]] Secret health_request(const config::Upstream& upstream, std::size_t endpoint);

/// Why an answer with this status is no sign of health; "" when it is one. What a server says of
/// itself is repeated; what it says of our key is not.
[[nodiscard]] std::string why_unhealthy(const config::Upstream& upstream, unsigned status,
                                        std::string_view body);

}  // namespace sluicegate::provider
