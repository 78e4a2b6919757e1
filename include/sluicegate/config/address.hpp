#pragma once
/// IP addresses, and the ranges from which a key may be used.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluicegate::config {

/// 16 bytes in network order. An IPv4 address is stored as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), so
/// an IPv4 client of a dual-stack socket has the same address as on an IPv4 socket.
class IpAddress {
public:
    using Bytes = std::array<std::uint8_t, 16>;

    /// `::`, the unspecified address.
    IpAddress() = default;
    explicit IpAddress(const Bytes& bytes) noexcept : bytes_(bytes) {}

    /// "10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1"; no brackets, zone, port or leading zeros.
    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

    [[nodiscard]] const Bytes& bytes() const noexcept { return bytes_; }
    [[nodiscard]] bool is_v4() const noexcept;
    /// "::" or "0.0.0.0", which no host has.
    [[nodiscard]] bool is_unspecified() const noexcept;
    /// "10.0.0.1" for every IPv4 address, else the short form of RFC 5952.
    [[nodiscard]] std::string text() const;

    friend bool operator==(const IpAddress&, const IpAddress&) = default;

private:
    Bytes bytes_{};
};

/// A network prefix, or one address.
class AddressRange {
public:
    /// "10.0.0.0/8", "::1/128", "127.0.0.1". Bits after the prefix must be 0: "10.1.2.3/8" is
    /// probably a mistake, and hint() suggests the range that was meant.
    [[nodiscard]] static std::optional<AddressRange> parse(std::string_view text);
    /// Why parse() refused `text`: "must be an address …", the end of a Problem.
    [[nodiscard]] static std::string hint(std::string_view text);

    [[nodiscard]] bool contains(const IpAddress& address) const noexcept;
    /// "10.0.0.0/8"; a single address without its prefix length.
    [[nodiscard]] std::string text() const;

    friend bool operator==(const AddressRange&, const AddressRange&) = default;

private:
    AddressRange(const IpAddress& first, unsigned bits) noexcept : first_(first), bits_(bits) {}

    IpAddress first_;
    unsigned bits_;  ///< of the 16-byte form: an IPv4 prefix counts 96 more
};

/// True when one of the ranges holds it.
[[nodiscard]] bool contains_any(std::span<const AddressRange> ranges,
                                const IpAddress& address) noexcept;

}  // namespace sluicegate::config
