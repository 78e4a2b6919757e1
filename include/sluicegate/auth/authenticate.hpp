#pragma once
/// Finds the record of the key in a request: who calls, and what the key may do.

#include "sluicegate/auth/key_ring.hpp"
#include "sluicegate/base/result.hpp"

namespace sluicegate::auth {

/// The record of `key`; never null.
///
/// Errors  invalid_api_key or mistyped_api_key, api_key_expired, ip_not_allowed, in this order. No
///         error tells whether a similar key exists. The last two name the user and the key's id
///         for the log.
[[nodiscard]] Result<const KeyRecord*> authenticate(const KeyRing& ring, std::string_view key,
                                                    const config::IpAddress& from, WallTime now);

[[nodiscard]] bool may_use(const KeyRecord& record, ModelId model) noexcept;

[[nodiscard]] Caller caller_of(const KeyRecord& record) noexcept;

}  // namespace sluicegate::auth
