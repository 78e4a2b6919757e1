#include "sluicegate/limit/limiter.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>

namespace sluicegate::limit {
namespace {

constexpr UserId alice{1};
constexpr UserId bob{2};
constexpr ModelId gpt{3};
constexpr ModelId llama{4};

Instant at(std::int64_t ms) {
    return Instant(Milliseconds(1'000'000 + ms));
}

/// Admits and settles at once.
Decision call(Limiter& limiter, const Plan& plan, std::int64_t ms, std::int64_t tokens = 0,
              UserId user = alice, ModelId model = gpt) {
    Admission admission = limiter.admit(user, model, plan, tokens, at(ms));
    admission.reservation.settle(tokens, at(ms));
    return admission.decision;
}

TEST(Limiter, AdmitsABurstOfTheWholeLimitAndThenSaysWhenToComeBack) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 3};
    for (int i = 0; i < 3; ++i) {
        const Decision decision = call(limiter, plan, 10 * i);
        EXPECT_TRUE(decision.admitted);
        EXPECT_EQ(decision.refused_by, Resource::none);
        EXPECT_EQ(decision.requests.limit, 3);
        EXPECT_EQ(decision.requests.remaining, 2 - i);
        EXPECT_EQ(decision.requests.reset, Milliseconds(60'000));
        EXPECT_TRUE(decision.requests.is_limited);
        EXPECT_FALSE(decision.tokens.is_limited);
    }
    const Decision refused = call(limiter, plan, 1000);
    EXPECT_FALSE(refused.admitted);
    EXPECT_EQ(refused.refused_by, Resource::requests);
    EXPECT_FALSE(refused.can_never_fit);
    EXPECT_EQ(refused.retry_after, Milliseconds(59'000));
    EXPECT_EQ(refused.requests.remaining, 0);
    EXPECT_EQ(refused.requests.reset, Milliseconds(59'020));

    EXPECT_FALSE(call(limiter, plan, 59'999).admitted);
    EXPECT_TRUE(call(limiter, plan, 60'000).admitted);
    EXPECT_EQ(call(limiter, plan, 60'000).retry_after, Milliseconds(10));
}

TEST(Limiter, CountsEachUserAndModelForItself) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 1};
    EXPECT_TRUE(call(limiter, plan, 0, 0, alice, gpt).admitted);
    EXPECT_TRUE(call(limiter, plan, 0, 0, alice, llama).admitted);
    EXPECT_TRUE(call(limiter, plan, 0, 0, bob, gpt).admitted);
    EXPECT_FALSE(call(limiter, plan, 0, 0, alice, gpt).admitted);
}

}  // namespace
}  // namespace sluicegate::limit
