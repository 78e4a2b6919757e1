#include "sluicegate/route/quota_table.hpp"

#include "route/support.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace sluicegate::route {
namespace {

using test::at;
using Kind = Quota::Verdict::Kind;

TEST(QuotaTable, GivesOneQuotaToOneAccountAndModel) {
    config::Upstream a = test::make_upstream("a", 2);
    a.api_key = Secret("k1");
    config::Upstream b = a;
    b.name = "b";
    std::swap(b.endpoints[0], b.endpoints[1]);
    config::Upstream other_key = a;
    other_key.api_key = Secret("k2");
    config::Upstream named = a;
    named.account = "team";
    config::Upstream elsewhere = test::make_upstream("c");
    elsewhere.account = "team";
    EXPECT_EQ(account_of(a), account_of(b));
    EXPECT_NE(account_of(a), account_of(other_key));
    EXPECT_NE(account_of(a), account_of(named));
    EXPECT_EQ(account_of(named), account_of(elsewhere));

    QuotaTable table;
    const auto quota = table.find(account_of(a), "m");
    EXPECT_EQ(table.find(account_of(b), "m"), quota);
    EXPECT_NE(table.find(account_of(b), "n"), quota);
    EXPECT_NE(table.find(account_of(named), "m"), quota);
}

TEST(QuotaTable, KeepsAQuotaWhileAnybodyHasIt) {
    QuotaTable table;
    auto quota = table.find("a", "m");
    quota->refused(1, Milliseconds(1'000), at(0));
    EXPECT_EQ(table.find("a", "m")->judge(1, at(0)).kind, Kind::cooling);
    quota.reset();
    EXPECT_EQ(table.find("a", "m")->judge(1, at(0)).kind, Kind::ok);
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
