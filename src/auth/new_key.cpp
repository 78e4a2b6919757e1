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
constexpr std::size_t random_characters = 43;
constexpr std::size_t checksum_characters = 6;
constexpr std::size_t key_characters = prefix.size() + random_characters + checksum_characters;

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

/// 36 bits of the digest of what stands before it.
void append_checksum(std::string& out) {
    const KeyHash digest = hash_key(out);
    for (std::size_t i = 0; i < checksum_characters; ++i) out += alphabet[digest[i] & 0x3F];
}

}  // namespace

NewKey make_key() {
    RandomBytes bytes;
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
        throw std::runtime_error("OpenSSL has no random numbers");
    }
    std::string text(prefix);
    text.reserve(key_characters);  // a reallocation would leave a copy of the key in memory
    append_base64url(text, bytes);
    append_checksum(text);
    OPENSSL_cleanse(bytes.data(), bytes.size());
    std::string hex = to_hex(hash_key(text));
    return {.key = Secret(std::move(text)), .sha256_hex = std::move(hex)};
}

bool is_mistyped(std::string_view key) {
    constexpr std::size_t slip = 2;  // characters that are missing or too many
    const bool has_size =
        key.size() + slip >= key_characters && key.size() <= key_characters + slip;
    if (!has_size || !key.starts_with(prefix)) return false;
    if (key.find_first_not_of(alphabet) != std::string_view::npos) return false;
    if (key.size() != key_characters) return true;
    std::string whole(key.substr(0, key_characters - checksum_characters));
    whole.reserve(key_characters);
    append_checksum(whole);
    const bool fits = whole == key;
    OPENSSL_cleanse(whole.data(), whole.size());
    return !fits;
}

}  // namespace sluicegate::auth
