#pragma once
/// Tells which upstreams use the same account of a provider.

#include "sluicegate/config/upstream.hpp"

#include <string>

namespace sluicegate::config {

/// The upstream's `account`. Without one, a text that is equal for upstreams with the same api_key
/// whose first endpoint is on the same server (scheme, host and port, or Unix socket), and differs
/// for all others. It never equals an `account`, and holds only a digest of the key. An upstream
/// without an address has its own account.
[[nodiscard]] std::string account_key(const Upstream& upstream);

}  // namespace sluicegate::config
