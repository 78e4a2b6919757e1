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

using test::any;

/// Three endpoints of one upstream.
const std::vector<std::shared_ptr<EndpointState>>& endpoints() {
    static const auto made = test::make_handle(test::make_upstream("u", 3));
    return made->endpoints();
}

const EndpointState& endpoint(std::size_t i) {
    return *endpoints()[i];
}

/// `bits`: bit i for each endpoint that will do.
WaitQueue::Wanted wanted(std::uint64_t bits) {
    WaitQueue::Wanted wanted;
    for (std::size_t i = 0; i < endpoints().size(); ++i) {
        wanted.push_back((bits >> i & 1U) != 0 ? &endpoint(i) : nullptr);
    }
    return wanted;
}

bool give(WaitQueue& queue, std::size_t i = 0, AttemptKind kind = AttemptKind::ordinary) {
    return queue.give(endpoint(i), kind);
}

/// Writes down in which order waiters are woken.
class Log {
public:
    std::shared_ptr<WaitQueue::Waiter> join(WaitQueue& queue, std::uint64_t user, char name,
                                            std::uint64_t bits = any) {
        return queue.join(user, wanted(bits), [this, name] { woken += name; });
    }
    std::string woken;
};

/// Ends all waits, so that the queue may be destroyed.
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
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(give(queue));
    EXPECT_EQ(log.woken, "apx");
    // A user that comes back stands behind those that wait.
    waiters.push_back(log.join(queue, 3, 'y'));
    while (give(queue)) {
    }
    EXPECT_EQ(log.woken, "apxbqycd");
    leave_all(queue, waiters);
}

TEST(WaitQueue, GivesAnEndpointToTheFirstWhoCanUseIt) {
    WaitQueue queue(100);
    Log log;
    const std::vector waiters{log.join(queue, 1, 'a', 0b01), log.join(queue, 1, 'b', 0b10),
                              log.join(queue, 2, 'c', 0b11)};
    EXPECT_TRUE(give(queue, 1));
    EXPECT_EQ(log.woken, "b");
    EXPECT_TRUE(give(queue, 1, AttemptKind::probe));
    EXPECT_EQ(log.woken, "bc");
    EXPECT_FALSE(give(queue, 1));
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

TEST(WaitQueue, NeverWakesAWaiterThatHasLeft) {
    WaitQueue queue(10);
    Log log;
    const std::vector waiters{log.join(queue, 1, 'a'), log.join(queue, 1, 'b'),
                              log.join(queue, 2, 'c')};
    EXPECT_FALSE(queue.leave(*waiters[0]));
    while (give(queue)) {
    }
    EXPECT_EQ(log.woken, "bc");
    leave_all(queue, waiters);
}

TEST(WaitQueue, ServesUntilSlotsOrWaitersAreAtTheirEnd) {
    WaitQueue queue(10);
    Log log;
    std::vector<int> free{1, 0, 5};
    const std::vector waiters{log.join(queue, 1, 'a'), log.join(queue, 2, 'b', 0b010),
                              log.join(queue, 3, 'c', 0b100), log.join(queue, 4, 'd', 0b100)};
    for (std::size_t i = 0; i < free.size(); ++i) {
        queue.serve(endpoint(i), [&]() -> std::optional<AttemptKind> {
            if (free[i] == 0) return std::nullopt;
            --free[i];
            return AttemptKind::ordinary;
        });
    }
    EXPECT_EQ(log.woken, "acd");
    EXPECT_EQ(free, (std::vector{0, 0, 3}));
    EXPECT_EQ(queue.length(), 1U);
    leave_all(queue, waiters);
}

TEST(WaitQueue, GivesEachWaiterThePositionInItsOwnList) {
    WaitQueue queue(10);
    const auto waiter = queue.join(1, {&endpoint(2), nullptr, &endpoint(0)}, [] {});
    EXPECT_FALSE(give(queue, 1));
    EXPECT_TRUE(give(queue, 0));
    const auto grant = queue.leave(*waiter);
    ASSERT_TRUE(grant);
    EXPECT_EQ(grant->endpoint, 2U);
}

TEST(WaitQueue, WakesAllThatWaitWithoutAGrant) {
    WaitQueue queue(10);
    Log log;
    const std::vector waiters{log.join(queue, 1, 'a'), log.join(queue, 1, 'b'),
                              log.join(queue, 2, 'c')};
    EXPECT_TRUE(give(queue));
    queue.leave(*waiters[2]);
    queue.wake_all();
    EXPECT_EQ(log.woken, "ab");
    EXPECT_FALSE(WaitQueue::is_granted(*waiters[1]));
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
            waiters.push_back(
                queue.join(user, wanted(any), [&served, user] { served.push_back(user); }));
            ++waiting[user];
        }
        while (give(queue)) {
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
