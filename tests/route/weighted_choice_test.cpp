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

TEST(WeightedChoice, IsExactOverEveryPeriodWhereverItStarts) {
    const unsigned seed = 20261121;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 200; ++round) {
        Weights weights(1 + random() % 6);
        for (auto& weight : weights)
            weight = std::uniform_int_distribution<std::uint32_t>(0, 2000)(random);
        if (divisor_of(weights) == 0) weights.front() = 1;
        SCOPED_TRACE(testing::PrintToString(weights));
        const std::uint64_t divisor = divisor_of(weights);
        WeightedChoice choice(weights, random());
        ASSERT_EQ(choice.period(),
                  std::accumulate(weights.begin(), weights.end(), std::uint64_t{0}) / divisor);
        count_picks(choice, weights.size(), random() % choice.period());
        const Counts counts = count_picks(choice, weights.size(), choice.period());
        for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_EQ(counts[i], weights[i] / divisor);
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
        WeightedChoice choice(weights, random());
        Counts counts(weights.size());
        for (int picks = 1; picks <= 20'000; ++picks) {
            ++counts[choice.pick()];
            for (std::size_t i = 0; i < weights.size(); ++i) {
                const double fair = static_cast<double>(picks) * weights[i] / sum;
                ASSERT_LT(std::abs(static_cast<double>(counts[i]) - fair), 5.0)
                    << "target " << i << " after " << picks << " picks";
            }
        }
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
