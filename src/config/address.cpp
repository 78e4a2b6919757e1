#include "sluicegate/config/address.hpp"

#include "config/units.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluicegate::config {
namespace {

constexpr std::array<std::uint8_t, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned v4_prefix_bits = 96;
constexpr unsigned address_bits = 128;

/// `bytes` with everything after the first `bits` bits zero.
IpAddress::Bytes masked(IpAddress::Bytes bytes, unsigned bits) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const unsigned kept = bits > i * 8 ? std::min(8U, bits - static_cast<unsigned>(i) * 8) : 0;
        bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xFF00U >> kept));
    }
    return bytes;
}

/// The parts of a range's text, before its host bits are checked.
struct Parts {
    std::optional<IpAddress> address;
    unsigned bits = address_bits;
    bool has_good_prefix = true;
};

Parts split(std::string_view text) {
    Parts parts;
    const std::size_t slash = text.find('/');
    parts.address = IpAddress::parse(text.substr(0, slash));
    if (!parts.address || slash == std::string_view::npos) return parts;
    const std::string_view digits = text.substr(slash + 1);
    const bool is_short = !digits.empty() && digits.size() <= 3;
    const auto prefix = is_short ? parse_integer(digits) : std::nullopt;
    // "::ffff:10.0.0.0/104" is written in the 16-byte form, and so is its prefix.
    const bool is_v4_text = text.substr(0, slash).find(':') == std::string_view::npos;
    const unsigned offset = is_v4_text ? v4_prefix_bits : 0;
    if (!prefix || *prefix < 0 || *prefix > address_bits - offset) {
        parts.has_good_prefix = false;
        return parts;
    }
    parts.bits = static_cast<unsigned>(*prefix) + offset;
    return parts;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    // inet_pton takes a C string, so a NUL inside would hide the rest.
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (text.size() >= buffer.size() || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    std::ranges::copy(text, buffer.begin());
    Bytes bytes{};
    if (text.find(':') != std::string_view::npos) {
        if (::inet_pton(AF_INET6, buffer.data(), bytes.data()) != 1) return std::nullopt;
        return IpAddress(bytes);
    }
    std::ranges::copy(v4_prefix, bytes.begin());
    if (::inet_pton(AF_INET, buffer.data(), bytes.data() + v4_prefix.size()) != 1) {
        return std::nullopt;
    }
    return IpAddress(bytes);
}

bool IpAddress::is_v4() const noexcept {
    return std::equal(v4_prefix.begin(), v4_prefix.end(), bytes_.begin());
}

bool IpAddress::is_unspecified() const noexcept {
    static constexpr Bytes v4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
    return bytes_ == Bytes{} || bytes_ == v4;
}

std::string IpAddress::text() const {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (!is_v4()) {
        ::inet_ntop(AF_INET6, bytes_.data(), buffer.data(), buffer.size());
        return buffer.data();
    }
    // inet_ntop() goes through sprintf(), which each line of the access log would pay for.
    char* to = buffer.data();
    for (const std::uint8_t part : std::span(bytes_).subspan<v4_prefix.size()>()) {
        if (to != buffer.data()) *to++ = '.';
        to = std::to_chars(to, buffer.data() + buffer.size(), part).ptr;
    }
    return {buffer.data(), to};
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
    const Parts parts = split(text);
    if (!parts.address || !parts.has_good_prefix) return std::nullopt;
    if (masked(parts.address->bytes(), parts.bits) != parts.address->bytes()) return std::nullopt;
    return AddressRange(*parts.address, parts.bits);
}

std::string AddressRange::hint(std::string_view text) {
    const Parts parts = split(text);
    if (!parts.address) return "must be an address or a range, such as 10.0.0.0/8 or 2001:db8::/32";
    if (!parts.has_good_prefix) {
        const bool is_v4_text = text.find(':') == std::string_view::npos;
        return std::string("must have a prefix of 0 … ") + (is_v4_text ? "32" : "128") + " bits";
    }
    const AddressRange range(IpAddress(masked(parts.address->bytes(), parts.bits)), parts.bits);
    return "has bits set beyond its prefix: write " + range.text() + " for the range or " +
           parts.address->text() + " for the one address";
}

bool AddressRange::contains(const IpAddress& address) const noexcept {
    return masked(address.bytes(), bits_) == first_.bytes();
}

bool contains_any(std::span<const AddressRange> ranges, const IpAddress& address) noexcept {
    return std::ranges::any_of(ranges,
                               [&](const AddressRange& range) { return range.contains(address); });
}

std::string AddressRange::text() const {
    if (bits_ == address_bits) return first_.text();
    if (first_.is_v4() && bits_ >= v4_prefix_bits) {
        return first_.text() + '/' + std::to_string(bits_ - v4_prefix_bits);
    }
    return first_.text() + '/' + std::to_string(bits_);
}

}  // namespace sluicegate::config
