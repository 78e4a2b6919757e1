#include "sluicegate/route/model_route.hpp"

#include "sluicegate/config/account_key.hpp"

#include "route/support.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
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

TEST(ModelRoute, IsMadeOfWhatTheModelNames) {
    std::vector<config::Upstream> upstreams{test::make_upstream("a"), test::make_upstream("b"),
                                            test::make_upstream("c")};
    std::vector<std::shared_ptr<UpstreamState>> states;
    for (const auto& upstream : upstreams) states.push_back(UpstreamState::make(upstream, nullptr));
    config::Model model;
    model.name = "gpt";
    model.route = {{.upstream = 2, .weight = 0, .model = ""},
                   {.upstream = 1, .weight = 3, .model = "other"}};
    model.fallback = {{.upstream = 0, .weight = 1, .model = ""}};
    QuotaTable quotas;
    const ModelRoute route(model, upstreams, states, quotas, nullptr);
    ASSERT_EQ(route.entries().size(), 3U);
    EXPECT_EQ(route.weighted(), 1U);
    const RouteEntry& first = route.entries()[0];
    EXPECT_EQ(first.upstream, 1U);
    EXPECT_EQ(first.state, states[1]);
    EXPECT_EQ(first.upstream_model, "other");
    EXPECT_EQ(first.quota, quotas.find(config::account_key(upstreams[1]), "other"));
    EXPECT_EQ(route.entries()[1].upstream, 2U);
    EXPECT_EQ(route.entries()[1].upstream_model, "gpt");
    EXPECT_FALSE(route.entries()[1].is_fallback);
    EXPECT_TRUE(route.entries()[2].is_fallback);
}

TEST(ModelRoute, GoesOnWithTheTurnWhileTheWeightsStay) {
    std::vector<config::Upstream> upstreams{test::make_upstream("a"), test::make_upstream("b")};
    std::vector<std::shared_ptr<UpstreamState>> states;
    for (const auto& upstream : upstreams) states.push_back(UpstreamState::make(upstream, nullptr));
    config::Model model;
    model.name = "gpt";
    model.route = {{.upstream = 0, .weight = 9, .model = ""},
                   {.upstream = 1, .weight = 1, .model = ""}};
    QuotaTable quotas;
    std::vector<int> counts(2);
    auto route = std::make_unique<ModelRoute>(model, upstreams, states, quotas, nullptr);
    for (int i = 0; i < 10; ++i) {
        route = std::make_unique<ModelRoute>(model, upstreams, states, quotas, route.get());
        ++counts[route->pick(0)];
    }
    EXPECT_EQ(counts, (std::vector{9, 1}));
    // Other weights begin their own turns.
    model.route[0].weight = 1;
    const ModelRoute other(model, upstreams, states, quotas, route.get());
    EXPECT_EQ(other.pick(0), 0U);
    EXPECT_EQ(other.pick(0), 1U);
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
        ASSERT_EQ(is, 1U) << "nobody leaves the entry that grows";
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
