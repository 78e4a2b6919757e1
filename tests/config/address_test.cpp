#include "sluicegate/config/address.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluicegate::config {
namespace {

TEST(IpAddress, ParsesAndWritesBothFamilies) {
    struct Row {
        std::string_view name, text, written;
        bool is_v4;
    };
    const Row rows[] = {
        {"v4", "10.1.2.3", "10.1.2.3", true},
        {"v4 zero", "0.0.0.0", "0.0.0.0", true},
        {"v6", "2001:DB8:0:0::1", "2001:db8::1", false},
        {"v4 with parts of all lengths", "0.9.99.255", "0.9.99.255", true},
        {"longest v4", "255.255.255.255", "255.255.255.255", true},
        {"unspecified", "::", "::", false},
        {"loopback", "::1", "::1", false},
        {"v4-mapped is v4", "::ffff:10.1.2.3", "10.1.2.3", true},
        {"v4-mapped in hexadecimal", "::ffff:a01:203", "10.1.2.3", true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto address = IpAddress::parse(row.text);
        ASSERT_TRUE(address.has_value());
        EXPECT_EQ(address->text(), row.written);
        EXPECT_EQ(address->is_v4(), row.is_v4);
    }
    EXPECT_EQ(IpAddress::parse("::ffff:127.0.0.1"), IpAddress::parse("127.0.0.1"));
}

TEST(IpAddress, RefusesWhatOthersMightReadDifferently) {
    const std::string_view texts[] = {
        "",
        "127.1",
        "0x7f.0.0.1",
        "127.0.0.01",
        "1.2.3.4.5",
        "256.0.0.1",
        " ::1",
        "::1%eth0",
        "[::1]",
        "::1::",
        "localhost",
        "1.2.3.4:80",
        "1.2.3.4 ",
        std::string_view("1.2.3.4\0x", 9),
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd",
    };
    for (const std::string_view text : texts) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(IpAddress::parse(text).has_value());
    }
}

TEST(AddressRange, ContainsExactlyItsPrefix) {
    struct Row {
        std::string_view range, address;
        bool is_inside;
    };
    const Row rows[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "::ffff:10.0.0.1", true},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"127.0.0.1/32", "127.0.0.1", true},
        {"0.0.0.0/0", "255.255.255.255", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "10.0.0.1", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1/128", "::1", true},
        {"::ffff:10.0.0.0/104", "10.9.9.9", true},
        {"::ffff:10.0.0.0/104", "11.9.9.9", false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(std::string(row.range) + " and " + std::string(row.address));
        const auto range = AddressRange::parse(row.range);
        const auto address = IpAddress::parse(row.address);
        ASSERT_TRUE(range && address);
        EXPECT_EQ(range->contains(*address), row.is_inside);
    }
}

TEST(AddressRange, SaysWhatIsWrongWithARange) {
    struct Row {
        std::string_view text, hint;
    };
    const Row rows[] = {
        {"10.1.2.3/8",
         "has bits set beyond its prefix: write 10.0.0.0/8 for the range or 10.1.2.3 for the one "
         "address"},
        {"2001:db8::1/32",
         "has bits set beyond its prefix: write 2001:db8::/32 for the range or 2001:db8::1 for the "
         "one address"},
        {"10.0.0.0/33", "must have a prefix of 0 … 32 bits"},
        {"10.0.0.0/", "must have a prefix of 0 … 32 bits"},
        {"10.0.0.0/-1", "must have a prefix of 0 … 32 bits"},
        {"10.0.0.0/8 ", "must have a prefix of 0 … 32 bits"},
        {"::/129", "must have a prefix of 0 … 128 bits"},
        {"10.0.0.0/255.0.0.0", "must have a prefix of 0 … 32 bits"},
        {"ten", "must be an address or a range, such as 10.0.0.0/8 or 2001:db8::/32"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.text);
        EXPECT_FALSE(AddressRange::parse(row.text).has_value());
        EXPECT_EQ(AddressRange::hint(row.text), row.hint);
    }
}

TEST(AddressRange, WritesWhatItParsed) {
    for (const std::string text :
         {"10.0.0.0/8", "127.0.0.1", "0.0.0.0/0", "::/0", "2001:db8::/32", "::1"}) {
        const auto range = AddressRange::parse(text);
        ASSERT_TRUE(range.has_value()) << text;
        EXPECT_EQ(range->text(), text);
    }
}

}  // namespace
}  // namespace sluicegate::config
