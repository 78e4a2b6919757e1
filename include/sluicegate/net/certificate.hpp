#pragma once
/// What an admin wants to know of the certificate of a server.

#include "sluicegate/net/tls.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace sluicegate::net {

struct Certificate {
    std::string subject;         ///< "CN=gateway.example.com" (RFC 2253)
    std::int64_t not_after = 0;  ///< seconds since 1970
    std::string digest;          ///< tells one certificate from another
};

/// The first one of the chain; nothing if `server` is null or has none.
[[nodiscard]] std::optional<Certificate> certificate_of(const TlsContext& server);

}  // namespace sluicegate::net
