#include "sluicegate/limit/limiter.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

// The bounded table, seen through the limiter: eviction loses nothing (law L4), and a table that
// is full of live keys rejects sooner, never later.

namespace sluicegate::limit {
namespace {

constexpr ModelId model{0};

Instant at(std::int64_t ms) {
    return Instant(Milliseconds(1'000'000 + ms));
}

Decision call(Limiter& limiter, std::uint32_t user, const Plan& plan, std::int64_t ms) {
    Admission admission = limiter.admit(UserId{user}, model, plan, {}, at(ms));
    admission.reservation.settle(0, at(ms));
    return admission.decision;
}

TEST(SlotTable, GivesIdleSlotsToNewKeysWithoutLoss) {
    constexpr std::uint32_t slots = 100;
    Limiter limiter({.slots = slots});
    const Plan plan{.rpm = 1};
    for (std::uint32_t round = 0; round < 5; ++round) {
        const std::int64_t ms = 60'000 * static_cast<std::int64_t>(round);
        for (std::uint32_t i = 0; i < slots; ++i) {
            const std::uint32_t user = round * 50 + i;  // half of them came last time too
            EXPECT_TRUE(call(limiter, user, plan, ms).admitted) << user;
            EXPECT_FALSE(call(limiter, user, plan, ms).admitted) << user;
        }
    }
    const TableCounts counts = limiter.counts();
    EXPECT_EQ(counts.slots_used, slots);
    EXPECT_EQ(counts.overflows, 0U);
    EXPECT_GE(counts.evictions, 200U);
}

TEST(SlotTable, NeverEvictsWhatIsLiveOrInFlight) {
    Limiter limiter({.slots = 2});
    const Plan plan{.rpm = 5, .concurrency = 1};
    Admission stream = limiter.admit(UserId{1}, model, plan, {}, at(0));
    EXPECT_TRUE(call(limiter, 2, plan, 70'000).admitted);
    EXPECT_TRUE(call(limiter, 3, plan, 70'000).admitted);  // both slots are live: shared
    EXPECT_EQ(limiter.counts().overflows, 1U);
    EXPECT_EQ(limiter.counts().evictions, 0U);
    EXPECT_EQ(call(limiter, 1, plan, 70'000).refused_by, Resource::concurrency);
    stream.reservation.settle(0, at(70'000));
    EXPECT_TRUE(call(limiter, 1, plan, 70'000).admitted);
}

TEST(SlotTable, KeysThatFindNoSlotShareOneLimit) {
    Limiter limiter({.slots = 1});
    const Plan plan{.rpm = 10};
    EXPECT_TRUE(call(limiter, 0, plan, 0).admitted);
    int admitted = 0;
    for (std::uint32_t user = 1; user <= 1000; ++user) {
        admitted += call(limiter, user, plan, 1).admitted;
    }
    EXPECT_EQ(admitted, 160);  // 16 shared slots
    EXPECT_EQ(limiter.counts().overflows, 1000U);
    for (int i = 0; i < 9; ++i) EXPECT_TRUE(call(limiter, 0, plan, 2).admitted);
}

TEST(SlotTable, KeyThatLeavesTheSharedSlotTakesItsCountsAlong) {
    Limiter limiter({.slots = 1});
    const Plan plan{.rpm = 10};
    EXPECT_TRUE(call(limiter, 0, plan, 0).admitted);
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(call(limiter, 1, plan, 30'000).admitted);
    // The only slot is idle now and becomes user 1's, who must not start afresh in it.
    EXPECT_FALSE(call(limiter, 1, plan, 60'000).admitted);
    EXPECT_EQ(limiter.counts().evictions, 1U);
    EXPECT_EQ(limiter.counts().slots_used, 1U);
    EXPECT_FALSE(call(limiter, 1, plan, 89'999).admitted);
    EXPECT_TRUE(call(limiter, 1, plan, 90'000).admitted);
}

TEST(SlotTable, KeyInFlightInTheSharedSlotStaysThere) {
    Limiter limiter({.slots = 1});
    const Plan plan{.rpm = 10, .concurrency = 1};
    EXPECT_TRUE(call(limiter, 0, plan, 0).admitted);
    Admission held = limiter.admit(UserId{1}, model, plan, {}, at(1));
    EXPECT_TRUE(held.decision.admitted);
    EXPECT_EQ(call(limiter, 1, plan, 70'000).refused_by, Resource::concurrency);
    held.reservation.settle(0, at(70'000));
    EXPECT_TRUE(call(limiter, 1, plan, 70'000).admitted);
}

TEST(SlotTable, ClockThatStepsBackGainsNothingByAnEviction) {
    Limiter limiter({.slots = 1});
    const Plan plan{.rpm = 1};
    EXPECT_TRUE(call(limiter, 1, plan, 0).admitted);
    EXPECT_TRUE(call(limiter, 2, plan, 60'000).admitted);   // evicts user 1
    EXPECT_TRUE(call(limiter, 1, plan, 120'000).admitted);  // evicts user 2
    EXPECT_TRUE(call(limiter, 2, plan, 180'000).admitted);
    EXPECT_TRUE(call(limiter, 3, plan, 240'000).admitted);
    // As if a thread had read the clock before the eviction: time counts from there on.
    EXPECT_FALSE(call(limiter, 3, plan, 1000).admitted);
    EXPECT_EQ(call(limiter, 3, plan, 1000).retry_after, Milliseconds(60'000));
}

TEST(SlotTable, StaysSoundUnderChurnAndShortage) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    constexpr std::uint32_t users = 400;
    constexpr std::int64_t window = 1000;
    Limiter limiter({.window = Milliseconds(window), .slots = 150});
    const Plan plan{.rpm = 3};
    std::vector<std::vector<std::int64_t>> admitted(users);
    std::int64_t now = 0;
    for (int i = 0; i < 200'000; ++i) {
        now += static_cast<std::int64_t>(random() % 16 == 0 ? random() % 40 : random() % 3);
        if (random() % 5000 == 0) now += window;
        const auto user = static_cast<std::uint32_t>(random() % users);
        auto& list = admitted[user];
        std::erase_if(list, [&](std::int64_t then) { return now - then >= window; });
        if (call(limiter, user, plan, now).admitted) {
            list.push_back(now);
            ASSERT_LE(list.size(), 3U) << "user " << user << ", call " << i;
        }
    }
    EXPECT_LE(limiter.counts().slots_used, 150U);
    EXPECT_GT(limiter.counts().evictions, 1000U);
    EXPECT_GT(limiter.counts().overflows, 1000U);
}

TEST(SlotTable, HoldsManyKeysInLittleMemory) {
    constexpr std::uint32_t keys = 100'000;
    Limiter limiter({.slots = 131'072});
    for (std::uint32_t user = 0; user < keys; ++user) {
        ASSERT_TRUE(call(limiter, user, {.rpm = 12}, 0).admitted);
        limiter.prefetch(UserId{user}, model);
    }
    for (std::uint32_t user = 0; user < keys; ++user) {
        EXPECT_EQ(limiter.peek(UserId{user}, model, {.rpm = 12}, at(1)).requests.remaining, 11);
    }
    EXPECT_EQ(limiter.counts().slots_used, keys);
    // The index is sized for all slots, the slabs for the keys.
    EXPECT_LE(limiter.counts().bytes_mapped, keys * 128 + 131'072 * 8 + (2 << 20));
}

}  // namespace
}  // namespace sluicegate::limit
