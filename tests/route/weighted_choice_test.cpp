#include "sluicegate/route/weighted_choice.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluicegate::route {
namespace {

using Weights = std::vector<std::uint32_t>;
using Counts = std::vector<std::uint64_t>;

Counts count_picks(WeightedChoice& choice, std::size_t targets, std::uint64_t picks) {
    Counts counts(targets);
    for (std::uint64_t i = 0; i < picks; ++i) ++counts[choice.pick()];
    return counts;
}

std::uint64_t divisor_of(const Weights& weights) {
    std::uint64_t divisor = 0;
    for (const std::uint32_t weight : weights) divisor = std::gcd(divisor, std::uint64_t{weight});
    return divisor;
}

TEST(WeightedChoice, GivesTheDocumentedShares) {
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
        WeightedChoice choice(row.weights);
        EXPECT_EQ(count_picks(choice, row.weights.size(), row.picks), row.expected);
    }
}

TEST(WeightedChoice, SpreadsTheRareTargetInsteadOfBunchingIt) {
    WeightedChoice choice(Weights{3, 1});
    std::string turn;
    for (int i = 0; i < 12; ++i) turn += static_cast<char>('a' + choice.pick());
    EXPECT_EQ(turn, "aaabaaabaaab");
}

Weights random_weights(std::mt19937& random, std::uint32_t most) {
    Weights weights(1 + random() % 8);
    for (auto& weight : weights) {
        weight = std::uniform_int_distribution<std::uint32_t>(0, most)(random);
    }
    if (divisor_of(weights) == 0) weights.front() = 1;
    return weights;
}

/// Whether `count` is the share of `weight` in `picks`, or one of the whole numbers next to it.
bool is_share(std::uint64_t count, std::uint64_t picks, std::uint64_t weight, std::uint64_t sum) {
    const std::uint64_t below = picks * weight / sum;
    return count == below || (picks * weight % sum != 0 && count == below + 1);
}

void expect_shares_of_any_100(const std::vector<std::size_t>& picks, const Weights& weights) {
    const auto sum = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
    Counts counts(weights.size());
    for (std::size_t i = 0; i < picks.size(); ++i) {
        ++counts[picks[i]];
        if (i < 99) continue;
        for (std::size_t target = 0; target < weights.size(); ++target) {
            ASSERT_TRUE(is_share(counts[target], 100, weights[target], sum))
                << counts[target] << " of the 100 up to pick " << i << " for target " << target;
        }
        --counts[picks[i - 99]];
    }
}

TEST(WeightedChoice, GivesEachItsShareOfAny100) {
    const unsigned seed = 20261122;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const std::uint32_t sizes[] = {1, 3, 10, 100, 1000, 1'000'000, 4'294'967'295};
    for (int round = 0; round < 350; ++round) {
        const Weights weights = random_weights(random, sizes[round % 7]);
        SCOPED_TRACE(testing::PrintToString(weights));
        WeightedChoice choice(weights, round % 2 == 0 ? 0 : random());
        std::vector<std::size_t> picks(5'000);
        for (auto& pick : picks) pick = choice.pick();
        expect_shares_of_any_100(picks, weights);
        if (testing::Test::HasFailure()) return;
    }
}

TEST(WeightedChoice, IsExactOverAPeriod) {
    const unsigned seed = 20261121;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 100; ++round) {
        const Weights weights = random_weights(random, 500);
        SCOPED_TRACE(testing::PrintToString(weights));
        const auto sum = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
        WeightedChoice first(weights);
        WeightedChoice choice(weights, first.period() * (random() % 50));
        const Counts counts = count_picks(choice, weights.size(), choice.period());
        for (std::size_t i = 0; i < weights.size(); ++i) {
            ASSERT_EQ(counts[i] * sum, weights[i] * choice.period());
        }
    }
}

TEST(WeightedChoice, StaysWithinAFewPicksOfTheShareAtEveryMoment) {
    const unsigned seed = 7;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 100; ++round) {
        Weights weights(2 + random() % 4);
        for (auto& weight : weights)
            weight = std::uniform_int_distribution<std::uint32_t>(1, 1000000)(random);
        SCOPED_TRACE(testing::PrintToString(weights));
        const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
        // Two share a run of any length as evenly as can be; for more, blocks may add up.
        const double most = weights.size() == 2 ? 2.0 : 5.0;
        WeightedChoice choice(weights, 100 * random());
        Counts counts(weights.size());
        for (int picks = 1; picks <= 20'000; ++picks) {
            ++counts[choice.pick()];
            for (std::size_t i = 0; i < weights.size(); ++i) {
                const double fair = static_cast<double>(picks) * weights[i] / sum;
                ASSERT_LT(std::abs(static_cast<double>(counts[i]) - fair), most)
                    << "target " << i << " after " << picks << " picks";
            }
        }
    }
}

TEST(WeightedChoice, GivesThreadsTogetherTheSharesOfOne) {
    constexpr int threads = 8;
    constexpr int picks_each = 12'500;
    struct Row {
        const char* name;
        Weights weights;
        Counts expected;
    };
    const Row rows[] = {
        {"90/10", {90, 10}, {90'000, 10'000}},
        {"an open seat", {999, 1}, {99'900, 100}},
        {"two open seats", {335, 335, 330}, {33'500, 33'500, 33'000}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        WeightedChoice choice(row.weights);
        std::vector<std::atomic<std::uint64_t>> counts(row.weights.size());
        {
            std::vector<std::jthread> pickers;
            for (int i = 0; i < threads; ++i) {
                pickers.emplace_back([&] {
                    for (int n = 0; n < picks_each; ++n) ++counts[choice.pick()];
                });
            }
        }
        EXPECT_EQ(Counts(counts.begin(), counts.end()), row.expected);
    }
}

TEST(WeightedChoice, ThreadsTogetherTakeEachPickOnce) {
    constexpr int threads = 4;
    constexpr int picks_each = 20'000;
    const Weights weights{5, 2, 1};
    WeightedChoice choice(weights);
    std::vector<std::atomic<std::uint64_t>> counts(weights.size());
    std::vector<std::thread> pickers;
    for (int i = 0; i < threads; ++i) {
        pickers.emplace_back([&] {
            for (int n = 0; n < picks_each; ++n) ++counts[choice.pick()];
        });
    }
    for (auto& picker : pickers) picker.join();
    EXPECT_EQ(counts[0], threads * picks_each * 5U / 8U);
    EXPECT_EQ(counts[1], threads * picks_each * 2U / 8U);
    EXPECT_EQ(counts[2], threads * picks_each * 1U / 8U);
}

TEST(WeightedChoice, ContinuesTheTurnOfAnEarlierOne) {
    const Weights weights{2, 3, 4};
    WeightedChoice whole(weights);
    WeightedChoice first(weights);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(first.pick(), whole.pick());
    WeightedChoice second(weights, first.position());
    WeightedChoice moved(std::move(second));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(moved.pick(), whole.pick());
}

}  // namespace
}  // namespace sluicegate::route
