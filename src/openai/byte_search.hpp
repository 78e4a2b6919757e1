#pragma once
/// Small searches in JSON text. Most strings are short, so a call of memchr would cost more than
/// the search itself.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sluicegate::openai {

/// Position of the first `wanted`, or the size. The first 32 bytes are compared in place.
[[nodiscard]] inline std::size_t find_byte(std::string_view text, char wanted) noexcept {
    constexpr std::size_t word_bytes = sizeof(std::uint64_t);
    constexpr std::size_t near_bytes = 4 * word_bytes;
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t high_bits = 0x8080808080808080;
    static_assert(std::endian::native == std::endian::little);
    const std::uint64_t pattern = ones * static_cast<unsigned char>(wanted);
    // The lowest bit stands for the first match.
    const auto matches_at = [&](std::size_t at) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, word_bytes);
        word ^= pattern;
        return (word - ones) & ~word & high_bits;
    };
    const auto place_of = [](std::uint64_t matches) {
        return static_cast<std::size_t>(std::countr_zero(matches)) / 8;
    };
    std::size_t at = 0;
    if (text.size() < word_bytes) {
        while (at < text.size() && text[at] != wanted) ++at;
        return at;
    }
    for (; at < near_bytes && text.size() - at >= word_bytes; at += word_bytes) {
        if (const std::uint64_t matches = matches_at(at)) return at + place_of(matches);
    }
    if (text.size() - at >= word_bytes) return std::min(text.find(wanted, at), text.size());
    // The last word overlaps the one before it.
    at = text.size() - word_bytes;
    const std::uint64_t matches = matches_at(at);
    return matches == 0 ? text.size() : at + place_of(matches);
}

/// Exactly the white space of JSON.
[[nodiscard]] constexpr bool is_json_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// `text` without the white space at its end.
[[nodiscard]] constexpr std::string_view without_space_behind(std::string_view text) noexcept {
    while (!text.empty() && is_json_space(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace sluicegate::openai
