#include "sluicegate/limit/hint.hpp"

#include "sluicegate/limit/limiter.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sluicegate::limit {
namespace {

constexpr ModelId gpt{0};

Instant at(std::int64_t ms) {
    return Instant(Milliseconds(ms));
}

TEST(Hint, StaysWithItsKeyWhenTheSlotGrows) {
    Limiter limiter({.slots = 64});
    Hint hint;
    const Plan plan{.rpm = 100};
    int admitted = 0;
    for (int i = 0; i < 150; ++i) {
        Admission admission = limiter.admit(UserId{1}, gpt, plan, {}, at(i), &hint);
        admission.reservation.settle(0, at(i));
        admitted += admission.decision.admitted;
    }
    EXPECT_EQ(admitted, 100);
    EXPECT_GE(limiter.counts().promotions, 3U);
}

TEST(Hint, IsOfNoUseForTheKeyThatGetsTheSlotNext) {
    Limiter limiter({.slots = 1});
    Hint first;
    Hint second;
    const Plan plan{.rpm = 1};
    const auto is_admitted = [&](std::uint32_t user, std::int64_t ms, Hint& hint) {
        Admission admission = limiter.admit(UserId{user}, gpt, plan, {}, at(ms), &hint);
        admission.reservation.settle(0, at(ms));
        return admission.decision.admitted;
    };
    EXPECT_TRUE(is_admitted(1, 0, first));
    EXPECT_FALSE(is_admitted(1, 1, first));
    EXPECT_TRUE(is_admitted(2, 60'000, second));  // evicts the first
    EXPECT_FALSE(is_admitted(2, 60'001, second));
    limiter.prefetch(first);
    EXPECT_TRUE(is_admitted(1, 120'001, first));
    EXPECT_FALSE(is_admitted(1, 120'002, first));
}

TEST(Hint, ChangesNoDecision) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    constexpr std::uint32_t users = 200;
    const Settings settings{.window = Milliseconds(1000), .slots = 150};
    Limiter hinted(settings);
    Limiter plain(settings);
    std::array<Hint, users> hints;
    const Plan plan{.rpm = 40, .tpm = 2000};
    std::int64_t now = 0;
    int refused = 0;
    for (int i = 0; i < 200'000; ++i) {
        now += static_cast<std::int64_t>(random() % 3 == 0 ? random() % 4 : 0);
        if (random() % 5000 == 0) now += 1500;
        // A few are busy: their slots grow.
        const auto user = static_cast<std::uint32_t>(random() % (random() % 2 == 0 ? 8 : users));
        const Demand demand{.stated = static_cast<std::int64_t>(random() % 100)};
        if (random() % 4 == 0) hinted.prefetch(hints[user]);
        Admission ours = hinted.admit(UserId{user}, gpt, plan, demand, at(now), &hints[user]);
        Admission theirs = plain.admit(UserId{user}, gpt, plan, demand, at(now));
        ASSERT_EQ(ours.decision.admitted, theirs.decision.admitted) << i;
        ASSERT_EQ(ours.decision.retry_after, theirs.decision.retry_after) << i;
        ASSERT_EQ(ours.decision.tokens.used, theirs.decision.tokens.used) << i;
        ours.reservation.settle(demand.stated, at(now));
        theirs.reservation.settle(demand.stated, at(now));
        refused += !ours.decision.admitted;
    }
    EXPECT_GT(refused, 1000);
    EXPECT_GT(hinted.counts().evictions, 0U);
    EXPECT_GT(hinted.counts().promotions, 0U);
}

}  // namespace
}  // namespace sluicegate::limit
