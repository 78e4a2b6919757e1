#include "limit/slot_table.hpp"

#include "sluicegate/limit/limiter.hpp"

#include "limit/admission_list.hpp"
#include "limit/limiter_calls.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

// The bounded table, seen through the limiter: eviction loses nothing (law L4), and a table that
// is full of live keys refuses sooner, never later.

namespace sluicegate::limit {
namespace {

constexpr ModelId model{0};

Decision call_as(Limiter& limiter, std::uint32_t user, const Plan& plan, std::int64_t ms) {
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
            EXPECT_TRUE(call_as(limiter, user, plan, ms).admitted) << user;
            EXPECT_FALSE(call_as(limiter, user, plan, ms).admitted) << user;
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
    EXPECT_TRUE(call_as(limiter, 2, plan, 70'000).admitted);
    EXPECT_TRUE(call_as(limiter, 3, plan, 70'000).admitted);  // both slots are live: shared
    EXPECT_EQ(limiter.counts().overflows, 1U);
    EXPECT_EQ(limiter.counts().evictions, 0U);
    EXPECT_EQ(call_as(limiter, 1, plan, 70'000).refused_by, Resource::concurrency);
    stream.reservation.settle(0, at(70'000));
    EXPECT_TRUE(call_as(limiter, 1, plan, 70'000).admitted);
}

TEST(SlotTable, KeysOfAShardThatFindNoSlotShareOneLimit) {
    Limiter limiter({.slots = 1});
    const Plan plan{.rpm = 10};
    EXPECT_TRUE(call_as(limiter, 0, plan, 0).admitted);
    int admitted = 0;
    for (std::uint32_t user = 1; user <= 1000; ++user) {
        admitted += call_as(limiter, user, plan, 1).admitted;
    }
    EXPECT_EQ(admitted, 10);
    EXPECT_EQ(limiter.counts().overflows, 1000U);
    EXPECT_EQ(limiter.counts().slots_used, 1U);
    for (int i = 0; i < 9; ++i) EXPECT_TRUE(call_as(limiter, 0, plan, 2).admitted);
}

TEST(SlotTable, KeyThatLeavesTheSharedSlotTakesItsCountsAlong) {
    Limiter limiter({.slots = 1});
    const Plan plan{.rpm = 10};
    EXPECT_TRUE(call_as(limiter, 0, plan, 0).admitted);
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(call_as(limiter, 1, plan, 30'000).admitted);
    // The only slot is idle now and becomes user 1's, who must not start afresh in it.
    EXPECT_FALSE(call_as(limiter, 1, plan, 60'000).admitted);
    EXPECT_EQ(limiter.counts().evictions, 1U);
    EXPECT_EQ(limiter.counts().slots_used, 1U);
    EXPECT_FALSE(call_as(limiter, 1, plan, 89'999).admitted);
    EXPECT_TRUE(call_as(limiter, 1, plan, 90'000).admitted);
}

TEST(SlotTable, KeyThatLeavesTheSharedSlotTakesEachRunAlongAtItsTime) {
    Limiter limiter({.slots = 1});
    const Plan plan{.rpm = 100};
    EXPECT_TRUE(call_as(limiter, 0, plan, 0).admitted);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(call_as(limiter, 1, plan, 30'000 + i).admitted);
    EXPECT_FALSE(call_as(limiter, 1, plan, 60'000).admitted);
    EXPECT_EQ(limiter.counts().evictions, 1U);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(call_as(limiter, 1, plan, 89'999 + i).retry_after, Milliseconds(1));
        EXPECT_TRUE(call_as(limiter, 1, plan, 90'000 + i).admitted);
    }
}

TEST(SlotTable, KeyInFlightInTheSharedSlotStaysThere) {
    Limiter limiter({.slots = 1});
    const Plan plan{.rpm = 10, .concurrency = 1};
    EXPECT_TRUE(call_as(limiter, 0, plan, 0).admitted);
    Admission held = limiter.admit(UserId{1}, model, plan, {}, at(1));
    EXPECT_TRUE(held.decision.admitted);
    EXPECT_EQ(call_as(limiter, 1, plan, 70'000).refused_by, Resource::concurrency);
    held.reservation.settle(0, at(70'000));
    EXPECT_TRUE(call_as(limiter, 1, plan, 70'000).admitted);
}

TEST(SlotTable, ClockThatStepsBackGainsNothingByAnEviction) {
    Limiter limiter({.slots = 1});
    const Plan plan{.rpm = 1};
    EXPECT_TRUE(call_as(limiter, 1, plan, 0).admitted);
    EXPECT_TRUE(call_as(limiter, 2, plan, 60'000).admitted);   // evicts user 1
    EXPECT_TRUE(call_as(limiter, 1, plan, 120'000).admitted);  // evicts user 2
    EXPECT_TRUE(call_as(limiter, 2, plan, 180'000).admitted);
    EXPECT_TRUE(call_as(limiter, 3, plan, 240'000).admitted);
    // As if a thread had read the clock before the eviction: time counts from there on.
    EXPECT_FALSE(call_as(limiter, 3, plan, 1000).admitted);
    EXPECT_EQ(call_as(limiter, 3, plan, 1000).retry_after, Milliseconds(60'000));
}

TEST(SlotTable, EvictsAKeyThatWasIdleForAWindowAndNotAMillisecondSooner) {
    Limiter limiter({.slots = 1});
    const Plan plan{.rpm = 1};
    EXPECT_TRUE(call_as(limiter, 1, plan, 0).admitted);
    EXPECT_TRUE(call_as(limiter, 2, plan, 59'999).admitted);
    EXPECT_EQ(limiter.counts().evictions, 0U);
    EXPECT_FALSE(call_as(limiter, 2, plan, 60'000).admitted);  // with what it used while it shared
    EXPECT_EQ(limiter.counts().evictions, 1U);
}

TEST(SlotTable, FindsASlotThatWasInFlightWhenItWasLastSearched) {
    Limiter limiter({.slots = 1});
    Admission held = limiter.admit(UserId{1}, model, {}, {}, at(0));
    EXPECT_TRUE(call_as(limiter, 2, {}, 20).admitted);
    EXPECT_TRUE(call_as(limiter, 2, {}, 30).admitted);
    EXPECT_EQ(limiter.counts().overflows, 2U);
    held.reservation.settle(0, at(40));
    EXPECT_TRUE(call_as(limiter, 2, {}, 60'039).admitted);
    EXPECT_EQ(limiter.counts().overflows, 3U);
    EXPECT_TRUE(call_as(limiter, 2, {}, 60'040).admitted);
    EXPECT_EQ(limiter.counts().overflows, 3U);
    EXPECT_EQ(limiter.counts().evictions, 1U);
}

TEST(SlotTable, SearchForAnIdleSlotIsShortAndTheNextOneGoesOn) {
    constexpr std::uint32_t slots = 1024;
    constexpr std::uint32_t looks = 16;
    std::uint64_t overflows = 0;
    for (const std::uint32_t idle : {0U, 250U, 500U, 750U}) {
        SCOPED_TRACE(idle);
        Limiter limiter({.slots = slots});
        for (std::uint32_t user = 0; user < slots; ++user) {
            ASSERT_TRUE(call_as(limiter, user, {}, user == idle ? 0 : 30'000).admitted);
        }
        std::uint32_t newcomers = 0;
        for (; limiter.counts().evictions == 0 && newcomers <= slots; ++newcomers) {
            EXPECT_TRUE(call_as(limiter, slots + newcomers, {}, 60'000).admitted);
        }
        EXPECT_LE(newcomers, slots / looks + 2);
        EXPECT_EQ(limiter.counts().overflows, newcomers - 1);
        overflows += limiter.counts().overflows;
    }
    EXPECT_GT(overflows, 0U);
}

TEST(SlotTable, EvictedSlotGivesItsBlockBack) {
    Limiter limiter({.slots = 1});
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(call_as(limiter, 1, {}, i).admitted);
    const std::uint64_t grown = limiter.counts().bytes_mapped;
    EXPECT_GT(grown, 1000U);
    EXPECT_TRUE(call_as(limiter, 2, {}, 70'000).admitted);
    EXPECT_EQ(limiter.counts().evictions, 1U);
    EXPECT_LT(limiter.counts().bytes_mapped, grown - 1000);
}

TEST(SlotTable, SpreadsUsersAndModelsEvenlyOverTheShards) {
    constexpr std::uint32_t keys = 300'000;
    constexpr std::uint32_t shards = 349;
    SlotTable table(60'000, 1 << 20);
    ASSERT_EQ(table.shards().size(), shards);
    // Numbers are given one after the other, to users and to models.
    for (const std::uint32_t models : {1U, 4U, 1000U}) {
        SCOPED_TRACE(models);
        std::map<const Shard*, std::uint32_t> load;
        for (std::uint32_t i = 0; i < keys; ++i) {
            ++load[&table.shard_of(key_of(UserId{i / models}, ModelId{i % models}))];
        }
        const auto [least, most] =
            std::ranges::minmax_element(load, {}, [](const auto& entry) { return entry.second; });
        EXPECT_EQ(load.size(), shards);
        EXPECT_GT(least->second, keys / shards * 3 / 4);
        EXPECT_LT(most->second, keys / shards * 5 / 4);
    }
}

/// Keys move between slots of their own and shared ones, in the minute and in the day. Answers use
/// more than was reserved, and end after their keys have moved.
void churn(const Plan& plan, std::uint64_t seed) {
    constexpr std::uint32_t users = 400;
    constexpr std::int64_t window = 1000;
    constexpr std::int64_t day = Settings::day.count();
    std::mt19937_64 random(seed);
    Limiter limiter({.window = Milliseconds(window), .slots = 150});
    std::vector<WindowOracle> minutes(users, WindowOracle(window, 1, 0));
    std::vector<WindowOracle> days(users, WindowOracle(day, Settings::day_unit.count(), 0));
    struct Held {
        Reservation reservation;
        std::uint32_t user;
        WindowOracle::Charged minute;
        WindowOracle::Charged day;
    };
    std::deque<Held> held;
    std::int64_t now = 0;
    for (int i = 0; i < 200'000; ++i) {
        now += static_cast<std::int64_t>(random() % 16 == 0 ? random() % 40 : random() % 3);
        if (random() % 5000 == 0) now += window;
        if (plan.rpd && random() % 2000 == 0) now += day / 2;
        const auto user = static_cast<std::uint32_t>(random() % users);
        minutes[user].advance(now);
        days[user].advance(now);
        Admission admission = limiter.admit(UserId{user}, model, plan, {.stated = 10}, at(now));
        if (admission.decision.admitted) {
            held.push_back({std::move(admission.reservation), user, minutes[user].charge(1, 10),
                            days[user].charge(1, 10)});
            ASSERT_LE(minutes[user].exact().requests(), *plan.rpm) << user << ", call " << i;
            ASSERT_LE(minutes[user].exact().tokens(), *plan.tpm) << user << ", call " << i;
            if (plan.rpd) {
                ASSERT_LE(days[user].exact().requests(), *plan.rpd) << user << ", call " << i;
                ASSERT_LE(days[user].exact().tokens(), *plan.tpd) << user << ", call " << i;
            }
        }
        if (held.size() <= 30) continue;
        Held& oldest = held.front();
        const auto used = static_cast<std::int64_t>(5 + random() % 20);
        oldest.reservation.settle(used, at(now));
        minutes[oldest.user].advance(now);
        minutes[oldest.user].correct(oldest.minute, 10, used);
        days[oldest.user].advance(now);
        days[oldest.user].correct(oldest.day, 10, used);
        held.pop_front();
    }
    for (const TableCounts& counts : {limiter.counts(), limiter.day_counts()}) {
        if (counts.slots_used == 0) continue;
        EXPECT_LE(counts.slots_used, 150U);
        EXPECT_GT(counts.evictions, 100U);
        EXPECT_GT(counts.overflows, 1000U);
    }
}

TEST(SlotTable, StaysSoundUnderChurnAndShortage) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    churn({.rpm = 3, .tpm = 60}, seed);
    churn({.rpm = 3, .tpm = 60, .rpd = 8, .tpd = 120}, seed);
}

TEST(SlotTable, HoldsManyKeysInLittleMemory) {
    constexpr std::uint32_t keys = 100'000;
    Limiter limiter({.slots = 131'072});
    for (std::uint32_t user = 0; user < keys; ++user) {
        ASSERT_TRUE(call_as(limiter, user, {.rpm = 12}, 0).admitted);
    }
    for (std::uint32_t user = 0; user < keys; ++user) {
        EXPECT_EQ(limiter.peek(UserId{user}, model, {.rpm = 12}, at(1)).requests.remaining, 11);
    }
    EXPECT_EQ(limiter.counts().slots_used, keys);
    EXPECT_LE(limiter.counts().bytes_mapped, keys * 256);
}

}  // namespace
}  // namespace sluicegate::limit
