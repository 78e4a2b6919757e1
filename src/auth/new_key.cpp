#include "sluicegate/auth/new_key.hpp"

#include "sluicegate/auth/key_hash.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace sluicegate::auth {
namespace {

constexpr std::string_view prefix = "sk-sg-";
constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
using RandomBytes = std::array<std::uint8_t, 32>;

/// RFC 4648, 5, without padding: 32 bytes become 42 characters of 6 bits and one of 4.
void append_base64url(std::string& out, const RandomBytes& bytes) {
    std::uint32_t bits = 0;
    unsigned bit_count = 0;
    for (const std::uint8_t byte : bytes) {
        bits = (bits << 8) | byte;
        bit_count += 8;
        while (bit_count >= 6) {
            bit_count -= 6;
            out += alphabet[(bits >> bit_count) & 0x3F];
        }
    }
    if (bit_count > 0) out += alphabet[(bits << (6 - bit_count)) & 0x3F];
}

}  // namespace

NewKey make_key() {
    RandomBytes bytes;
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
        throw std::runtime_error("OpenSSL has no random numbers");
    }
    std::string text(prefix);
    text.reserve(prefix.size() + 43);  // a reallocation would leave a copy of the key in memory
    append_base64url(text, bytes);
    OPENSSL_cleanse(bytes.data(), bytes.size());
    std::string hex = to_hex(hash_key(text));
    return {.key = Secret(std::move(text)), .sha256_hex = std::move(hex)};
}

}  // namespace sluicegate::auth
