#include "limit/limiter_calls.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace sluicegate::limit {
namespace {

TEST(Limiter, AdmitsABurstOfTheWholeLimitAndThenSaysWhenToComeBack) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 3};
    for (int i = 0; i < 3; ++i) {
        const Decision decision = call(limiter, plan, 10 * i);
        EXPECT_TRUE(decision.admitted);
        EXPECT_EQ(decision.refused_by, Resource::none);
        EXPECT_EQ(decision.requests.limit, 3);
        EXPECT_EQ(decision.requests.remaining, 2 - i);
        EXPECT_EQ(decision.requests.reset, Milliseconds(60'000));
        EXPECT_TRUE(decision.requests.is_limited);
        EXPECT_FALSE(decision.tokens.is_limited);
    }
    const Decision refused = call(limiter, plan, 1000);
    EXPECT_FALSE(refused.admitted);
    EXPECT_EQ(refused.refused_by, Resource::requests);
    EXPECT_FALSE(refused.can_never_fit);
    EXPECT_EQ(refused.retry_after, Milliseconds(59'000));
    EXPECT_EQ(refused.requests.remaining, 0);
    EXPECT_EQ(refused.requests.reset, Milliseconds(59'020));

    EXPECT_FALSE(call(limiter, plan, 59'999).admitted);
    EXPECT_TRUE(call(limiter, plan, 60'000).admitted);
    EXPECT_EQ(call(limiter, plan, 60'000).retry_after, Milliseconds(10));
}

TEST(Limiter, NeverRefusesASteadyFlowAtTheLimit) {
    for (const std::int64_t rpm : {1, 7, 12, 13, 60, 124}) {
        SCOPED_TRACE(rpm);
        Limiter limiter({.slots = 8});
        for (std::int64_t i = 0; i < 5 * rpm; ++i) {
            EXPECT_TRUE(call(limiter, {.rpm = rpm}, i * 60'000 / rpm + (i != 0)).admitted) << i;
        }
    }
}

TEST(Limiter, AdmitsNearlyTheWholeLimitWhereRunsAreMerged) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 600};
    std::int64_t admitted = 0;
    for (std::int64_t ms = 0; ms < 600'000; ms += 37) admitted += call(limiter, plan, ms).admitted;
    EXPECT_LE(admitted, 6000);
    EXPECT_GE(admitted, 5940);  // 1 % below the limit at most
}

TEST(Limiter, CountsEachUserAndModelForItself) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 1};
    EXPECT_TRUE(call(limiter, plan, 0, 0, alice, gpt).admitted);
    EXPECT_TRUE(call(limiter, plan, 0, 0, alice, llama).admitted);
    EXPECT_TRUE(call(limiter, plan, 0, 0, bob, gpt).admitted);
    EXPECT_FALSE(call(limiter, plan, 0, 0, alice, gpt).admitted);
}

TEST(Limiter, RefusalNamesTheLimitToWaitForLongest) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 2, .tpm = 100};
    EXPECT_TRUE(call(limiter, plan, 0, 10).admitted);
    EXPECT_TRUE(call(limiter, plan, 5000, 90).admitted);
    const Decision tokens = call(limiter, plan, 6000, 50);
    EXPECT_EQ(tokens.refused_by, Resource::tokens);
    EXPECT_EQ(tokens.retry_after, Milliseconds(59'000));
    const Decision requests = call(limiter, plan, 6000, 5);
    EXPECT_EQ(requests.refused_by, Resource::requests);
    EXPECT_EQ(requests.retry_after, Milliseconds(54'000));
}

TEST(Limiter, RefusalChargesNothing) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 5, .tpm = 100, .concurrency = 3};
    const Admission held = ask(limiter, plan, 0, {.stated = 80});
    EXPECT_EQ(ask(limiter, plan, 0, {.stated = 30}).decision.refused_by, Resource::tokens);
    const Budgets left = limiter.peek(alice, gpt, plan, at(0));
    EXPECT_EQ(left.requests.remaining, 4);
    EXPECT_EQ(left.tokens.remaining, 20);
    EXPECT_EQ(left.concurrency.remaining, 2);
}

TEST(Limiter, ConcurrencyIsFreeAgainHoweverARequestEnds) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 100, .concurrency = 1};
    Admission first = ask(limiter, plan, 0);
    const Decision refused = ask(limiter, plan, 0).decision;
    EXPECT_EQ(refused.refused_by, Resource::concurrency);
    EXPECT_EQ(refused.retry_after, Milliseconds(0));
    EXPECT_FALSE(refused.can_never_fit);
    first.reservation.settle(0, at(1));

    Admission second = ask(limiter, plan, 2);
    EXPECT_TRUE(second.decision.admitted);
    second.reservation.cancel(at(3));
    second.reservation.settle(0, at(3));  // holds nothing any more
    {
        Admission third = ask(limiter, plan, 4);
        EXPECT_TRUE(third.decision.admitted);
        const Reservation moved = std::move(third.reservation);
        EXPECT_FALSE(ask(limiter, plan, 4).decision.admitted);
    }
    Admission fourth = ask(limiter, plan, 5);
    EXPECT_TRUE(fourth.decision.admitted);
    fourth.reservation = Reservation();
    EXPECT_TRUE(ask(limiter, plan, 6).decision.admitted);
}

TEST(Limiter, CancelAndDestructionGiveEverythingBackButSettlingKeepsTheRequest) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 10, .tpm = 1000};
    {
        const Admission dropped = ask(limiter, plan, 0, {.stated = 300});
    }
    EXPECT_EQ(limiter.peek(alice, gpt, plan, at(1)).requests.remaining, 10);
    EXPECT_EQ(limiter.peek(alice, gpt, plan, at(1)).tokens.remaining, 1000);
    ask(limiter, plan, 1, {.stated = 300}).reservation.cancel(at(2));
    EXPECT_EQ(limiter.peek(alice, gpt, plan, at(2)).tokens.remaining, 1000);
    ask(limiter, plan, 3, {.stated = 300}).reservation.settle(120, at(4));
    const Budgets left = limiter.peek(alice, gpt, plan, at(4));
    EXPECT_EQ(left.requests.remaining, 9);
    EXPECT_EQ(left.tokens.remaining, 880);
    EXPECT_EQ(left.tokens.reset, Milliseconds(59'999));
}

TEST(Limiter, TokensBeyondTheEstimateAreOwed) {
    Limiter limiter({.slots = 8});
    const Plan plan{.tpm = 1000};
    ask(limiter, plan, 0, {.stated = 100}).reservation.settle(1500, at(10));
    EXPECT_EQ(limiter.peek(alice, gpt, plan, at(10)).tokens.remaining, 0);
    const Decision refused = call(limiter, plan, 59'999, 0);
    EXPECT_EQ(refused.refused_by, Resource::tokens);
    EXPECT_EQ(refused.retry_after, Milliseconds(1));
    EXPECT_TRUE(call(limiter, plan, 60'000, 1000).admitted);
}

TEST(Limiter, OverrunOfAnAnswerThatOutlivedTheWindowIsOwedFromItsEnd) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 5, .tpm = 1000};
    Admission stream = ask(limiter, plan, 0, {.stated = 100});
    stream.reservation.settle(700, at(90'000));
    const Budgets left = limiter.peek(alice, gpt, plan, at(90'000));
    EXPECT_EQ(left.tokens.remaining, 400);
    EXPECT_EQ(left.tokens.reset, Milliseconds(60'000));
    EXPECT_EQ(left.requests.remaining, 5);
}

TEST(Limiter, RefundThatComesLateDoesNotHitTheNextRun) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 2, .tpm = 1000};
    Admission late = ask(limiter, plan, 0, {.stated = 400});
    Admission cancelled_late = ask(limiter, plan, 0, {.stated = 100});
    const Admission next = ask(limiter, plan, 60'000, {.stated = 500});
    late.reservation.settle(0, at(60'001));
    cancelled_late.reservation.cancel(at(60'001));
    const Budgets left = limiter.peek(alice, gpt, plan, at(60'001));
    EXPECT_EQ(left.tokens.remaining, 500);
    EXPECT_EQ(left.requests.remaining, 1);
}

TEST(Limiter, ChargesOfOneMillisecondShareARunSoThatRefundsFindTheirs) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 3, .tpm = 1000};
    Admission first = ask(limiter, plan, 0, {.stated = 10});
    Admission second = ask(limiter, plan, 0, {.stated = 600});
    first.reservation.cancel(at(5));
    second.reservation.settle(0, at(5));  // more than the first run alone would hold
    const Budgets left = limiter.peek(alice, gpt, plan, at(5));
    EXPECT_EQ(left.tokens.remaining, 1000);
    EXPECT_EQ(left.requests.remaining, 2);
}

TEST(Limiter, ReservationSurvivesTheGrowthOfItsSlot) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 1000, .tpm = 1'000'000, .concurrency = 500};
    std::vector<Reservation> held;
    for (int i = 0; i < 200; ++i) {
        held.push_back(std::move(ask(limiter, plan, 300 * i, {.stated = 100}).reservation));
    }
    EXPECT_GE(limiter.counts().bytes_mapped, largest_block_bytes);
    EXPECT_EQ(limiter.counts().slots_used, 1U);
    for (Reservation& reservation : held) reservation.settle(1, at(59'800));
    const Budgets left = limiter.peek(alice, gpt, plan, at(59'800));
    EXPECT_EQ(left.requests.remaining, 800);
    EXPECT_EQ(left.tokens.remaining, 1'000'000 - 200);
    EXPECT_EQ(left.concurrency.remaining, 500);
}

TEST(Limiter, CountsMoreRequestsInOneMomentThanAShortRunHolds) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 100'000};
    for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(call(limiter, plan, 0).admitted) << i;
    EXPECT_FALSE(call(limiter, plan, 59'999).admitted);
    EXPECT_TRUE(call(limiter, plan, 60'000).admitted);
}

TEST(Limiter, RaisedLimitWorksAtOnceAndALoweredOneWhenEnoughHasExpired) {
    Limiter limiter({.slots = 8});
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(call(limiter, {.rpm = 4}, 1000 * i).admitted);
    EXPECT_FALSE(call(limiter, {.rpm = 4}, 4000).admitted);
    EXPECT_TRUE(call(limiter, {.rpm = 5}, 4000).admitted);
    const Decision lowered = call(limiter, {.rpm = 2}, 5000);
    EXPECT_FALSE(lowered.admitted);
    EXPECT_EQ(lowered.requests.remaining, 0);
    EXPECT_EQ(lowered.retry_after, Milliseconds(58'000));  // until the fourth of five expires
    EXPECT_TRUE(call(limiter, {.rpm = 2}, 63'000).admitted);
}

TEST(Limiter, UnlimitedRequestsAreCountedForTheLimitThatMayCome) {
    Limiter limiter({.slots = 8});
    for (int i = 0; i < 300; ++i) EXPECT_TRUE(call(limiter, {}, i, 10).admitted);
    EXPECT_FALSE(call(limiter, {.rpm = 300}, 400).admitted);
    EXPECT_EQ(limiter.peek(alice, gpt, {.tpm = 4000}, at(400)).tokens.remaining, 1000);
}

TEST(Limiter, ClockThatStepsBackStandsStill) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 2};
    EXPECT_TRUE(call(limiter, plan, 60'000).admitted);
    EXPECT_TRUE(call(limiter, plan, 0).admitted);
    const Decision refused = call(limiter, plan, -500'000);
    EXPECT_FALSE(refused.admitted);
    EXPECT_EQ(refused.retry_after, Milliseconds(60'000));
    EXPECT_FALSE(call(limiter, plan, 119'999).admitted);
    EXPECT_TRUE(call(limiter, plan, 120'000).admitted);
}

TEST(Limiter, PeekAtAKeyThatNeverCalledIsAFullBudgetAndTakesNoSlot) {
    Limiter limiter({.slots = 8});
    const Budgets left = limiter.peek(bob, llama, {.rpm = 6, .tpm = 7, .concurrency = 8}, at(0));
    EXPECT_EQ(left.requests.remaining, 6);
    EXPECT_EQ(left.tokens.remaining, 7);
    EXPECT_EQ(left.concurrency.remaining, 8);
    EXPECT_EQ(left.requests.reset, Milliseconds(0));
    EXPECT_EQ(limiter.counts().slots_used, 0U);
}

TEST(Limiter, MovesSettingsAndValuesIntoTheirBounds) {
    Limiter limiter({.window = Milliseconds(0), .slots = 0});
    EXPECT_TRUE(call(limiter, {.rpm = 1}, 0).admitted);
    EXPECT_FALSE(call(limiter, {.rpm = 1}, 0).admitted);
    EXPECT_TRUE(call(limiter, {.rpm = 1}, 1).admitted);
    Limiter wide({.window = Milliseconds(3'600'000)});
    EXPECT_TRUE(call(wide, {.rpm = 1}, 0).admitted);
    EXPECT_EQ(call(wide, {.rpm = 1}, 0).retry_after, Settings::window_max);
    EXPECT_TRUE(call(wide, {.rpm = -1}, 60'000).can_never_fit);
    EXPECT_EQ(call(wide, {.rpm = INT64_MAX}, 60'000).requests.limit, Plan::value_max);
    EXPECT_TRUE(call(wide, {}, 60'000, INT64_MAX).admitted);
    EXPECT_TRUE(call(wide, {}, 60'000, -5).admitted);
}

}  // namespace
}  // namespace sluicegate::limit
