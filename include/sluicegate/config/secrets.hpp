#pragma once
/// The secrets of a configuration that leave the process: what upstreams and proxies are sent.

#include "sluicegate/base/redaction.hpp"
#include "sluicegate/config/upstream.hpp"

#include <span>

namespace sluicegate::config {

/// Finds the API keys, the values of configured headers and the credentials of proxies, and what
/// stands in those that are composed: the credential behind a scheme, the user and password of
/// Basic, the values of cookies.
[[nodiscard]] Redaction redaction_of(std::span<const Upstream> upstreams);

}  // namespace sluicegate::config
