#include "sluicegate/client/forwarded.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::client {
namespace {

using config::AddressRange;
using config::IpAddress;

const std::vector<AddressRange> trusted{*AddressRange::parse("10.0.0.0/8"),
                                        *AddressRange::parse("fd00::/8"),
                                        *AddressRange::parse("127.0.0.1")};

using Lines = std::vector<http::Field>;

std::string client_of(const Lines& lines) {
    http::FieldTable fields;
    for (const http::Field& line : lines) EXPECT_TRUE(fields.add(line.name, line.value));
    return client_behind(*IpAddress::parse("127.0.0.1"), trusted, fields).text();
}

TEST(Forwarded, XForwardedForIsWalkedFromTheRight) {
    struct Row {
        std::string_view name;
        std::vector<std::string_view> lines;
        std::string_view client;
    };
    const std::vector<Row> rows{
        {"none", {}, "127.0.0.1"},
        {"one", {"203.0.113.10"}, "203.0.113.10"},
        {"a chain", {"203.0.113.10, 10.0.0.2"}, "203.0.113.10"},
        {"what the client claims", {"192.0.2.1, 203.0.113.10, 10.0.0.2"}, "203.0.113.10"},
        {"a claim to be a proxy", {"10.9.9.9, 203.0.113.10"}, "203.0.113.10"},
        {"proxies alone", {"10.0.0.7,10.0.0.2"}, "10.0.0.7"},
        {"several lines", {"192.0.2.1", "203.0.113.10", "10.0.0.2"}, "203.0.113.10"},
        {"lines and lists", {"192.0.2.1, 203.0.113.10", "10.0.0.3, 10.0.0.2"}, "203.0.113.10"},
        {"no spaces, and tabs", {"192.0.2.1,\t203.0.113.10 \t,10.0.0.2"}, "203.0.113.10"},
        {"empty elements", {", 203.0.113.10 ,, 10.0.0.2 ,", "", " , "}, "203.0.113.10"},
        {"ports", {"203.0.113.10:51234, 10.0.0.2:80"}, "203.0.113.10"},
        {"IPv6", {"2001:db8::9, fd00::2"}, "2001:db8::9"},
        {"IPv6 in brackets", {"[2001:db8::9], [fd00::2]"}, "2001:db8::9"},
        {"IPv6 with ports", {"[2001:db8::9]:51234, [fd00::2]:80"}, "2001:db8::9"},
        {"IPv4 inside IPv6", {"::ffff:203.0.113.10, ::ffff:10.0.0.2"}, "203.0.113.10"},
        {"unknown", {"unknown"}, "127.0.0.1"},
        {"unknown behind a proxy", {"unknown, 10.0.0.2"}, "10.0.0.2"},
        {"unknown on the way", {"203.0.113.10, unknown, 10.0.0.2"}, "10.0.0.2"},
        {"obfuscated", {"203.0.113.10, _hidden"}, "127.0.0.1"},
        {"a name", {"203.0.113.10, localhost"}, "127.0.0.1"},
        {"garbage to the left of the client", {"<script>, 203.0.113.10"}, "203.0.113.10"},
        {"garbage", {"203.0.113.10; DROP TABLE"}, "127.0.0.1"},
        {"two addresses in one", {"203.0.113.10 198.51.100.1"}, "127.0.0.1"},
        {"leading zeros", {"203.0.113.010"}, "127.0.0.1"},
        {"a number", {"3405803786"}, "127.0.0.1"},
        {"hexadecimal", {"0xcb00710a"}, "127.0.0.1"},
        {"a short form", {"203.0.113"}, "127.0.0.1"},
        {"a range", {"203.0.113.0/24"}, "127.0.0.1"},
        {"a zone", {"fe80::1%eth0"}, "127.0.0.1"},
        {"IPv4 in brackets", {"[203.0.113.10]"}, "127.0.0.1"},
        {"open brackets", {"[2001:db8::9"}, "127.0.0.1"},
        {"bytes behind brackets", {"[2001:db8::9]x"}, "127.0.0.1"},
        {"an empty port", {"203.0.113.10:"}, "127.0.0.1"},
        {"a port that is none", {"203.0.113.10:http"}, "127.0.0.1"},
        {"quotes", {"\"203.0.113.10\""}, "127.0.0.1"},
        {"no host's addresses", {"203.0.113.10, 0.0.0.0"}, "127.0.0.1"},
        {"the unspecified IPv6 address", {"203.0.113.10, ::"}, "127.0.0.1"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Lines lines{{"host", "gateway"}, {"X-Real-IP", "192.0.2.66"}};
        for (const std::string_view line : row.lines) lines.push_back({"X-Forwarded-For", line});
        EXPECT_EQ(client_of(lines), row.client);
    }
}

TEST(Forwarded, ForwardedIsWalkedInTheSameWay) {
    struct Row {
        std::string_view name;
        std::vector<std::string_view> lines;
        std::string_view client;
    };
    const std::vector<Row> rows{
        {"one", {"for=203.0.113.10"}, "203.0.113.10"},
        {"a chain", {"for=192.0.2.1, for=203.0.113.10, for=10.0.0.2"}, "203.0.113.10"},
        {"several lines", {"for=192.0.2.1", "for=203.0.113.10", "for=10.0.0.2"}, "203.0.113.10"},
        {"letter case and other parameters",
         {"proto=https;FOR=203.0.113.10;by=10.0.0.1;host=\"a,b;c\""},
         "203.0.113.10"},
        {"quoted", {"for=\"203.0.113.10\""}, "203.0.113.10"},
        {"quoted with a port", {"for=\"203.0.113.10:47011\""}, "203.0.113.10"},
        {"an obfuscated port", {"for=\"203.0.113.10:_a7\""}, "203.0.113.10"},
        {"IPv6", {"For=\"[2001:db8::9]\", for=\"[fd00::2]:80\""}, "2001:db8::9"},
        {"IPv6 with a port", {"for=\"[2001:db8::9]:4711\";proto=http"}, "2001:db8::9"},
        {"escapes", {"for=\"\\2\\03.0.113.10\""}, "203.0.113.10"},
        {"empty parameters and elements", {";for=203.0.113.10;, ,;"}, "127.0.0.1"},
        {"empty parameters", {";for=203.0.113.10;"}, "203.0.113.10"},
        {"unknown", {"for=203.0.113.10, for=unknown, for=10.0.0.2"}, "10.0.0.2"},
        {"obfuscated", {"for=203.0.113.10, for=\"_gazonk\""}, "127.0.0.1"},
        {"an element without for", {"for=203.0.113.10, proto=https"}, "127.0.0.1"},
        {"two in one element", {"for=203.0.113.10;for=198.51.100.1"}, "127.0.0.1"},
        {"no parameter", {"203.0.113.10"}, "127.0.0.1"},
        {"an open quote of the client's", {"for=\"x, for=203.0.113.10"}, "203.0.113.10"},
        {"an open quote with an escape", {"for=\"\\, for=203.0.113.10"}, "203.0.113.10"},
        {"an open quote before a quoted address",
         {"for=\", for=\"[2001:db8::9]\";proto=https"},
         "2001:db8::9"},
        {"an open quote of the proxy's", {"for=203.0.113.10, for=\"10.0.0.2"}, "127.0.0.1"},
        {"bytes behind the quotes", {"for=\"203.0.113.10\"x"}, "127.0.0.1"},
        {"quotes inside", {"for=203.0\".113.10\""}, "127.0.0.1"},
        {"spaces around =", {"for = 203.0.113.10"}, "127.0.0.1"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Lines lines;
        for (const std::string_view line : row.lines) lines.push_back({"Forwarded", line});
        EXPECT_EQ(client_of(lines), row.client);
    }
}

TEST(Forwarded, XForwardedForDecidesWhereItNamesAnything) {
    const http::Field forwarded{"Forwarded", "for=198.51.100.1"};
    EXPECT_EQ(client_of({forwarded, {"X-Forwarded-For", "203.0.113.10"}}), "203.0.113.10");
    EXPECT_EQ(client_of({forwarded, {"X-Forwarded-For", "unknown"}}), "127.0.0.1");
    EXPECT_EQ(client_of({forwarded, {"X-Forwarded-For", " , "}}), "198.51.100.1");
}

TEST(Forwarded, ALongNodeIsNoAddress) {
    const std::string node = "for=\"" + std::string(10'000, '1') + "\"";
    EXPECT_EQ(client_of({{"Forwarded", node}}), "127.0.0.1");
}

}  // namespace
}  // namespace sluicegate::client
