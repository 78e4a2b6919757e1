#pragma once
/// Why a client's connection ended before its first request.

#include "sluicegate/net/timed_stream.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluicegate::net {

enum class HandshakeFailure : std::uint8_t {
    plain_http,    ///< HTTP where TLS was expected
    not_tls,       ///< something else that is no TLS
    version,       ///< no version or cipher in common
    certificate,   ///< one side does not accept the other's, or the client has none
    timeout,       ///< it was not done in time
    closed,        ///< the client has closed before the end
    proxy_header,  ///< no valid header of the PROXY protocol
    other,
    count_  ///< number of reasons, not a reason
};

/// For logs and metrics: stable.
[[nodiscard]] constexpr std::string_view name_of(HandshakeFailure failure) noexcept {
    constexpr std::array<std::string_view, static_cast<std::size_t>(HandshakeFailure::count_)>
        names{"plain_http", "not_tls", "version",      "certificate",
              "timeout",    "closed",  "proxy_header", "other"};
    return names[static_cast<std::size_t>(failure)];
}

/// Of a handshake as a server that has not ended in order. Looks at what the client had sent.
[[nodiscard]] HandshakeFailure handshake_failure_of(const Transferred& handshake, Stream& stream);

}  // namespace sluicegate::net
