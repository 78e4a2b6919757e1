#include "sluicegate/route/balance.hpp"

#include "route/support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace sluicegate::route {
namespace {

std::vector<Load> make_loads(std::size_t count) {
    std::vector<Load> loads;
    for (std::size_t i = 0; i < count; ++i) {
        loads.push_back({.id = 1'000 + i, .in_flight = 0, .is_offered = true});
    }
    return loads;
}

TEST(PickEndpoint, TakesOnlyWhatIsOffered) {
    test::Random random(1);
    for (int round = 0; round < 2'000; ++round) {
        std::vector<Load> loads = make_loads(1 + random.below(std::size_t{64}));
        std::size_t offered = 0;
        for (Load& load : loads) {
            load.is_offered = random.below(3) == 0;
            load.in_flight = random.below(100U);
            offered += load.is_offered ? 1 : 0;
        }
        const auto affinity =
            random.below(2) == 0 ? std::optional(random.long_bits()) : std::nullopt;
        const auto picked = pick_endpoint(loads, random.bits(), affinity);
        ASSERT_EQ(picked.has_value(), offered != 0);
        if (picked) {
            ASSERT_TRUE(loads[*picked].is_offered);
        }
    }
}

TEST(PickEndpoint, ComparesTwoDifferentOnes) {
    // With two, each draw compares both: the less loaded takes all.
    std::vector<Load> loads = make_loads(2);
    loads[0].in_flight = 1;
    test::Random random(2);
    for (int i = 0; i < 1'000; ++i) EXPECT_EQ(pick_endpoint(loads, random.bits(), {}), 1);
}

TEST(PickEndpoint, NeverTakesTheMostLoadedAndSpreadsTheRest) {
    std::vector<Load> loads = make_loads(5);
    loads[3].in_flight = 9;
    std::vector<int> counts(5);
    test::Random random(3);
    for (int i = 0; i < 10'000; ++i) ++counts[*pick_endpoint(loads, random.bits(), {})];
    EXPECT_EQ(counts[3], 0);
    for (const std::size_t i : {0U, 1U, 2U, 4U}) EXPECT_NEAR(counts[i], 2'500, 250);
}

TEST(PickEndpoint, KeepsEndpointsAboutEquallyLoaded) {
    std::vector<Load> loads = make_loads(16);
    test::Random random(4);
    for (int i = 0; i < 16'000; ++i) ++loads[*pick_endpoint(loads, random.bits(), {})].in_flight;
    for (const Load& load : loads) EXPECT_NEAR(load.in_flight, 1'000, 10);
}

TEST(PickEndpoint, SendsWhatBelongsTogetherToOneEndpointAndSpreadsTheGroups) {
    const std::vector<Load> loads = make_loads(8);
    std::vector<int> counts(8);
    test::Random random(5);
    for (int group = 0; group < 8'000; ++group) {
        const std::uint64_t affinity = random.long_bits();
        const auto first = pick_endpoint(loads, random.bits(), affinity);
        EXPECT_EQ(pick_endpoint(loads, random.bits(), affinity), first);
        ++counts[*first];
    }
    for (const int count : counts) EXPECT_NEAR(count, 1'000, 150);
}

TEST(PickEndpoint, BoundsTheLoadThatAffinityMayBring) {
    test::Random random(6);
    for (int round = 0; round < 200; ++round) {
        std::vector<Load> loads = make_loads(2 + random.below(std::size_t{30}));
        const auto count = static_cast<std::uint64_t>(loads.size());
        const int groups = 1 + random.below(5);
        for (std::uint64_t sum = 1; sum <= 500; ++sum) {
            const auto picked = pick_endpoint(loads, random.bits(),
                                              static_cast<std::uint64_t>(random.below(groups)));
            const std::uint64_t in_flight = ++loads[*picked].in_flight;
            // ceil(1.25 * mean) + 1
            ASSERT_LE(in_flight, (5 * sum + 4 * count - 1) / (4 * count) + 1);
        }
    }
}

TEST(PickEndpoint, MovesOnlyWhatPreferredAnEndpointThatIsGone) {
    std::vector<Load> loads = make_loads(8);
    test::Random random(7);
    std::map<std::uint64_t, std::size_t> before;
    for (int i = 0; i < 4'000; ++i) {
        const std::uint64_t affinity = random.long_bits();
        before[affinity] = *pick_endpoint(loads, 0, affinity);
    }
    loads[2].is_offered = false;
    std::vector<int> moved(8);
    for (const auto& [affinity, endpoint] : before) {
        const std::size_t now = *pick_endpoint(loads, 0, affinity);
        if (endpoint == 2) {
            ++moved[now];
        } else {
            ASSERT_EQ(now, endpoint);
        }
    }
    for (std::size_t i = 0; i < 8; ++i) {
        if (i != 2) {
            EXPECT_GT(moved[i], 30) << "they spread over all that are left";
        }
    }
}

}  // namespace
}  // namespace sluicegate::route
