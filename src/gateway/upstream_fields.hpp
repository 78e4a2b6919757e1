#pragma once
/// The fields of an upstream request that are the same for every request to that upstream.

#include "sluicegate/base/secret.hpp"
#include "sluicegate/config/upstream.hpp"

namespace sluicegate::gateway {

/// Host, credential, User-Agent and Accept-Encoding, each with its line end. Secret, because the
/// upstream's API key is among them.
[[nodiscard]] Secret upstream_fields(const config::Upstream& upstream);

}  // namespace sluicegate::gateway
