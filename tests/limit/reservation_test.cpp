#include "limit/limiter_calls.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

// Reservations that grow while their answers stream.

namespace sluicegate::limit {
namespace {

TEST(Reservation, GrowsWhereTheRequestIsCounted) {
    Limiter limiter({.slots = 8});
    const Plan plan{.tpm = 1000, .tpd = 5000};
    Admission stream = ask(limiter, plan, 0, {.guessed = 100});
    stream.reservation.grow(250, at(20'000));
    EXPECT_EQ(stream.reservation.reserved(), 250);
    EXPECT_EQ(left(limiter, plan, 20'000).tokens.used, 250);
    EXPECT_EQ(left(limiter, plan, 20'000).tokens_per_day.used, 250);
    EXPECT_EQ(left(limiter, plan, 20'000).tokens.reset, Milliseconds(40'000));
    stream.reservation.grow(250, at(21'000));
    stream.reservation.grow(90, at(22'000));
    stream.reservation.grow(-1, at(23'000));
    EXPECT_EQ(stream.reservation.reserved(), 250);
    EXPECT_EQ(left(limiter, plan, 23'000).tokens.used, 250);
    stream.reservation.settle(180, at(30'000));
    EXPECT_EQ(stream.reservation.reserved(), 0);
    EXPECT_EQ(left(limiter, plan, 30'000).tokens.used, 180);
    EXPECT_EQ(left(limiter, plan, 30'000).tokens_per_day.used, 180);
}

TEST(Reservation, OwesFromNowOnWhatItGrowsByAfterTheWindow) {
    Limiter limiter({.slots = 8});
    const Plan plan{.tpm = 1000, .tpd = 5000, .concurrency = 1};
    Admission stream = ask(limiter, plan, 0, {.guessed = 100});
    stream.reservation.grow(400, at(70'000));
    EXPECT_EQ(left(limiter, plan, 70'000).tokens.used, 300);
    EXPECT_EQ(left(limiter, plan, 70'000).tokens.reset, Milliseconds(60'000));
    EXPECT_EQ(left(limiter, plan, 70'000).tokens_per_day.used, 400);
    stream.reservation.grow(450, at(80'000));
    EXPECT_EQ(left(limiter, plan, 80'000).tokens.used, 350);
    EXPECT_EQ(left(limiter, plan, 129'999).tokens.used, 350);
    EXPECT_EQ(left(limiter, plan, 130'000).tokens.used, 50);
    EXPECT_EQ(left(limiter, plan, 130'000).concurrency.used, 1);
    stream.reservation.settle(460, at(130'000));
    EXPECT_EQ(left(limiter, plan, 130'000).tokens.used, 60);
    EXPECT_EQ(left(limiter, plan, 130'000).tokens_per_day.used, 460);
    EXPECT_EQ(left(limiter, plan, 130'000).concurrency.used, 0);
}

TEST(Reservation, GivesBackNoMoreThanItsLatestLiveCharge) {
    Limiter limiter({.slots = 8});
    const Plan plan{.tpm = 10'000};
    Admission stream = ask(limiter, plan, 0, {.guessed = 100});
    const Admission other = ask(limiter, plan, 65'000, {.stated = 7});
    stream.reservation.grow(400, at(70'000));
    stream.reservation.grow(450, at(80'000));
    EXPECT_EQ(left(limiter, plan, 80'000).tokens.used, 357);
    stream.reservation.settle(30, at(80'000));
    EXPECT_EQ(left(limiter, plan, 80'000).tokens.used, 307);
    EXPECT_EQ(left(limiter, plan, 129'999).tokens.used, 300);
    EXPECT_EQ(left(limiter, plan, 130'000).tokens.used, 0);
}

TEST(Reservation, GrowthOfOneMomentComesBackWhole) {
    Limiter limiter({.slots = 8});
    const Plan plan{.tpm = 10'000};
    Admission stream = ask(limiter, plan, 0);
    stream.reservation.grow(400, at(70'000));
    stream.reservation.grow(450, at(70'000));
    stream.reservation.cancel(at(70'001));
    EXPECT_EQ(left(limiter, plan, 70'001).tokens.used, 0);
}

TEST(Reservation, CancelAndDestructionAfterGrowthGiveEverythingBack) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 5, .tpm = 1000, .rpd = 5, .tpd = 1000, .concurrency = 1};
    for (const bool is_cancelled : {true, false}) {
        Admission stream = ask(limiter, plan, 0, {.guessed = 10});
        ASSERT_TRUE(stream.decision.admitted);
        stream.reservation.grow(700, at(10));
        if (is_cancelled) stream.reservation.cancel(at(20));
        const Reservation gone = std::move(stream.reservation);
    }
    const Budgets budgets = left(limiter, plan, 30);
    EXPECT_EQ(budgets.requests.used, 0);
    EXPECT_EQ(budgets.tokens.used, 0);
    EXPECT_EQ(budgets.requests_per_day.used, 0);
    EXPECT_EQ(budgets.tokens_per_day.used, 0);
    EXPECT_EQ(budgets.concurrency.used, 0);
}

TEST(Reservation, LateCancelAfterGrowthLeavesTheRequestsOfOthersAlone) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 5, .tpm = 1000};
    Admission stream = ask(limiter, plan, 0, {.guessed = 10});
    const Admission next = ask(limiter, plan, 70'000, {.stated = 50});
    stream.reservation.grow(200, at(70'000));
    stream.reservation.cancel(at(70'001));
    EXPECT_EQ(left(limiter, plan, 70'001).requests.used, 1);
    EXPECT_EQ(left(limiter, plan, 70'001).tokens.used, 50);
}

TEST(Reservation, EmptyOneNeitherGrowsNorHolds) {
    Limiter limiter({.slots = 8});
    Reservation none;
    none.grow(100, at(0));
    EXPECT_EQ(none.reserved(), 0);
    Admission settled = ask(limiter, {.tpm = 1000}, 0, {.stated = 10});
    settled.reservation.settle(10, at(1));
    settled.reservation.grow(500, at(2));
    EXPECT_EQ(settled.reservation.reserved(), 0);
    EXPECT_EQ(left(limiter, {.tpm = 1000}, 2).tokens.used, 10);
}

TEST(Reservation, GrowsThroughTheGrowthOfItsSlots) {
    Limiter limiter({.slots = 8});
    const Plan plan{.tpm = 100'000, .tpd = 100'000};
    Admission stream = ask(limiter, plan, 0);
    for (std::int64_t i = 1; i <= 500; ++i) stream.reservation.grow(10 * i, at(60'000 + 100 * i));
    EXPECT_GE(limiter.counts().bytes_mapped, largest_block_bytes);
    EXPECT_EQ(left(limiter, plan, 110'000).tokens.used, 5000);
    EXPECT_EQ(left(limiter, plan, 110'000).tokens_per_day.used, 5000);
    EXPECT_EQ(left(limiter, plan, 110'000 + minute_ms).tokens.used, 0);
}

}  // namespace
}  // namespace sluicegate::limit
