#pragma once
/// The SHA-256 digest of an API key. The configuration holds only the digest, never the key.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate::auth {

using KeyHash = std::array<std::uint8_t, 32>;

/// Threads   any; each thread keeps an OpenSSL context.
/// Cost      about 70 ns for a key of 50 characters. That includes one small allocation in
///           EVP_DigestInit of OpenSSL 3.0; the deprecated SHA256_Init has none and takes as long.
/// Errors    std::runtime_error if OpenSSL has no SHA-256.
[[nodiscard]] KeyHash hash_key(std::string_view key);

/// 64 lower-case hexadecimal digits, as in `sha256:` of the configuration.
[[nodiscard]] std::string to_hex(const KeyHash& hash);

}  // namespace sluicegate::auth
