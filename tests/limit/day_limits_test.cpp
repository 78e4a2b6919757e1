#include "limit/limiter_calls.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

// Limits per day have a window of their own, 24 hours in units of two seconds. They are decided in
// one step with the minute. These tests begin at 1,000,000 ms, which is a multiple of the unit.

namespace sluicegate::limit {
namespace {

constexpr std::int64_t unit_ms = Settings::day_unit.count();

TEST(DayLimits, CountARequestForADayAndAtMostOneUnitLonger) {
    for (const std::int64_t offset : {std::int64_t{0}, std::int64_t{1}, unit_ms / 2, unit_ms - 1}) {
        SCOPED_TRACE(offset);
        Limiter limiter({.slots = 8});
        const Plan plan{.rpd = 1};
        EXPECT_TRUE(call(limiter, plan, offset).admitted);
        const Decision refused = call(limiter, plan, offset);
        EXPECT_EQ(refused.refused_by, Resource::requests_per_day);
        EXPECT_EQ(refused.retry_after.count(), day_ms + unit_ms - offset);
        EXPECT_GE(offset + refused.retry_after.count(), offset + day_ms);
        EXPECT_LE(offset + refused.retry_after.count(), offset + day_ms + unit_ms);
    }
}

TEST(DayLimits, RetryAfterIsExactToTheMillisecond) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 100, .rpd = 2, .tpd = 1000};
    EXPECT_TRUE(call(limiter, plan, 12'345, 900).admitted);
    EXPECT_TRUE(call(limiter, plan, hour_ms + 777, 50).admitted);
    const std::int64_t asked = 5 * hour_ms + 1;
    const Decision refused = call(limiter, plan, asked, 60);
    EXPECT_EQ(refused.refused_by, Resource::requests_per_day);
    const std::int64_t due = asked + refused.retry_after.count();
    EXPECT_FALSE(call(limiter, plan, due - 1, 60).admitted);
    EXPECT_TRUE(call(limiter, plan, due, 60).admitted);
}

TEST(DayLimits, AreDecidedInOneStepWithTheMinute) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 2, .tpm = 100, .rpd = 3, .tpd = 250, .concurrency = 1};
    Admission held = ask(limiter, plan, 0, {.stated = 90});
    EXPECT_TRUE(held.decision.admitted);
    EXPECT_EQ(held.decision.requests.remaining, 1);
    EXPECT_EQ(held.decision.tokens.remaining, 10);
    EXPECT_EQ(held.decision.requests_per_day.remaining, 2);
    EXPECT_EQ(held.decision.tokens_per_day.remaining, 160);
    EXPECT_EQ(held.decision.tokens_per_day.used, 90);
    EXPECT_EQ(held.decision.concurrency.used, 1);
    // Every limit refuses in turn, and each time nothing is charged.
    EXPECT_EQ(ask(limiter, plan, 1).decision.refused_by, Resource::concurrency);
    held.reservation.settle(90, at(1));
    EXPECT_EQ(call(limiter, plan, 2, 20).refused_by, Resource::tokens);
    EXPECT_TRUE(call(limiter, plan, minute_ms, 100).admitted);
    EXPECT_EQ(call(limiter, plan, 2 * minute_ms, 70).refused_by, Resource::tokens_per_day);
    const Budgets budgets = left(limiter, plan, 2 * minute_ms);
    EXPECT_EQ(budgets.requests.used, 0);
    EXPECT_EQ(budgets.requests_per_day.used, 2);
    EXPECT_EQ(budgets.tokens_per_day.used, 190);
    EXPECT_EQ(budgets.concurrency.used, 0);
    EXPECT_TRUE(call(limiter, plan, 2 * minute_ms, 60).admitted);
    // The wait for the day is longer than the one for the minute.
    const Decision both = call(limiter, plan, 2 * minute_ms + 1, 90);
    EXPECT_EQ(both.refused_by, Resource::requests_per_day);
    EXPECT_FALSE(both.can_never_fit);
}

TEST(DayLimits, CountFromThePlanThatFirstHasOne) {
    Limiter limiter({.slots = 8});
    Admission before = ask(limiter, {.rpm = 5}, 0);
    EXPECT_EQ(limiter.day_counts().slots_used, 0U);
    EXPECT_EQ(limiter.day_counts().bytes_mapped, 0U);
    EXPECT_TRUE(call(limiter, {.rpm = 5, .rpd = 1}, 1).admitted);
    EXPECT_EQ(limiter.day_counts().slots_used, 1U);
    before.reservation.cancel(at(2));  // was never counted in the day
    EXPECT_EQ(left(limiter, {.rpd = 1}, 3).requests_per_day.used, 1);
    // Without a limit per day a request is not counted there, and earlier counts stay.
    EXPECT_TRUE(call(limiter, {}, hour_ms).admitted);
    EXPECT_FALSE(call(limiter, {.rpd = 1}, hour_ms).admitted);
    EXPECT_TRUE(call(limiter, {.rpd = 2}, hour_ms).admitted);
}

