#include "sluicegate/client/proxy_header.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::client {
namespace {

using namespace std::string_literals;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string v4_addresses = "\xcb\x00\x71\x09\x0a\x00\x00\x02\x12\x34\x01\xbb"s;
const std::string v6_addresses = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x09" +
                                 std::string(15, '\0') + "\x01" + "\x12\x34\x01\xbb";

std::string v2(char command, char family, const std::string& rest) {
    const auto size = static_cast<std::uint16_t>(rest.size());
    return signature + command + family + static_cast<char>(size >> 8) +
           static_cast<char>(size & 0xFF) + rest;
}

std::string tlv(char type, const std::string& value) {
    return std::string(1, type) + static_cast<char>(value.size() >> 8) +
           static_cast<char>(value.size() & 0xFF) + value;
}

/// What reads from a stream byte by byte finds as the header; "" for an error on the way.
std::string header_in(std::string_view bytes, std::size_t step) {
    std::string header;
    for (;;) {
        const auto missing = proxy_header_missing(header);
        if (!missing) return "";
        if (*missing == 0) return header;
        const std::string_view left = bytes.substr(header.size());
        if (left.empty()) return "";
        header += left.substr(0, std::min(*missing, step));
    }
}

TEST(ProxyHeader, NamesTheClient) {
    struct Row {
        std::string_view name;
        std::string header;
        std::string_view source;  ///< "": none, the peer is the client
    };
    const std::vector<Row> rows{
        {"v1 IPv4", "PROXY TCP4 203.0.113.9 10.0.0.2 51234 443\r\n", "203.0.113.9"},
        {"v1, the shortest addresses", "PROXY TCP6 ::1 :: 0 0\r\n", "::1"},
        {"v1 IPv6", "PROXY TCP6 2001:db8::9 2001:db8::1 51234 443\r\n", "2001:db8::9"},
        {"v1, IPv4 inside IPv6", "PROXY TCP6 ::ffff:203.0.113.9 ::1 1 2\r\n", "203.0.113.9"},
        {"v1 UNKNOWN", "PROXY UNKNOWN\r\n", ""},
        {"v1 UNKNOWN with text", "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n",
         ""},
        {"v1, no host's address", "PROXY TCP4 0.0.0.0 10.0.0.2 1 2\r\n", ""},
        {"v2 IPv4", v2('\x21', '\x11', v4_addresses), "203.0.113.9"},
        {"v2 IPv6", v2('\x21', '\x21', v6_addresses), "2001:db8::9"},
        {"v2 with extensions",
         v2('\x21', '\x11',
            v4_addresses + tlv('\x04', std::string(300, 'x')) + tlv('\xEA', "vpce")),
         "203.0.113.9"},
        {"v2 LOCAL", v2('\x20', '\x00', ""), ""},
        {"v2 LOCAL with addresses", v2('\x20', '\x11', v4_addresses), ""},
        {"v2 LOCAL with garbage", v2('\x20', '\xFF', "garbage"), ""},
        {"v2 unspecified", v2('\x21', '\x00', ""), ""},
        {"v2 unspecified with bytes", v2('\x21', '\x00', "what it was"), ""},
        {"v2 Unix socket", v2('\x21', '\x31', std::string(216, 'u')), ""},
        {"v2 datagrams", v2('\x21', '\x12', v4_addresses), ""},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto source = parse_proxy_header(row.header);
        ASSERT_TRUE(source) << source.error().detail;
        EXPECT_EQ(*source ? (*source)->text() : "", row.source);
        for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{10'000}}) {
            EXPECT_EQ(header_in(row.header + "GET / HTTP/1.1\r\n", step), row.header) << step;
            EXPECT_EQ(header_in(row.header + "\x16\x03\x01", step), row.header) << step;
        }
    }
}

TEST(ProxyHeader, RefusesAllElse) {
    struct Row {
        std::string_view name;
        std::string header;
    };
    const std::vector<Row> rows{
        {"a request", "GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"},
        {"a request that begins alike", "PROPFIND / HTTP/1.1\r\n\r\n"},
        {"a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and random bytes"s},
        {"lower case", "proxy TCP4 203.0.113.9 10.0.0.2 51234 443\r\n"},
        {"LF alone", "PROXY TCP4 203.0.113.9 10.0.0.2 51234 443\nGET / HTTP/1.1\r\n"},
        {"CR alone", "PROXY TCP4 203.0.113.9 10.0.0.2 51234 443\rGET / HTTP/1.1\r\n"},
        {"two spaces", "PROXY TCP4  203.0.113.9 10.0.0.2 51234 443\r\n"},
        {"more spaces for words", "PROXY TCP6 2001:db8::9   2\r\n\x16\x03\x01"},
        {"a space at the end", "PROXY TCP4 203.0.113.9 10.0.0.2 51234 443 \r\n"},
        {"five words", "PROXY TCP4 203.0.113.9 10.0.0.2 51234\r\n"},
        {"seven words", "PROXY TCP4 203.0.113.9 10.0.0.2 51234 443 1\r\n"},
        {"another family", "PROXY UDP4 203.0.113.9 10.0.0.2 51234 443\r\n"},
        {"nearly unknown", "PROXY UNKNOWNS\r\n"},
        {"IPv6 as TCP4", "PROXY TCP4 2001:db8::9 2001:db8::1 51234 443\r\n"},
        {"IPv4 as TCP6", "PROXY TCP6 203.0.113.9 10.0.0.2 51234 443\r\n"},
        {"a name", "PROXY TCP4 client.example 10.0.0.2 51234 443\r\n"},
        {"leading zeros", "PROXY TCP4 203.000.113.009 10.0.0.2 51234 443\r\n"},
        {"a bad destination", "PROXY TCP4 203.0.113.9 10.0.0 51234 443\r\n"},
        {"a port with a zero before it", "PROXY TCP4 203.0.113.9 10.0.0.2 051234 443\r\n"},
        {"a large port", "PROXY TCP4 203.0.113.9 10.0.0.2 65536 443\r\n"},
        {"a negative port", "PROXY TCP4 203.0.113.9 10.0.0.2 -1 443\r\n"},
        {"too long", "PROXY UNKNOWN " + std::string(100, 'x') + "\r\n"},
        {"a wrong signature", "\r\n\r\n\0\r\nQUIT\r"s + std::string(20, '\0')},
        {"version 1 in binary", v2('\x11', '\x11', v4_addresses)},
        {"version 3", v2('\x31', '\x11', v4_addresses)},
        {"an unknown command", v2('\x22', '\x11', v4_addresses)},
        {"an unknown family", v2('\x21', '\x41', v4_addresses)},
        {"an unknown protocol", v2('\x21', '\x13', v4_addresses)},
        {"too short for IPv4", v2('\x21', '\x11', v4_addresses.substr(0, 11))},
        {"too short for IPv6", v2('\x21', '\x21', v4_addresses)},
        {"too short for a Unix socket", v2('\x21', '\x31', std::string(215, 'u'))},
        {"an extension cut in its head", v2('\x21', '\x11', v4_addresses + "\x04\x00"s)},
        {"an extension cut in its value", v2('\x21', '\x11', v4_addresses + "\x04\x00\x05xxxx"s)},
        {"over 8 KiB", v2('\x21', '\x11', v4_addresses + tlv('\x04', std::string(9000, 'x')))},
        {"a checksum of three bytes", v2('\x21', '\x11', v4_addresses + tlv('\x03', "abc"))},
        {"a wrong checksum", v2('\x21', '\x11', v4_addresses + tlv('\x03', "abcd"))},
        {"bytes behind it", v2('\x21', '\x11', v4_addresses) + "x"},
        {"cut in the signature", signature.substr(0, 7)},
        {"cut in the fixed part", v2('\x21', '\x11', v4_addresses).substr(0, 14)},
        {"cut in the addresses", v2('\x21', '\x11', v4_addresses).substr(0, 20)},
        {"nothing", ""},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto source = parse_proxy_header(row.header);
        ASSERT_FALSE(source);
        EXPECT_EQ(source.error().kind, ErrorKind::bad_request);
        EXPECT_TRUE(source.error().detail.starts_with("PROXY protocol: "));
    }
}

TEST(ProxyHeader, ComparesTheChecksum) {
    // CRC-32C of the header below with zeros in its place, from an independent implementation.
    const std::string addresses = v4_addresses;
    const auto header_with = [&](const std::string& sum) {
        return v2('\x21', '\x11', addresses + tlv('\x04', "pad") + tlv('\x03', sum));
    };
    const std::string zeroed = header_with("\0\0\0\0"s);
    std::uint32_t crc = ~0U;
    for (const char c : zeroed) {
        crc ^= static_cast<std::uint8_t>(c);
        for (int i = 0; i < 8; ++i) crc = (crc >> 1U) ^ (0x82F63B78U & (0U - (crc & 1U)));
    }
    crc = ~crc;
    const std::string sum{static_cast<char>(crc >> 24), static_cast<char>(crc >> 16),
                          static_cast<char>(crc >> 8), static_cast<char>(crc)};
    EXPECT_TRUE(parse_proxy_header(header_with(sum)));
    for (std::size_t i = 0; i < 4; ++i) {
        std::string other = sum;
        other[i] = static_cast<char>(other[i] ^ 1);
        EXPECT_FALSE(parse_proxy_header(header_with(other))) << i;
    }
    const std::string twice = v2('\x21', '\x11', addresses + tlv('\x03', sum) + tlv('\x03', sum));
    EXPECT_FALSE(parse_proxy_header(twice));
}

TEST(ProxyHeader, NoticesAtTheFirstBytesThatThereIsNone) {
    for (const std::string_view begun : {"G", "PO", "PROXX", "\r\nG", "\x16"}) {
        EXPECT_FALSE(proxy_header_missing(begun)) << begun;
    }
    for (const std::string_view begun : {"", "P", "PROXY", "\r", "\r\n\r\n"}) {
        EXPECT_TRUE(proxy_header_missing(begun)) << begun;
    }
}

}  // namespace
}  // namespace sluicegate::client
