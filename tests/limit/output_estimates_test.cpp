#include "sluicegate/limit/output_estimates.hpp"

#include "sluicegate/limit/plan.hpp"

#include "limit/limiter_calls.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace sluicegate::limit {
namespace {

constexpr ModelId claude{2};

using Random = std::mt19937_64;
using Draw = std::function<double(Random&)>;

struct Lengths {
    std::string name;
    Draw draw;
};

std::vector<Lengths> lengths() {
    return {
        {"always the same", [](Random&) { return 250.0; }},
        {"uniform", [](Random& r) { return std::uniform_real_distribution(1.0, 2000.0)(r); }},
        {"exponential", [](Random& r) { return std::exponential_distribution(1.0 / 300)(r); }},
        {"log-normal", [](Random& r) { return std::lognormal_distribution(5.0, 1.5)(r); }},
        {"short or long",
         [](Random& r) { return std::bernoulli_distribution(0.3)(r) ? 4000.0 : 20.0; }},
        {"heavy tail",
         [](Random& r) {
             return 10 / std::pow(std::uniform_real_distribution(1e-6, 1.0)(r), 1 / 1.2);
         }},
        {"a few tokens", [](Random& r) { return std::uniform_real_distribution(1.0, 6.0)(r); }},
    };
}

std::int64_t tokens_from(double drawn) {
    return static_cast<std::int64_t>(std::ceil(drawn));
}

/// The length that `hundredths` of a hundred draws do not exceed.
std::int64_t percentile(const Draw& draw, Random& random, std::size_t hundredths) {
    std::vector<std::int64_t> drawn(20'000);
    for (std::int64_t& tokens : drawn) tokens = tokens_from(draw(random));
    std::sort(drawn.begin(), drawn.end());
    return drawn[drawn.size() / 100 * hundredths];
}

TEST(OutputEstimates, ComeCloseToTheNinetiethPercentile) {
    const std::uint64_t seed = std::random_device{}();
    for (const Lengths& row : lengths()) {
        SCOPED_TRACE(row.name + ", seed " + std::to_string(seed));
        Random random(seed);
        OutputEstimates estimates;
        for (int i = 0; i < 500; ++i) estimates.learn(alice, gpt, tokens_from(row.draw(random)));
        // An average over time, because the figure never rests.
        std::vector<std::int64_t> guesses;
        for (int i = 0; i < 2001; ++i) {
            estimates.learn(alice, gpt, tokens_from(row.draw(random)));
            guesses.push_back(estimates.guess(alice, gpt));
        }
        std::sort(guesses.begin(), guesses.end());
        const std::int64_t median = guesses[guesses.size() / 2];
        EXPECT_GE(median, percentile(row.draw, random, 84));
        EXPECT_LE(median, percentile(row.draw, random, 95) * 5 / 4);
    }
}

TEST(OutputEstimates, ConvergeWithinAHundredCompletions) {
    const std::uint64_t seed = std::random_device{}();
    for (const Lengths& row : lengths()) {
        SCOPED_TRACE(row.name + ", seed " + std::to_string(seed));
        Random random(seed);
        const std::int64_t low = percentile(row.draw, random, 60);
        const std::int64_t high = percentile(row.draw, random, 99) * 2;
        int outside = 0;
        for (std::uint32_t user = 0; user < 200; ++user) {
            OutputEstimate estimate;
            for (int i = 0; i < 100; ++i) estimate = estimate.after(tokens_from(row.draw(random)));
            outside += estimate.tokens() < low || estimate.tokens() > high;
        }
        EXPECT_LE(outside, 20);
    }
}

TEST(OutputEstimates, FollowAShiftOfFourOrdersOfMagnitudeEitherWay) {
    OutputEstimate estimate;
    for (int i = 0; i < 300; ++i) estimate = estimate.after(3);
    EXPECT_LE(estimate.tokens(), 4);
    int longer = 0;
    for (; estimate.tokens() < 30'000; ++longer) estimate = estimate.after(30'000);
    EXPECT_LE(longer, 80);
    int shorter = 0;
    for (; estimate.tokens() > 4; ++shorter) estimate = estimate.after(3);
    EXPECT_LE(shorter, 120);
}

TEST(OutputEstimates, StayWithinTheirBounds) {
    OutputEstimate high;
    OutputEstimate low;
    for (int i = 0; i < 2000; ++i) {
        high = high.after(std::numeric_limits<std::int64_t>::max());
        low = low.after(i % 2 == 0 ? 0 : std::numeric_limits<std::int64_t>::min());
        ASSERT_LE(high.tokens(), Plan::value_max);
        ASSERT_EQ(low.tokens(), 1);
    }
    EXPECT_GE(high.tokens(), Plan::value_max / 2);
}

TEST(OutputEstimates, FallBackToTheModelAndThenToAConstant) {
    OutputEstimates estimates;
    EXPECT_EQ(estimates.guess(alice, gpt), OutputEstimates::unknown);
    for (int i = 1; i < OutputEstimates::samples_min; ++i) estimates.learn(alice, gpt, 50);
    EXPECT_EQ(estimates.guess(alice, gpt), OutputEstimates::unknown) << "too few to know";
    for (int i = 0; i < 200; ++i) estimates.learn(alice, gpt, 50);
    EXPECT_NEAR(static_cast<double>(estimates.guess(alice, gpt)), 50, 15);
    EXPECT_NEAR(static_cast<double>(estimates.guess(bob, gpt)), 50, 15) << "by the model";
    EXPECT_EQ(estimates.guess(alice, claude), OutputEstimates::unknown);
    for (int i = 0; i < 200; ++i) estimates.learn(bob, gpt, 5000);
    EXPECT_NEAR(static_cast<double>(estimates.guess(alice, gpt)), 50, 15) << "her own";
    EXPECT_GE(estimates.guess(bob, gpt), 4000);
}

TEST(OutputEstimates, OfManyMorePairsThanFitStayPlausible) {
    OutputEstimates estimates;
    // Half of the users get short answers and half get long ones.
    constexpr std::uint32_t users = 300'000;
    const auto length_of = [](std::uint32_t user) { return user % 2 == 0 ? 10 : 10'000; };
    for (std::uint32_t user = 0; user < users; ++user) {
        for (int i = 0; i < 12; ++i) estimates.learn(UserId{user}, gpt, length_of(user));
    }
    int own = 0;
    for (std::uint32_t user = 0; user < users; ++user) {
        const std::int64_t guess = estimates.guess(UserId{user}, gpt);
        ASSERT_GE(guess, 1);
        ASSERT_LE(guess, 40'000);
        own += guess >= length_of(user) / 4 && guess <= length_of(user) * 4;
    }
    EXPECT_GE(own, 64 * 1024) << "what fits is known";
}

TEST(OutputEstimates, AreSharedByThreads) {
    OutputEstimates estimates;
    std::vector<std::jthread> workers;
    for (unsigned thread = 0; thread < 4; ++thread) {
        workers.emplace_back([&estimates, thread] {
            Random random(thread);
            for (int i = 0; i < 20'000; ++i) {
                const UserId user{static_cast<std::uint32_t>(random() % 50)};
                estimates.learn(user, gpt, 100);
                const std::int64_t guess = estimates.guess(user, gpt);
                if (guess != OutputEstimates::unknown) {
                    EXPECT_NEAR(static_cast<double>(guess), 100, 90) << "early steps are large";
                }
            }
        });
    }
    workers.clear();
    EXPECT_NEAR(static_cast<double>(estimates.guess(UserId{7}, gpt)), 100, 25);
}

}  // namespace
}  // namespace sluicegate::limit
