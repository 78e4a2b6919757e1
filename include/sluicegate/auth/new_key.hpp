#pragma once
/// A fresh API key, for `sluicegate key new`.

#include "sluicegate/base/secret.hpp"

#include <string>
#include <string_view>

namespace sluicegate::auth {

struct NewKey {
    /// `sk-sg-`, 43 base64url characters (RFC 4648 5, no padding) and 6 that are their checksum.
    Secret key;
    std::string sha256_hex;  ///< for the configuration
};

/// 256 bits from OpenSSL's generator. Throws std::runtime_error if that fails.
[[nodiscard]] NewKey make_key();

/// The text looks like a key of make_key(), with a character too many, missing, or wrong. It tells
/// nothing of which keys there are.
[[nodiscard]] bool is_mistyped(std::string_view key);

}  // namespace sluicegate::auth
