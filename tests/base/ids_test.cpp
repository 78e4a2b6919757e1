#include "sluicegate/base/ids.hpp"

#include "sluicegate/base/hex.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <vector>

namespace sluicegate {
namespace {

TEST(RequestId, IsAPrefixAndHexDigits) {
    RequestIdSource source;
    const std::string id(source.next().text());
    ASSERT_EQ(id.size(), RequestId::size);
    EXPECT_EQ(id.substr(0, 4), "req_");
    EXPECT_TRUE(std::all_of(id.begin() + 4, id.end(), [](unsigned char c) {
        return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f');
    })) << id;
}

TEST(RequestId, NeverRepeatsWithinASource) {
    RequestIdSource source;
    std::set<std::string> seen;
    for (int i = 0; i < 100000; ++i) {
        const auto id = source.next();
        EXPECT_TRUE(seen.emplace(id.text()).second) << id.text();
    }
}

/// The 24 digits as 96 bits, the first digit first.
std::vector<bool> bits_of(const RequestId& id) {
    std::vector<bool> bits;
    for (const char c : id.text().substr(4)) {
        const unsigned value = hex_value(c).value_or(0);
        for (const unsigned bit : {8U, 4U, 2U, 1U}) bits.push_back((value & bit) != 0);
    }
    return bits;
}

TEST(RequestId, DoesNotCount) {
    // Of a counter, the high bits never change from one id to the next and the lowest always does.
    RequestIdSource source;
    constexpr int ids = 4000;
    std::vector<int> changes(96, 0);
    std::vector<bool> before = bits_of(source.next());
    for (int i = 0; i < ids; ++i) {
        const std::vector<bool> now = bits_of(source.next());
        for (std::size_t bit = 0; bit < now.size(); ++bit) {
            if (now[bit] != before[bit]) ++changes[bit];
        }
        before = now;
    }
    // Half of them is 2000; 300 is more than nine standard deviations.
    for (std::size_t bit = 0; bit < changes.size(); ++bit) {
        EXPECT_NEAR(changes[bit], ids / 2, 300) << "bit " << bit;
    }
}

TEST(RequestId, TwoSourcesHaveNothingInCommon) {
    RequestIdSource first;
    RequestIdSource second;
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(seen.emplace(first.next().text()).second);
        EXPECT_TRUE(seen.emplace(second.next().text()).second);
    }
}

}  // namespace
}  // namespace sluicegate
