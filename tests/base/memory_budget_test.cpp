#include "sluicegate/base/memory_budget.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <thread>
#include <vector>

namespace sluicegate {
namespace {

TEST(MemoryBudget, GivesWhatItHasAndNotAByteMore) {
    MemoryBudget budget(100);
    MemoryClaim first(budget);
    MemoryClaim second(budget);
    EXPECT_TRUE(first.resize(60));
    EXPECT_FALSE(second.resize(41));
    EXPECT_EQ(budget.used(), 60U) << "a refused claim takes nothing";
    EXPECT_TRUE(second.resize(40));
    EXPECT_EQ(budget.used(), 100U);
    EXPECT_FALSE(first.resize(61));
    EXPECT_TRUE(first.resize(59));
    EXPECT_TRUE(second.resize(41));
    EXPECT_EQ(budget.used(), 100U);
}

TEST(MemoryBudget, GetsBackWhatAClaimHadAtItsEnd) {
    MemoryBudget budget(100);
    {
        MemoryClaim claim(budget);
        EXPECT_TRUE(claim.resize(100));
        EXPECT_TRUE(claim.resize(30));
        EXPECT_EQ(budget.used(), 30U);
    }
    EXPECT_EQ(budget.used(), 0U);
}

TEST(MemoryBudget, LeavesClaimsAloneWhenItsLimitIsLowered) {
    MemoryBudget budget(100);
    MemoryClaim claim(budget);
    EXPECT_TRUE(claim.resize(80));
    budget.set_limit(50);
    EXPECT_EQ(budget.used(), 80U);
    EXPECT_FALSE(claim.resize(81));
    EXPECT_TRUE(claim.resize(50));
    MemoryClaim other(budget);
    EXPECT_FALSE(other.resize(1));
    EXPECT_TRUE(other.resize(0));
    budget.set_limit(51);
    EXPECT_TRUE(other.resize(1));
}

TEST(MemoryBudget, AShareOfRequestsNeverHoldsMoreThanIsLeft) {
    MemoryBudget budget(100);
    MemoryShare alice;
    MemoryShare bob;
    MemoryClaim first(budget);
    MemoryClaim second(budget);
    MemoryClaim third(budget);
    first.charge_to(&alice);
    second.charge_to(&alice);
    third.charge_to(&bob);
    EXPECT_TRUE(first.resize(30));
    EXPECT_FALSE(second.resize(21));
    EXPECT_EQ(budget.used(), 30U) << "a refused claim takes nothing";
    EXPECT_EQ(alice.held(), 30U);
    EXPECT_TRUE(second.resize(20));
    EXPECT_TRUE(third.resize(25)) << "half is left for others";
    EXPECT_FALSE(second.resize(21));
    EXPECT_TRUE(second.resize(5));
    EXPECT_EQ(alice.held(), 35U);
    EXPECT_EQ(bob.held(), 25U);
}

TEST(MemoryBudget, AnswersMayTakeThreeTimesWhatIsLeft) {
    MemoryBudget budget(100);
    MemoryShare alice;
    MemoryClaim body(budget);
    MemoryClaim answer(budget, MemoryUse::answer);
    body.charge_to(&alice);
    answer.charge_to(&alice);
    EXPECT_TRUE(body.resize(50));
    EXPECT_TRUE(answer.resize(25));
    EXPECT_FALSE(answer.resize(26));
}

TEST(MemoryBudget, TheOnlyClaimOfAShareIsBoundByTheBudgetAlone) {
    MemoryBudget budget(100);
    MemoryShare alice;
    MemoryClaim only(budget);
    only.charge_to(&alice);
    EXPECT_TRUE(only.resize(60));
    EXPECT_TRUE(only.resize(100)) << "as it grows, too";
    EXPECT_FALSE(only.resize(101));
}

TEST(MemoryBudget, AClaimTakesWhatItHasToAnotherShare) {
    MemoryBudget budget(100);
    MemoryShare alice;
    {
        MemoryClaim claim(budget);
        claim.charge_to(&budget.strangers());
        EXPECT_TRUE(claim.resize(10));
        claim.charge_to(&alice);
        EXPECT_EQ(budget.strangers().held(), 0U);
        EXPECT_EQ(alice.held(), 10U);
        claim.charge_to(nullptr);
        EXPECT_EQ(alice.held(), 0U);
        EXPECT_EQ(budget.used(), 10U);
        claim.charge_to(&alice);
    }
    EXPECT_EQ(alice.held(), 0U);
    EXPECT_EQ(budget.used(), 0U);
}

TEST(MemoryBudget, KeepsItsLimitAmongThreads) {
    static constexpr std::size_t limit = 1000;
    static constexpr std::size_t each = 300;
    MemoryBudget budget(limit);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&budget] {
            for (int round = 0; round < 10'000; ++round) {
                MemoryClaim claim(budget);
                if (!claim.resize(each)) continue;
                EXPECT_LE(budget.used(), limit);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(budget.used(), 0U);
}

}  // namespace
}  // namespace sluicegate
