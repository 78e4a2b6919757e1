#pragma once
/// A fresh API key, for `sluicegate key new`.

#include "sluicegate/base/secret.hpp"

#include <string>

namespace sluicegate::auth {

struct NewKey {
    Secret key;              ///< `sk-sg-` and 43 base64url characters (RFC 4648 5, no padding)
    std::string sha256_hex;  ///< for the configuration
};

/// 256 bits from OpenSSL's generator. Throws std::runtime_error if that fails.
[[nodiscard]] NewKey make_key();

}  // namespace sluicegate::auth
