#include "sluicegate/client/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace sluicegate::client {
namespace {

using config::IpAddress;
using Source = std::optional<IpAddress>;

constexpr std::string_view v1_begin = "PROXY ";
constexpr std::string_view v1_shortest = "PROXY UNKNOWN\r\n";
constexpr std::size_t v1_bytes_max = 107;

constexpr std::string_view v2_signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t v2_fixed_bytes = 16;
constexpr std::size_t tlv_head_bytes = 3;
constexpr std::uint8_t tlv_crc32c = 0x03;

Failure refuse_header(std::string what) {
    return fail(ErrorKind::bad_request, "PROXY protocol: " + std::move(what));
}

/// Whether `begun` is the beginning of `whole`, or goes on behind it.
bool agrees(std::string_view begun, std::string_view whole) noexcept {
    const std::size_t size = std::min(begun.size(), whole.size());
    return begun.substr(0, size) == whole.substr(0, size);
}

// --- version 1 ---

/// The fields of a line; empty where it has fewer, and `count` of them.
struct Words {
    std::array<std::string_view, 6> words;
    std::size_t count = 0;
};

Words words_of(std::string_view line) noexcept {
    Words split;
    for (;;) {
        const std::size_t space = line.find(' ');
        if (split.count < split.words.size()) split.words[split.count] = line.substr(0, space);
        ++split.count;
        if (space == std::string_view::npos) return split;
        line.remove_prefix(space + 1);
    }
}

/// The last word may be still to come if the line has not ended.
bool has_empty_word(const Words& split, bool is_ended) noexcept {
    const std::size_t complete =
        std::min(is_ended ? split.count : split.count - 1, split.words.size());
    const auto begin = split.words.begin();
    return std::any_of(begin, begin + static_cast<std::ptrdiff_t>(complete),
                       [](std::string_view word) { return word.empty(); });
}

Result<std::size_t> v1_missing(std::string_view begun) {
    if (begun.size() < v1_shortest.size()) return v1_shortest.size() - begun.size();
    if (begun.size() > v1_bytes_max) return refuse_header("a line of over 107 bytes");
    const std::size_t end = begun.find_first_of("\r\n");
    const Words split = words_of(begun.substr(0, end));
    const bool has_addresses = split.words[1].starts_with("TCP");
    const std::size_t words = has_addresses ? split.words.size() : split.count;
    const std::size_t words_missing = words - std::min(words, split.count);
    const bool is_ended = end != std::string_view::npos;
    if (has_addresses && has_empty_word(split, is_ended)) {
        return refuse_header("a line with two spaces between words");
    }
    if (is_ended) {
        const std::string_view line_end = begun.substr(end);
        if (words_missing > 0) return refuse_header("a line without its six words");
        if (line_end == "\r\n") return std::size_t{0};
        if (line_end != "\r") return refuse_header("a line that does not end in CRLF");
    }
    const std::size_t missing = is_ended ? 1 : 2;
    if (begun.size() + missing > v1_bytes_max) return refuse_header("a line of over 107 bytes");
    // Each word that is still to come has a space before it and at least one byte.
    return missing + 2 * words_missing;
}

bool is_v1_port(std::string_view text) noexcept {
    constexpr std::size_t digits_max = 5;
    if (text.empty() || text.size() > digits_max || (text[0] == '0' && text.size() > 1)) {
        return false;
    }
    unsigned port = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return false;
        port = port * 10 + static_cast<unsigned>(c - '0');
    }
    return port <= 65535;
}

Source named(const IpAddress& address) noexcept {
    return address.is_unspecified() ? Source() : Source(address);
}

Result<Source> parse_v1(std::string_view line) {
    const Words split = words_of(line);
    const std::string_view family = split.words[1];
    if (family == "UNKNOWN") return Source();
    if (family != "TCP4" && family != "TCP6") return refuse_header("an unknown family");
    if (split.count != split.words.size()) return refuse_header("a line without its six words");
    const auto source = IpAddress::parse(split.words[2]);
    const auto destination = IpAddress::parse(split.words[3]);
    const bool has_colons = family == "TCP6";
    for (const std::string_view word : {split.words[2], split.words[3]}) {
        if ((word.find(':') != std::string_view::npos) != has_colons) {
            return refuse_header("an address of another family");
        }
    }
    if (!source || !destination) return refuse_header("a malformed address");
    if (!is_v1_port(split.words[4]) || !is_v1_port(split.words[5])) {
        return refuse_header("a malformed port");
    }
    return named(*source);
}

// --- version 2 ---

std::uint8_t octet_at(std::string_view bytes, std::size_t index) noexcept {
    return static_cast<std::uint8_t>(bytes[index]);
}

std::size_t two_bytes_at(std::string_view bytes, std::size_t index) noexcept {
    return std::size_t{octet_at(bytes, index)} << 8U | octet_at(bytes, index + 1);
}

