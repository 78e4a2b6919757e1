#include "sluicegate/limit/limiter.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace sluicegate::limit {
namespace {

constexpr UserId alice{1};
constexpr ModelId gpt{2};

Instant at(std::int64_t ms) {
    return Instant(Milliseconds(1'000'000 + ms));
}

/// Starts `act(index)` on every thread at the same moment and waits for all.
void together(int threads, const std::function<void(int)>& act) {
    std::barrier start(threads);
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i) {
        workers.emplace_back([&, i] {
            start.arrive_and_wait();
            act(i);
        });
    }
}

TEST(LimiterThreads, OnOneKeyAdmitExactlyTheLimit) {
    for (const int threads : {2, 4, 8}) {
        for (const std::int64_t limit : {1, 12, 100, 5000}) {
            SCOPED_TRACE(testing::Message() << threads << " threads, limit " << limit);
            Limiter limiter({.slots = 64});
            std::atomic<std::int64_t> admitted{0};
            together(threads, [&](int thread) {
                // Clocks of threads differ a little; slots grow while others use them.
                for (std::int64_t i = 0; i <= limit; ++i) {
                    Admission admission =
                        limiter.admit(alice, gpt, {.rpm = limit}, {}, at(i * 8 + thread));
                    admission.reservation.settle(0, at(i * 8));
                    admitted += admission.decision.admitted;
                }
            });
            EXPECT_EQ(admitted, limit);
        }
    }
}

TEST(LimiterThreads, NeverExceedConcurrencyAndGiveEverythingBack) {
    for (const int threads : {2, 4, 8}) {
        SCOPED_TRACE(threads);
        Limiter limiter({.slots = 64});
        const Plan plan{.rpm = 1'000'000, .tpm = 1'000'000'000, .concurrency = 3};
        std::atomic<int> in_flight{0};
        std::atomic<int> too_many{0};
        std::atomic<std::int64_t> settled{0};
        together(threads, [&](int thread) {
            for (int i = 0; i < 4000; ++i) {
                Admission admission = limiter.admit(alice, gpt, plan, {.stated = 10}, at(i));
                if (!admission.decision.admitted) continue;
                if (in_flight.fetch_add(1) >= 3) ++too_many;
                in_flight.fetch_sub(1);
                if ((i + thread) % 3 == 0) {
                    admission.reservation.settle(12, at(i));
                    ++settled;
                } else if ((i + thread) % 3 == 1) {
                    admission.reservation.cancel(at(i));
                }
            }
        });
        EXPECT_EQ(too_many, 0);
        const Budgets left = limiter.peek(alice, gpt, plan, at(4000));
        EXPECT_EQ(left.concurrency.remaining, 3);
        EXPECT_EQ(left.requests.remaining, *plan.rpm - settled);
        EXPECT_EQ(left.tokens.remaining, *plan.tpm - 12 * settled);
    }
}

TEST(LimiterThreads, StayWithinEveryLimitWhileKeysComeAndGo) {
    constexpr std::uint32_t users = 300;
    constexpr std::int64_t limit = 20;
    constexpr std::int64_t window = 1'000;
    constexpr int windows = 20;
    Limiter limiter({.window = Milliseconds(window), .slots = 128});
    std::vector<std::atomic<std::int64_t>> admitted(users);
    // One burst a window, so far apart that bursts cannot share one: each may admit the limit once.
    for (int burst = 0; burst < windows; ++burst) {
        const std::int64_t start = burst * 2 * window;
        for (auto& count : admitted) count = 0;
        together(4, [&](int thread) {
            std::mt19937 random(static_cast<unsigned>(burst * 4 + thread));
            for (std::uint32_t i = 0; i < 3000; ++i) {
                const auto user = static_cast<std::uint32_t>(random() % users);
                const auto ms = static_cast<std::int64_t>(i / 6);
                limiter.prefetch(UserId{user}, gpt);
                Admission admission =
                    limiter.admit(UserId{user}, gpt, {.rpm = limit}, {}, at(start + ms));
                admission.reservation.settle(0, at(start + ms));
                admitted[user] += admission.decision.admitted;
            }
        });
        for (std::uint32_t user = 0; user < users; ++user) {
            ASSERT_LE(admitted[user], limit) << "user " << user << ", burst " << burst;
        }
    }
    EXPECT_GT(limiter.counts().evictions, 0U);
    EXPECT_GT(limiter.counts().overflows, 0U);
}

}  // namespace
}  // namespace sluicegate::limit
