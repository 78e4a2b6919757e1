#include "config/digest.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstddef>

namespace sluicegate::config {

std::string sha256_hex(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
        return "";
    }
    constexpr std::string_view hex = "0123456789abcdef";
    std::string result;
    for (std::size_t i = 0; i < size; ++i) {
        result += hex[digest[i] >> 4];
        result += hex[digest[i] & 0xF];
    }
    return result;
}

}  // namespace sluicegate::config
