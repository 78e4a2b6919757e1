#pragma once
/// Classes of bytes in heads, and the search for the bytes that end a line.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sluicegate::http {

using OctetClass = std::uint8_t;
inline constexpr OctetClass token_octet = 1;  ///< tchar, RFC 9110 section 5.6.2
inline constexpr OctetClass path_octet = 2;   ///< pchar or '/', RFC 3986 section 3.3; without '%'
inline constexpr OctetClass query_octet = 4;
inline constexpr OctetClass host_octet = 8;    ///< of a registered name or an IPv4 address
inline constexpr OctetClass value_octet = 16;  ///< VCHAR, SP, HTAB or obs-text
inline constexpr OctetClass digit_octet = 32;
inline constexpr OctetClass hex_octet = 64;

constexpr std::array<OctetClass, 256> make_octet_classes() {
    std::array<OctetClass, 256> classes{};
    const auto mark = [&classes](std::string_view bytes, int octet_class) {
        for (const char byte : bytes) {
            auto& entry = classes[static_cast<unsigned char>(byte)];
            entry = static_cast<OctetClass>(entry | octet_class);
        }
    };
    constexpr std::string_view digits = "0123456789";
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    constexpr std::string_view unreserved_marks = "-._~";
    constexpr std::string_view sub_delims = "!$&'()*+,;=";
    mark(digits, token_octet | path_octet | query_octet | host_octet | digit_octet | hex_octet);
    mark(letters, token_octet | path_octet | query_octet | host_octet);
    mark("abcdefABCDEF", hex_octet);
    mark("!#$%&'*+-.^_`|~", token_octet);
    mark(unreserved_marks, path_octet | query_octet | host_octet);
    mark(sub_delims, path_octet | query_octet);
    mark(":@/", path_octet | query_octet);
    // fetch() and browsers do not encode these (WHATWG URL standard).
    mark("?[]{}|^`", query_octet);
    for (unsigned byte = 0; byte < classes.size(); ++byte) {
        if (byte == '\t' || (byte >= 0x20 && byte != 0x7F)) {
            classes[byte] = static_cast<OctetClass>(classes[byte] | value_octet);
        }
    }
    return classes;
}
inline constexpr std::array<OctetClass, 256> octet_classes = make_octet_classes();

[[nodiscard]] constexpr bool is(char byte, OctetClass octet_class) noexcept {
    return (octet_classes[static_cast<unsigned char>(byte)] & octet_class) != 0;
}
[[nodiscard]] constexpr bool is_white_space(char byte) noexcept {
    return byte == ' ' || byte == '\t';
}
[[nodiscard]] constexpr char lower(char byte) noexcept {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
}

/// Position of the first byte at or after `from` that no field value may hold (a control byte
/// other than HTAB, or DEL), CR and LF among them; the size of `bytes` when there is none.
[[nodiscard]] inline std::size_t find_control(std::string_view bytes, std::size_t from) noexcept {
    using Block [[gnu::vector_size(16)]] = unsigned char;
    std::size_t at = from;
    for (; at + sizeof(Block) <= bytes.size(); at += sizeof(Block)) {
        Block block;
        std::memcpy(&block, bytes.data() + at, sizeof block);
        const auto is_control = ((block < 0x20) & (block != '\t')) | (block == 0x7F);
        // Each byte of these is 0 or 255.
        std::array<std::uint64_t, 2> halves;
        static_assert(sizeof halves == sizeof is_control);
        std::memcpy(&halves, &is_control, sizeof halves);
        if (halves[0] != 0) return at + static_cast<std::size_t>(std::countr_zero(halves[0])) / 8;
        if (halves[1] != 0) {
            return at + 8 + static_cast<std::size_t>(std::countr_zero(halves[1])) / 8;
        }
    }
    while (at < bytes.size() && is(bytes[at], value_octet)) ++at;
    return at;
}

}  // namespace sluicegate::http
