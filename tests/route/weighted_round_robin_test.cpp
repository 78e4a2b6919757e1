#include "sluicegate/route/weighted_round_robin.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace sluicegate::route {
namespace {

using Weights = std::vector<std::uint32_t>;
using Counts = std::vector<std::uint64_t>;

Counts count_picks(WeightedRoundRobin& turns, std::size_t targets, std::uint64_t picks) {
    Counts counts(targets);
    for (std::uint64_t i = 0; i < picks; ++i) ++counts[turns.pick()];
    return counts;
}

std::uint64_t divisor_of(const Weights& weights) {
    std::uint64_t divisor = 0;
    for (const std::uint32_t weight : weights) divisor = std::gcd(divisor, std::uint64_t{weight});
    return divisor;
}

TEST(WeightedRoundRobin, GivesTheDocumentedShares) {
    struct Row {
        const char* name;
        Weights weights;
        std::uint64_t picks;
        Counts expected;
    };
    const Row rows[] = {
        {"one target", {7}, 3, {3}},
        {"one target of weight 0", {0}, 3, {3}},
        {"halves", {1, 1}, 2, {1, 1}},
        {"equal weights are reduced", {50, 50}, 2, {1, 1}},
        {"10 % of a cutover", {90, 10}, 10, {9, 1}},
        {"weight 0 is never picked", {0, 3, 0, 1}, 400, {0, 300, 0, 100}},
        {"all 0 count as equal", {0, 0}, 10, {5, 5}},
        {"a tenth of a percent", {999, 1}, 1'000, {999, 1}},
        {"thirds", {333, 333, 334}, 1'000, {333, 333, 334}},
        {"one in a million and one", {1'000'000, 1}, 1'000'001, {1'000'000, 1}},
        {"largest weights", {4'294'967'295, 4'294'967'295}, 100, {50, 50}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        WeightedRoundRobin turns(row.weights);
        EXPECT_EQ(count_picks(turns, row.weights.size(), row.picks), row.expected);
    }
}

TEST(WeightedRoundRobin, SpreadsTheRareTargetInsteadOfBunchingIt) {
    WeightedRoundRobin turns(Weights{5, 1, 1});
    std::string picked;
    for (int i = 0; i < 14; ++i) picked += static_cast<char>('a' + turns.pick());
    EXPECT_EQ(picked, "aabacaaaabacaa");
}

Weights random_weights(std::mt19937& random, std::uint32_t most) {
    Weights weights(1 + random() % 8);
    for (auto& weight : weights) {
        weight = std::uniform_int_distribution<std::uint32_t>(0, most)(random);
    }
    if (divisor_of(weights) == 0) weights.front() = 1;
    return weights;
}

std::uint64_t sum_of(const Weights& weights) {
    return std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
}

TEST(WeightedRoundRobin, IsExactOverAnyPeriodInARow) {
    const unsigned seed = 20261121;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 200; ++round) {
        const Weights weights = random_weights(random, round % 2 == 0 ? 9 : 300);
        SCOPED_TRACE(testing::PrintToString(weights));
        const std::uint64_t divisor = divisor_of(weights);
        const std::uint64_t period = sum_of(weights) / divisor;
        WeightedRoundRobin turns(weights);
        std::vector<std::size_t> picks;
        Counts counts(weights.size());
        for (std::uint64_t i = 0; i < 3 * period; ++i) {
            picks.push_back(turns.pick());
            ++counts[picks.back()];
            if (i >= period) --counts[picks[i - period]];
            if (i + 1 < period) continue;
            for (std::size_t target = 0; target < weights.size(); ++target) {
                ASSERT_EQ(counts[target], weights[target] / divisor)
                    << "target " << target << " in the period up to pick " << i;
            }
        }
    }
}

TEST(WeightedRoundRobin, IsExactInAny100WhereTheWeightsArePercents) {
    WeightedRoundRobin turns(Weights{61, 29, 7, 3});
    std::vector<std::size_t> picks(1'000);
    for (auto& pick : picks) pick = turns.pick();
    for (std::size_t from = 0; from + 100 <= picks.size(); ++from) {
        Counts counts(4);
        for (std::size_t i = 0; i < 100; ++i) ++counts[picks[from + i]];
        ASSERT_EQ(counts, (Counts{61, 29, 7, 3})) << "from pick " << from;
    }
}

TEST(WeightedRoundRobin, NeverPutsATargetAWholePickAheadOfItsShare) {
    const unsigned seed = 7;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 100; ++round) {
        const Weights weights = random_weights(random, round % 2 == 0 ? 1'000'000 : 4'294'967'295);
        SCOPED_TRACE(testing::PrintToString(weights));
        const auto sum = static_cast<double>(sum_of(weights));
        WeightedRoundRobin turns(weights);
        Counts counts(weights.size());
        for (int picks = 1; picks <= 20'000; ++picks) {
            ++counts[turns.pick()];
            for (std::size_t i = 0; i < weights.size(); ++i) {
                const double share = static_cast<double>(picks) * weights[i] / sum;
                ASSERT_LT(static_cast<double>(counts[i]), share + 1.000001)
                    << "target " << i << " after " << picks << " picks";
            }
        }
    }
}

TEST(WeightedRoundRobin, GivesThreadsTogetherTheSharesOfOne) {
    constexpr int threads = 8;
    constexpr int picks_each = 12'500;
    struct Row {
        const char* name;
        Weights weights;
        Counts expected;
    };
    const Row rows[] = {
        {"90/10", {90, 10}, {90'000, 10'000}},
        {"a rare target", {999, 1}, {99'900, 100}},
        {"thirds, nearly", {335, 335, 330}, {33'500, 33'500, 33'000}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        WeightedRoundRobin turns(row.weights);
        std::vector<std::atomic<std::uint64_t>> counts(row.weights.size());
        {
            std::vector<std::jthread> pickers;
            for (int i = 0; i < threads; ++i) {
                pickers.emplace_back([&] {
                    for (int n = 0; n < picks_each; ++n) ++counts[turns.pick()];
                });
            }
        }
        EXPECT_EQ(Counts(counts.begin(), counts.end()), row.expected);
    }
}

TEST(WeightedRoundRobin, ThreadsTogetherTakeEachPickOnce) {
    constexpr int threads = 4;
    constexpr int picks_each = 20'000;
    const Weights weights{5, 2, 1};
    WeightedRoundRobin turns(weights);
    std::vector<std::atomic<std::uint64_t>> counts(weights.size());
    std::vector<std::thread> pickers;
    for (int i = 0; i < threads; ++i) {
        pickers.emplace_back([&] {
            for (int n = 0; n < picks_each; ++n) ++counts[turns.pick()];
        });
    }
    for (auto& picker : pickers) picker.join();
    EXPECT_EQ(counts[0], threads * picks_each * 5U / 8U);
    EXPECT_EQ(counts[1], threads * picks_each * 2U / 8U);
    EXPECT_EQ(counts[2], threads * picks_each * 1U / 8U);
}

}  // namespace
}  // namespace sluicegate::route
