#pragma once
/// Which upstreams draw on the same account of a provider.

#include "sluicegate/config/upstream.hpp"

#include <string>

namespace sluicegate::config {

/// The upstream's `account`; without one, a text that is the same exactly for upstreams whose first
/// endpoint is on the same server (scheme, host and port, or Unix socket) and that have the same
/// api_key. Never the same as any `account`, and of the key it holds only a digest. An upstream
/// without an address has an account of its own.
[[nodiscard]] std::string account_key(const Upstream& upstream);

}  // namespace sluicegate::config
