#include "sluicegate/route/retry_budget.hpp"

#include "route/support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace sluicegate::route {
namespace {

using test::at;

std::int64_t count_retries(RetryBudget& budget, int tries, std::int64_t ms) {
    std::int64_t granted = 0;
    for (int i = 0; i < tries; ++i) granted += budget.try_retry(at(ms)) ? 1 : 0;
    return granted;
}

TEST(RetryBudget, GrantsTheMinimumOfEachSecond) {
    RetryBudget budget({.budget_percent = 0, .minimum = 10});
    EXPECT_EQ(count_retries(budget, 50, 0), 10);
    EXPECT_EQ(count_retries(budget, 50, 100), 1);
    EXPECT_EQ(count_retries(budget, 50, 1'100), 10);
    EXPECT_EQ(count_retries(budget, 50, 600'000), 10) << "seconds don't add up";
}

TEST(RetryBudget, GrantsAShareOfTheRequests) {
    RetryBudget budget({.budget_percent = 10, .minimum = 0});
    EXPECT_EQ(count_retries(budget, 5, 0), 0);
    for (int i = 0; i < 95; ++i) budget.request();
    EXPECT_EQ(count_retries(budget, 100, 0), 9);
    for (int i = 0; i < 5; ++i) budget.request();
    EXPECT_EQ(count_retries(budget, 100, 0), 1);
}

TEST(RetryBudget, SavesNoMoreThanItsBound) {
    RetryBudget budget({.budget_percent = 10, .minimum = 0});
    for (int i = 0; i < 1'000'000; ++i) budget.request();
    EXPECT_EQ(count_retries(budget, 1'000, 0), RetryBudget::saved_max);
}

TEST(RetryBudget, GrantsNothingWhenBothAreZero) {
    RetryBudget budget({.budget_percent = 0, .minimum = 0});
    for (int i = 0; i < 1'000; ++i) budget.request();
    EXPECT_EQ(count_retries(budget, 10, 0), 0);
}

TEST(RetryBudget, FollowsNewSettings) {
    RetryBudget budget({.budget_percent = 0, .minimum = 0});
    budget.configure({.budget_percent = 100, .minimum = 1});
    budget.request();
    EXPECT_EQ(count_retries(budget, 10, 0), 2);
}

TEST(RetryBudget, IsNotBlockedByAClockThatStepsBack) {
    RetryBudget budget({.budget_percent = 0, .minimum = 10});
    EXPECT_EQ(count_retries(budget, 50, 3'600'000), 10);
    EXPECT_EQ(count_retries(budget, 50, 3'599'500), 0) << "clocks of threads may differ a little";
    EXPECT_EQ(count_retries(budget, 50, 0), 10);
}

TEST(RetryBudget, HoldsItsLawOverAnySpan) {
    const unsigned seed = 5;
    SCOPED_TRACE(seed);
    test::Random random(seed);
    for (int round = 0; round < 50; ++round) {
        const unsigned percent = random.below(101U);
        const unsigned minimum = random.below(50U);
        RetryBudget budget({.budget_percent = percent, .minimum = minimum});
        std::int64_t ms = 0;
        std::int64_t requests = 0;
        std::int64_t retries = 0;
        // What a span may hold grows by what is granted: the worst begin of one is kept along.
        double worst = 0;
        for (int i = 0; i < 5'000; ++i) {
            const std::int64_t step = random.below(20);
            ms += step;
            double allowed = static_cast<double>(step) * minimum / 1'000;
            if (random.below(2) == 0) {
                budget.request();
                ++requests;
                allowed += percent / 100.0;
            }
            worst = std::max(0.0, worst - allowed);
            if (budget.try_retry(at(ms))) {
                ++retries;
                worst += 1;
            }
            ASSERT_LE(worst, static_cast<double>(RetryBudget::saved_max) + minimum + 1);
        }
        EXPECT_GE(retries, std::min<std::int64_t>(requests * percent / 100, 5'000) / 2);
    }
}

TEST(RetryBudget, HoldsItForThreadsTogether) {
    RetryBudget budget({.budget_percent = 10, .minimum = 7});
    std::atomic<std::int64_t> granted{0};
    test::together(8, [&](int) {
        for (int i = 0; i < 100; ++i) budget.request();
    });
    test::together(8, [&](int) { granted += count_retries(budget, 1'000, 0); });
    EXPECT_EQ(granted, 80 + 7);
}

}  // namespace
}  // namespace sluicegate::route
