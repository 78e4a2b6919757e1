#include "sluicegate/base/ids.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

namespace sluicegate {
namespace {

TEST(RequestId, IsAPrefixAndHexDigits) {
    RequestIdSource source(7);
    const std::string id(source.next().text());
    ASSERT_EQ(id.size(), RequestId::size);
    EXPECT_EQ(id.substr(0, 4), "req_");
    EXPECT_TRUE(std::all_of(id.begin() + 4, id.end(), [](unsigned char c) {
        return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f');
    })) << id;
}

TEST(RequestId, NeverRepeatsWithinASource) {
    RequestIdSource source(1);
    std::set<std::string> seen;
    for (int i = 0; i < 100000; ++i) {
        const auto id = source.next();
        EXPECT_TRUE(seen.emplace(id.text()).second) << id.text();
    }
}

TEST(RequestId, SourcesStartFromDifferentSeeds) {
    RequestIdSource first;
    RequestIdSource second;
    EXPECT_NE(first.next().text(), second.next().text());
}

}  // namespace
}  // namespace sluicegate