Result<std::size_t> v2_missing(std::string_view begun) {
    if (begun.size() < v2_fixed_bytes) {
        // One byte less than the smallest header, because a line of version 1 may be as short.
        return std::max<std::size_t>(v1_shortest.size(), begun.size() + 1) - begun.size();
    }
    const std::size_t size = v2_fixed_bytes + two_bytes_at(begun, 14);
    if (size > proxy_header_bytes_max) return refuse_header("a header of over 8 KiB");
    return size - std::min(size, begun.size());
}

/// Where the bits 4 to 7 and 0 to 3 of the family byte have their meanings.
struct Family {
    bool has_address = false;  ///< of one host at each side
    std::size_t source_bytes = 0;
    std::size_t address_bytes = 0;
};

std::optional<Family> family_of(std::uint8_t byte) noexcept {
    const unsigned protocol = byte & 0x0FU;
    const bool is_stream = protocol == 1;
    if (protocol > 2) return std::nullopt;
    switch (byte >> 4U) {
        case 0: return Family();
        case 1: return Family{.has_address = is_stream, .source_bytes = 4, .address_bytes = 12};
        case 2: return Family{.has_address = is_stream, .source_bytes = 16, .address_bytes = 36};
        case 3: return Family{.has_address = false, .source_bytes = 108, .address_bytes = 216};
        default: return std::nullopt;
    }
}

/// CRC-32C (RFC 9260, appendix A) of `bytes`, with zeros for the four at `zeroed`.
std::uint32_t crc32c(std::string_view bytes, std::size_t zeroed) noexcept {
    std::uint32_t crc = 0xFFFFFFFFU;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const bool is_zeroed = i >= zeroed && i < zeroed + 4;
        crc ^= is_zeroed ? 0U : octet_at(bytes, i);
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
    }
    return ~crc;
}

/// Goes through the extensions behind the addresses, and compares the checksum.
Result<void> check_extensions(std::string_view header, std::size_t at) {
    std::optional<std::size_t> checksum;
    while (at < header.size()) {
        if (header.size() - at < tlv_head_bytes) return refuse_header("a truncated extension");
        const std::uint8_t type = octet_at(header, at);
        const std::size_t size = two_bytes_at(header, at + 1);
        at += tlv_head_bytes;
        if (size > header.size() - at) return refuse_header("a truncated extension");
        if (type == tlv_crc32c) {
            if (checksum || size != 4) return refuse_header("a malformed checksum");
            checksum = at;
        }
        at += size;
    }
    if (!checksum) return {};
    const std::size_t sent =
        two_bytes_at(header, *checksum) << 16U | two_bytes_at(header, *checksum + 2);
    if (sent != crc32c(header, *checksum)) return refuse_header("a checksum that does not match");
    return {};
}

Result<Source> parse_v2(std::string_view header) {
    if (header.size() != v2_fixed_bytes + two_bytes_at(header, 14)) {
        return refuse_header("bytes behind the header");
    }
    const std::uint8_t version_and_command = octet_at(header, 12);
    if (version_and_command >> 4U != 2) return refuse_header("a version other than 1 and 2");
    const unsigned command = version_and_command & 0x0FU;
    // LOCAL: the proxy speaks for itself, and the rest of the header means nothing.
    if (command == 0) return Source();
    if (command != 1) return refuse_header("an unknown command");
    const auto family = family_of(octet_at(header, 13));
    if (!family) return refuse_header("an unknown family");
    if (family->address_bytes == 0) return Source();
    if (header.size() - v2_fixed_bytes < family->address_bytes) {
        return refuse_header("a header that is shorter than its addresses");
    }
    auto checked = check_extensions(header, v2_fixed_bytes + family->address_bytes);
    if (!checked) return std::move(checked).failure();
    if (!family->has_address) return Source();
    IpAddress::Bytes bytes{};
    if (family->source_bytes == 4) bytes[10] = bytes[11] = 0xFF;
    const std::string_view source = header.substr(v2_fixed_bytes, family->source_bytes);
    std::ranges::transform(source, bytes.end() - static_cast<std::ptrdiff_t>(source.size()),
                           [](char c) { return static_cast<std::uint8_t>(c); });
    return named(IpAddress(bytes));
}

}  // namespace

Result<std::size_t> proxy_header_missing(std::string_view begun) {
    if (agrees(begun, v2_signature)) return v2_missing(begun);
    if (agrees(begun, v1_begin)) return v1_missing(begun);
    return refuse_header("the connection does not begin with its header");
}

Result<Source> parse_proxy_header(std::string_view header) {
    const auto missing = proxy_header_missing(header);
    if (!missing) return fail(ErrorKind::bad_request, missing.error().detail);
    if (*missing != 0) return refuse_header("a truncated header");
    if (header.starts_with(v1_begin)) return parse_v1(header.substr(0, header.size() - 2));
    return parse_v2(header);
}

}  // namespace sluicegate::client