TEST(DayLimits, SettleCancelAndDestructionCorrectBothWindows) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 50, .tpm = 1000, .rpd = 50, .tpd = 1000};
    ask(limiter, plan, 0, {.stated = 300}).reservation.settle(120, at(1));
    ask(limiter, plan, 2, {.stated = 300}).reservation.cancel(at(3));
    {
        const Admission dropped = ask(limiter, plan, 4, {.stated = 300});
    }
    ask(limiter, plan, 5, {.stated = 10}).reservation.settle(25, at(6));
    Budgets budgets = left(limiter, plan, 7);
    EXPECT_EQ(budgets.requests.used, 2);
    EXPECT_EQ(budgets.tokens.used, 145);
    EXPECT_EQ(budgets.requests_per_day.used, 2);
    EXPECT_EQ(budgets.tokens_per_day.used, 145);

    // An answer that outlives the minute is corrected where it still counts: in the day.
    Admission slow = ask(limiter, plan, 10, {.stated = 500});
    slow.reservation.settle(100, at(90'000));
    budgets = left(limiter, plan, 90'000);
    EXPECT_EQ(budgets.tokens.used, 0);
    EXPECT_EQ(budgets.tokens_per_day.used, 245);
    EXPECT_EQ(budgets.requests_per_day.used, 3);
}

TEST(DayLimits, GrowthOfEitherRingKeepsBothCounts) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 1000, .rpd = 100'000};
    std::vector<Reservation> held;
    // The minute's ring is full first, because one unit of the day takes many milliseconds; then
    // each request has a unit of its own.
    std::int64_t ms = 0;
    for (int i = 0; i < 300; ++i) {
        ms += i < 100 ? 1 : unit_ms;
        Admission admission = ask(limiter, plan, ms, {.stated = 1});
        ASSERT_TRUE(admission.decision.admitted);
        ASSERT_EQ(admission.decision.requests_per_day.used, i + 1);
        held.push_back(std::move(admission.reservation));
    }
    EXPECT_GE(limiter.counts().bytes_mapped, largest_block_bytes);
    EXPECT_GE(limiter.day_counts().bytes_mapped, largest_block_bytes);
    for (Reservation& reservation : held) reservation.cancel(at(ms));
    const Budgets budgets = left(limiter, plan, ms);
    EXPECT_EQ(budgets.requests.used, 0);
    EXPECT_EQ(budgets.requests_per_day.used, 0);
}

TEST(DayLimits, IdleDaysAreEvictedWithoutLossAndLiveOnesAreShared) {
    Limiter limiter({.slots = 2});
    const Plan plan{.rpd = 1};
    EXPECT_TRUE(call(limiter, plan, 0, 0, UserId{1}).admitted);
    EXPECT_TRUE(call(limiter, plan, 0, 0, UserId{2}).admitted);
    // Both minutes are idle an hour later, but no day is.
    EXPECT_TRUE(call(limiter, plan, hour_ms, 0, UserId{3}).admitted);
    EXPECT_EQ(limiter.counts().evictions, 1U);
    EXPECT_EQ(limiter.day_counts().evictions, 0U);
    EXPECT_EQ(limiter.day_counts().overflows, 1U);
    EXPECT_FALSE(call(limiter, plan, hour_ms, 0, UserId{1}).admitted);
    EXPECT_FALSE(call(limiter, plan, hour_ms, 0, UserId{3}).admitted);
    // A day later user 3 gets a slot of its own, and takes the shared counts along.
    const std::int64_t later = day_ms + hour_ms / 2;
    EXPECT_FALSE(call(limiter, plan, later, 0, UserId{3}).admitted);
    EXPECT_EQ(limiter.day_counts().evictions, 1U);
    EXPECT_TRUE(call(limiter, plan, day_ms + hour_ms + unit_ms, 0, UserId{3}).admitted);
}

TEST(DayLimits, OverrunInTheSharedSlotFollowsItsKey) {
    Limiter limiter({.slots = 1});
    const Plan plan{.tpm = 1000, .tpd = 1000};
    EXPECT_TRUE(call(limiter, plan, 0, 0, bob).admitted);
    Admission shared = ask(limiter, plan, 1, {.stated = 100});  // bob's slots are live
    EXPECT_EQ(limiter.counts().overflows, 1U);
    EXPECT_EQ(limiter.day_counts().overflows, 1U);
    const std::int64_t later = day_ms + unit_ms;
    EXPECT_TRUE(call(limiter, plan, later, 100).admitted);  // takes both slots over
    EXPECT_EQ(limiter.counts().evictions, 1U);
    EXPECT_EQ(limiter.day_counts().evictions, 1U);
    shared.reservation.settle(700, at(later + 1));
    EXPECT_EQ(left(limiter, plan, later + 1).tokens.used, 700);
    EXPECT_GE(left(limiter, plan, later + 1).tokens_per_day.used, 700);
}

}  // namespace
}  // namespace sluicegate::limit
