#include "sluicegate/route/quota_table.hpp"

#include "route/support.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace sluicegate::route {
namespace {

using test::at;
using Kind = Quota::Availability::Kind;

TEST(QuotaTable, GivesOneQuotaToOneAccountAndModel) {
    QuotaTable table;
    const auto quota = table.find("a", "m");
    EXPECT_EQ(table.find("a", "m"), quota);
    EXPECT_NE(table.find("a", "n"), quota);
    EXPECT_NE(table.find("b", "m"), quota);
}

TEST(QuotaTable, KeepsAQuotaWhileAnybodyHasIt) {
    QuotaTable table;
    auto quota = table.find("a", "m");
    quota->refused(1, Milliseconds(1'000), at(0));
    EXPECT_EQ(table.find("a", "m")->availability(1, at(0)).kind, Kind::cooling);
    quota.reset();
    EXPECT_EQ(table.find("a", "m")->availability(1, at(0)).kind, Kind::ok);
}

TEST(QuotaTable, DropsWhatNobodyHasAnyMore) {
    QuotaTable table;
    const auto kept = table.find("a", "kept");
    for (int i = 0; i < 10'000; ++i) (void)table.find("a", std::to_string(i));
    EXPECT_LE(table.size(), 64U);
    EXPECT_EQ(table.find("a", "kept"), kept);
}

}  // namespace
}  // namespace sluicegate::route
