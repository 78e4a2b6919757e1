#include "limit/limiter_calls.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sluicegate::limit {
namespace {

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
            for (const Plan& plan : {Plan{.rpm = limit}, Plan{.rpd = limit},
                                     Plan{.rpm = limit + 5, .tpm = 1 << 20, .tpd = 10 * limit}}) {
                SCOPED_TRACE(testing::Message() << threads << " threads, limit " << limit);
                Limiter limiter({.slots = 64});
                std::atomic<std::int64_t> admitted{0};
                together(threads, [&](int thread) {
                    // The threads' clocks differ a little; slots grow while other threads use them.
                    for (std::int64_t i = 0; i <= limit; ++i) {
                        Admission admission =
                            limiter.admit(alice, gpt, plan, {.stated = 10}, at(i * 8 + thread));
                        admission.reservation.settle(10, at(i * 8));
                        admitted += admission.decision.admitted;
                    }
                });
                EXPECT_EQ(admitted, limit);
            }
        }
    }
}

TEST(LimiterThreads, NeverExceedConcurrencyAndGiveEverythingBack) {
    for (const int threads : {2, 4, 8}) {
        SCOPED_TRACE(threads);
        Limiter limiter({.slots = 64});
        const Plan plan{.rpm = 1'000'000,
                        .tpm = 1'000'000'000,
                        .rpd = 1'000'000,
                        .tpd = 1'000'000'000,
                        .concurrency = 3};
        std::atomic<int> in_flight{0};
        std::atomic<int> too_many{0};
        std::atomic<std::int64_t> settled{0};
        together(threads, [&](int thread) {
            for (int i = 0; i < 4000; ++i) {
                Admission admission = limiter.admit(alice, gpt, plan, {.stated = 10}, at(i));
                if (!admission.decision.admitted) continue;
                if (in_flight.fetch_add(1) >= 3) ++too_many;
                if (i % 5 == 0) admission.reservation.grow(15, at(i));
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
        EXPECT_EQ(left.concurrency.used, 0);
        EXPECT_EQ(left.requests.used, settled);
        EXPECT_EQ(left.tokens.used, 12 * settled);
        EXPECT_EQ(left.requests_per_day.used, settled);
        EXPECT_EQ(left.tokens_per_day.used, 12 * settled);
    }
}

TEST(LimiterThreads, StayWithinEveryLimitWhileKeysComeAndGo) {
    constexpr std::uint32_t users = 300;
    constexpr std::int64_t limit = 20;
    constexpr std::int64_t window = 1'000;
    constexpr int bursts = 20;
    struct Row {
        std::string_view name;
        Plan plan;
        std::int64_t apart;  ///< bursts share no window: each may admit the limit
    };
    const Row rows[] = {
        {"per minute", {.rpm = limit}, 2 * window},
        {"per day", {.rpd = limit}, 2 * Settings::day.count()},
        {"both", {.rpm = limit + 2, .rpd = limit}, 2 * Settings::day.count()},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Limiter limiter({.window = Milliseconds(window), .slots = 128});
        std::vector<std::atomic<std::int64_t>> admitted(users);
        for (int burst = 0; burst < bursts; ++burst) {
            const std::int64_t start = burst * row.apart;
            for (auto& count : admitted) count = 0;
            together(4, [&](int thread) {
                std::mt19937 random(static_cast<unsigned>(burst * 4 + thread));
                for (std::uint32_t i = 0; i < 3000; ++i) {
                    const UserId user{static_cast<std::uint32_t>(random() % users)};
                    const auto ms = static_cast<std::int64_t>(i / 6);
                    Admission admission = limiter.admit(user, gpt, row.plan, {}, at(start + ms));
                    admission.reservation.settle(0, at(start + ms));
                    admitted[static_cast<std::size_t>(user)] += admission.decision.admitted;
                }
            });
            for (std::uint32_t user = 0; user < users; ++user) {
                ASSERT_LE(admitted[user], limit) << "user " << user << ", burst " << burst;
            }
        }
        const TableCounts counts = row.plan.rpd ? limiter.day_counts() : limiter.counts();
        EXPECT_GT(counts.evictions, 0U);
        EXPECT_GT(counts.overflows, 0U);
    }
}

TEST(LimiterThreads, MakeTheTableForDaysOnce) {
    for (int round = 0; round < 50; ++round) {
        Limiter limiter({.slots = 64});
        std::atomic<int> admitted{0};
        together(4, [&](int) {
            Admission admission = limiter.admit(alice, gpt, {.rpd = 1}, {}, at(0));
            admission.reservation.settle(0, at(0));
            admitted += admission.decision.admitted;
            EXPECT_LE(limiter.day_counts().slots_used, 1U);
        });
        EXPECT_EQ(admitted, 1);
    }
}

}  // namespace
}  // namespace sluicegate::limit
