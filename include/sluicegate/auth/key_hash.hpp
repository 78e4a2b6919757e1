#pragma once
/// The SHA-256 digest by which an API key is known; the key itself is stored nowhere.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate::auth {

using KeyHash = std::array<std::uint8_t, 32>;

/// Threads   any; each thread keeps an OpenSSL context.
/// Cost      some 70 ns for a key of 50 characters, one small allocation of OpenSSL 3.0 included
///           (EVP_DigestInit makes its inner state anew; measured against the deprecated
///           SHA256_Init, which has none, the time is the same).
/// Errors    std::runtime_error where OpenSSL has no SHA-256 at all: never a made-up digest.
[[nodiscard]] KeyHash hash_key(std::string_view key);

/// 64 lower-case hexadecimal digits, as `sha256:` holds them in the configuration.
[[nodiscard]] std::string to_hex(const KeyHash& hash);

}  // namespace sluicegate::auth
