#pragma once
/// What the end of an attempt says about the endpoint that it went to.

#include <cstdint>

namespace sluicegate {

enum class Outcome : std::uint8_t {
    success,
    rejected,        ///< a 4xx that the caller or the account caused: the endpoint works
    connect_failed,  ///< name, TCP, TLS or proxy
    cut,             ///< the connection ended before the answer was complete
    failed,          ///< 5xx, a timeout, garbage, or it refused our credential
    refused,         ///< 5xx that the request may have caused: a failure until that is known
    overloaded,      ///< 503 or 529
    rate_limited,    ///< 429: the account's matter, not the endpoint's
    abandoned,       ///< the client left, or nothing was sent: says nothing
};

}  // namespace sluicegate
