#include "sluicegate/route/model_route.hpp"

#include "route/support.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sluicegate::route {
namespace {

std::vector<RouteEntry> make_entries(const std::vector<std::uint32_t>& weights) {
    std::vector<RouteEntry> entries;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        entries.push_back(
            test::make_entry(test::make_upstream("u" + std::to_string(i)), weights[i]));
    }
    return entries;
}

TEST(ModelRoute, TreatsEntriesWithoutAnyWeightAsEqual) {
    const ModelRoute route(make_entries({0, 0}), false);
    EXPECT_EQ(route.weighted(), 2U);
    std::vector<int> counts(2);
    for (int i = 0; i < 100; ++i) ++counts[route.pick(0)];
    EXPECT_EQ(counts, (std::vector{50, 50}));
}

TEST(ModelRoute, KeepsAUserAtOneEntryByWeight) {
    const ModelRoute route(make_entries({70, 20, 10}), true);
    std::vector<int> counts(3);
    test::Random random(1);
    for (int i = 0; i < 100'000; ++i) {
        const std::uint64_t user = random.long_bits();
        const std::size_t picked = route.pick(user);
        ASSERT_EQ(route.pick(user), picked);
        ++counts[picked];
    }
    EXPECT_NEAR(counts[0], 70'000, 600);
    EXPECT_NEAR(counts[1], 20'000, 600);
    EXPECT_NEAR(counts[2], 10'000, 600);
}

TEST(ModelRoute, MovesOnlyTheUsersThatAChangeOfWeightsMoves) {
    const ModelRoute before(make_entries({90, 10}), true);
    const ModelRoute after(make_entries({80, 20}), true);
    int moved = 0;
    test::Random random(2);
    for (int i = 0; i < 100'000; ++i) {
        const std::uint64_t user = random.long_bits();
        const std::size_t was = before.pick(user);
        const std::size_t is = after.pick(user);
        if (was == is) continue;
        ASSERT_EQ(is, 1U) << "no user leaves the entry that grows";
        ++moved;
    }
    EXPECT_NEAR(moved, 10'000, 500) << "no more than the change itself";
}

TEST(ModelRoute, PicksForAUserWhateverTheOrderOfTheEntries) {
    std::vector<RouteEntry> entries = make_entries({50, 30, 20});
    const ModelRoute one(entries, true);
    const ModelRoute other({entries[2], entries[0], entries[1]}, true);
    test::Random random(3);
    for (int i = 0; i < 1'000; ++i) {
        const std::uint64_t user = random.long_bits();
        ASSERT_EQ(one.entries()[one.pick(user)].id, other.entries()[other.pick(user)].id);
    }
}

}  // namespace
}  // namespace sluicegate::route
