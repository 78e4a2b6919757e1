#include "sluicegate/base/upstream_words.hpp"

#include <algorithm>

namespace sluicegate {
namespace {

constexpr std::string_view stand_in = "***";

bool is_inside_character(char byte) noexcept {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

}  // namespace

UpstreamWords::UpstreamWords(std::string_view said, std::span<const std::string_view> secrets)
    : text_(said) {
    for (const std::string_view secret : secrets) {
        if (secret.size() < secret_bytes_min) continue;
        for (std::size_t at = 0; (at = text_.find(secret, at)) != std::string::npos;) {
            text_.replace(at, secret.size(), stand_in);
            at += stand_in.size();
        }
    }
    if (text_.size() <= bytes_max) return;
    std::size_t size = bytes_max;
    while (size > 0 && is_inside_character(text_[size])) --size;
    text_.resize(size);
}

}  // namespace sluicegate
