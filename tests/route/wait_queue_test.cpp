#include "sluicegate/route/wait_queue.hpp"

#include "route/support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluicegate::route {
namespace {

constexpr std::uint64_t any = ~std::uint64_t{0};

/// Writes down in which order waiters are woken.
class Log {
public:
    std::shared_ptr<WaitQueue::Waiter> join(WaitQueue& queue, std::uint64_t user, char name,
                                            std::uint64_t endpoints = any) {
        return queue.join(user, endpoints, [this, name] { woken += name; });
    }
    std::string woken;
};

/// Ends all waits, so that the line may end.
void leave_all(WaitQueue& queue, const std::vector<std::shared_ptr<WaitQueue::Waiter>>& waiters) {
    for (const auto& waiter : waiters) queue.leave(*waiter);
    EXPECT_EQ(queue.length(), 0U);
}

TEST(WaitQueue, GoesRoundTheUsersAndServesEachInOrder) {
    WaitQueue queue(100);
    Log log;
    std::vector<std::shared_ptr<WaitQueue::Waiter>> waiters;
    for (const char name : {'a', 'b', 'c', 'd'}) waiters.push_back(log.join(queue, 1, name));
    for (const char name : {'p', 'q'}) waiters.push_back(log.join(queue, 2, name));
    waiters.push_back(log.join(queue, 3, 'x'));
    EXPECT_EQ(queue.length(), 7U);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.give({}));
    EXPECT_EQ(log.woken, "apx");
    // Whoever comes back stands behind those who wait.
    waiters.push_back(log.join(queue, 3, 'y'));
    while (queue.give({})) {
    }
    EXPECT_EQ(log.woken, "apxbqycd");
    leave_all(queue, waiters);
}

TEST(WaitQueue, GivesAnEndpointToTheFirstWhoCanUseIt) {
    WaitQueue queue(100);
    Log log;
    const std::vector waiters{log.join(queue, 1, 'a', 0b01), log.join(queue, 1, 'b', 0b10),
                              log.join(queue, 2, 'c', 0b11)};
    EXPECT_TRUE(queue.give({.endpoint = 1}));
    EXPECT_EQ(log.woken, "b");
    EXPECT_TRUE(queue.give({.endpoint = 1, .kind = AttemptKind::probe}));
    EXPECT_EQ(log.woken, "bc");
    EXPECT_FALSE(queue.give({.endpoint = 1}));
    EXPECT_TRUE(WaitQueue::is_granted(*waiters[2]));
    const auto grant = queue.leave(*waiters[2]);
    ASSERT_TRUE(grant);
    EXPECT_EQ(grant->endpoint, 1U);
    EXPECT_EQ(grant->kind, AttemptKind::probe);
    EXPECT_FALSE(queue.leave(*waiters[2])) << "once";
    EXPECT_FALSE(WaitQueue::is_granted(*waiters[0]));
    leave_all(queue, waiters);
}

TEST(WaitQueue, RefusesMoreThanItsBound) {
    WaitQueue queue(2);
    Log log;
    std::vector waiters{log.join(queue, 1, 'a'), log.join(queue, 2, 'b')};
    EXPECT_EQ(log.join(queue, 3, 'c'), nullptr);
    queue.leave(*waiters[0]);
    waiters.push_back(log.join(queue, 3, 'c'));
    EXPECT_NE(waiters.back(), nullptr);
    queue.set_waiting_max(1);
    EXPECT_EQ(queue.length(), 2U) << "those who wait stay";
    EXPECT_EQ(log.join(queue, 4, 'd'), nullptr);
    leave_all(queue, waiters);
}

TEST(WaitQueue, NeverWakesWhoHasLeft) {
    WaitQueue queue(10);
    Log log;
    const std::vector waiters{log.join(queue, 1, 'a'), log.join(queue, 1, 'b'),
                              log.join(queue, 2, 'c')};
    EXPECT_FALSE(queue.leave(*waiters[0]));
    while (queue.give({})) {
    }
    EXPECT_EQ(log.woken, "bc");
    leave_all(queue, waiters);
}

TEST(WaitQueue, ServesUntilSlotsOrWaitersAreAtTheirEnd) {
    WaitQueue queue(10);
    Log log;
    std::vector<int> free{1, 0, 5};
    const WaitQueue::TakeSlot take = [&](std::size_t endpoint) -> std::optional<AttemptKind> {
        if (free[endpoint] == 0) return std::nullopt;
        --free[endpoint];
        return AttemptKind::ordinary;
    };
    const std::vector waiters{log.join(queue, 1, 'a'), log.join(queue, 2, 'b', 0b010),
                              log.join(queue, 3, 'c', 0b100), log.join(queue, 4, 'd', 0b100)};
    queue.serve(free.size(), take);
    EXPECT_EQ(log.woken, "acd");
    EXPECT_EQ(free, (std::vector{0, 0, 3}));
    EXPECT_EQ(queue.length(), 1U);
    leave_all(queue, waiters);
}

TEST(WaitQueue, ServesEveryUserOnceBeforeAnyTwice) {
    const unsigned seed = 9;
    SCOPED_TRACE(seed);
    test::Random random(seed);
    for (int round = 0; round < 200; ++round) {
        WaitQueue queue(1'000);
        std::vector<std::shared_ptr<WaitQueue::Waiter>> waiters;
        std::vector<std::uint64_t> served;
        std::vector<std::size_t> waiting(8);
        for (int i = 0; i < 100; ++i) {
            // One user sends most of it.
            const std::uint64_t user = random.below(2) == 0 ? 0 : random.below(std::uint64_t{8});
            waiters.push_back(queue.join(user, any, [&served, user] { served.push_back(user); }));
            ++waiting[user];
        }
        while (queue.give({})) {
        }
        std::size_t at = 0;
        for (std::size_t turn = 1; at < served.size(); ++turn) {
            std::vector<int> seen(8);
            const auto users = static_cast<std::size_t>(std::count_if(
                waiting.begin(), waiting.end(), [turn](auto count) { return count >= turn; }));
            for (std::size_t i = 0; i < users; ++i) ASSERT_EQ(++seen[served[at++]], 1);
        }
        leave_all(queue, waiters);
    }
}

}  // namespace
}  // namespace sluicegate::route
