#include "sluicegate/net/deadlines.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace sluicegate::net {
namespace {

using namespace std::chrono_literals;

const Instant start = Instant(123456789ms + 17us);
constexpr Milliseconds tick = Deadlines::tick_length;

/// A deadline that remembers when it fired, and may do something then.
class Alarm {
public:
    explicit Alarm(Deadlines& wheel) : wheel_(wheel), deadline_(wheel, this, &Alarm::fire) {}

    Deadline& deadline() { return deadline_; }
    [[nodiscard]] const std::vector<Instant>& fired() const { return fired_; }
    std::function<void()> then = [] {};

private:
    static void fire(void* self) noexcept {
        auto& alarm = *static_cast<Alarm*>(self);
        alarm.fired_.push_back(alarm.wheel_.now());
        alarm.then();
    }

    Deadlines& wheel_;
    Deadline deadline_;
    std::vector<Instant> fired_;
};

TEST(Deadlines, FireWithinOneTickAfterTheyAreDueAndNeverBefore) {
    for (const auto due : {1ms, 49ms, 50ms, 51ms, 120ms, 3000ms, 12749ms, 12750ms, 12751ms, 12800ms,
                           12801ms, 40000ms, 900000ms}) {
        SCOPED_TRACE(due.count());
        Deadlines wheel(start);
        Alarm alarm(wheel);
        alarm.deadline().arm(start + due);
        Instant now = start;
        while (now < start + due) {
            ASSERT_TRUE(alarm.fired().empty());
            ASSERT_TRUE(alarm.deadline().is_armed());
            now += tick;
            wheel.tick(now);
        }
        ASSERT_EQ(alarm.fired(), std::vector{now});
        EXPECT_LT(now - (start + due), tick);
        EXPECT_FALSE(alarm.deadline().is_armed());
        wheel.tick(now + 1h);
        EXPECT_EQ(alarm.fired().size(), 1U);
    }
}

TEST(Deadlines, FireAtTheNextTickWhenTheyAreDueAlready) {
    Deadlines wheel(start);
    Alarm alarm(wheel);
    alarm.deadline().arm(start - 1h);
    EXPECT_TRUE(alarm.fired().empty()) << "only a tick fires";
    wheel.tick(start + 1ms);
    EXPECT_EQ(alarm.fired().size(), 1U);
}

TEST(Deadlines, CountATimeoutFromTheLastTickAndNeverTooShort) {
    // The clock may have gone on by almost a tick since then.
    for (const auto since_tick : {0ms, 1ms, 49ms}) {
        Deadlines wheel(start);
        Alarm alarm(wheel);
        const Instant armed_at = start + since_tick;
        alarm.deadline().arm_in(1s);
        for (Instant now = start + tick; alarm.fired().empty(); now += tick) wheel.tick(now);
        EXPECT_GE(alarm.fired().front(), armed_at + 1s);
        EXPECT_LE(alarm.fired().front(), armed_at + 1s + 2 * tick);
    }
}

TEST(Deadlines, MoveEarlierAndLater) {
    Deadlines wheel(start);
    Alarm earlier(wheel);
    Alarm later(wheel);
    earlier.deadline().arm(start + 10s);
    earlier.deadline().arm(start + 1s);
    later.deadline().arm(start + 1s);
    later.deadline().arm(start + 10s);
    wheel.tick(start + 1s);
    EXPECT_EQ(earlier.fired().size(), 1U);
    EXPECT_TRUE(later.fired().empty());
    wheel.tick(start + 9999ms);
    EXPECT_TRUE(later.fired().empty());
    wheel.tick(start + 10s);
    EXPECT_EQ(earlier.fired().size(), 1U);
    EXPECT_EQ(later.fired().size(), 1U);
}

TEST(Deadlines, StayQuietOnceDisarmed) {
    Deadlines wheel(start);
    Alarm alarm(wheel);
    alarm.deadline().arm(start + 1s);
    alarm.deadline().disarm();
    EXPECT_FALSE(alarm.deadline().is_armed());
    wheel.tick(start + 10s);
    EXPECT_TRUE(alarm.fired().empty());

    alarm.deadline().arm(start + 11s);
    wheel.tick(start + 11s);
    EXPECT_EQ(alarm.fired().size(), 1U) << "it can be armed again";
}

TEST(Deadlines, ALateTickCatchesUp) {
    for (const auto pause : {100ms, 12750ms, 12800ms, 12850ms, 3600000ms}) {
        SCOPED_TRACE(pause.count());
        Deadlines wheel(start);
        std::vector<std::unique_ptr<Alarm>> alarms;
        for (Milliseconds due = 0ms; due <= pause; due += pause / 50) {
            alarms.push_back(std::make_unique<Alarm>(wheel));
            alarms.back()->deadline().arm(start + due);
        }
        wheel.tick(start + pause);
        for (const auto& alarm : alarms) EXPECT_EQ(alarm->fired().size(), 1U);
    }
}

TEST(Deadlines, IgnoreATimeThatDoesNotMoveForward) {
    Deadlines wheel(start);
    Alarm alarm(wheel);
    wheel.tick(start + 5s);
    alarm.deadline().arm(start + 4s);
    wheel.tick(start + 5s);
    wheel.tick(start + 2s);
    EXPECT_TRUE(alarm.fired().empty());
    EXPECT_EQ(wheel.now(), start + 5s);
    wheel.tick(start + 5s + 1ms);
    EXPECT_EQ(alarm.fired().size(), 1U);
}

TEST(Deadlines, ACallbackMayArmItsOwnDeadlineAgain) {
    Deadlines wheel(start);
    Alarm alarm(wheel);
    alarm.then = [&] { alarm.deadline().arm(wheel.now() + 200ms); };
    alarm.deadline().arm(start + 200ms);
    for (Instant now = start; now < start + 1s; now += tick) wheel.tick(now + tick);
    EXPECT_EQ(alarm.fired().size(), 5U);
}

TEST(Deadlines, ACallbackMayDestroyDisarmAndMoveOthersOfTheSameBucket) {
    Deadlines wheel(start);
    Alarm first(wheel);
    auto destroyed = std::make_unique<Alarm>(wheel);
    Alarm disarmed(wheel);
    Alarm moved(wheel);
    Alarm last(wheel);
    first.then = [&] {
        destroyed.reset();
        disarmed.deadline().disarm();
        moved.deadline().arm(start + 1s);
    };
    for (Alarm* alarm : {&first, destroyed.get(), &disarmed, &moved, &last}) {
        alarm->deadline().arm(start + 500ms);
    }
    wheel.tick(start + 500ms);
    EXPECT_EQ(first.fired().size(), 1U);
    EXPECT_EQ(last.fired().size(), 1U);
    EXPECT_TRUE(moved.fired().empty());
    wheel.tick(start + 1s);
    EXPECT_EQ(moved.fired().size(), 1U);
    EXPECT_TRUE(disarmed.fired().empty());
}

TEST(Deadlines, FireExactlyWhatAPlainListSaysIsDue) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        const auto up_to = [&](int most) {
            return static_cast<int>(random() % static_cast<unsigned>(most + 1));
        };
        Deadlines wheel(start);
        Instant now = start;
        std::vector<std::unique_ptr<Alarm>> alarms;
        std::vector<std::optional<Instant>> due(40);
        std::vector<std::size_t> fired(due.size());
        for (std::size_t i = 0; i < due.size(); ++i) {
            alarms.push_back(std::make_unique<Alarm>(wheel));
        }
        for (int step = 0; step < 3000; ++step) {
            const auto i = static_cast<std::size_t>(up_to(static_cast<int>(due.size()) - 1));
            const int action = up_to(9);
            if (action < 4) {
                const int range = up_to(2) == 0 ? 40000 : 400;
                due[i] = now + Milliseconds(up_to(range) - 20);
                alarms[i]->deadline().arm(*due[i]);
            } else if (action == 4) {
                due[i].reset();
                alarms[i]->deadline().disarm();
            } else if (action == 5) {
                alarms[i] = std::make_unique<Alarm>(wheel);
                due[i].reset();
                fired[i] = 0;
            } else {
                now += Milliseconds(1 + up_to(up_to(50) == 0 ? 30000 : 90));
                wheel.tick(now);
                for (std::size_t k = 0; k < due.size(); ++k) {
                    if (due[k] && *due[k] <= now) {
                        ++fired[k];
                        due[k].reset();
                    }
                    ASSERT_EQ(alarms[k]->fired().size(), fired[k]) << "step " << step;
                    ASSERT_EQ(alarms[k]->deadline().is_armed(), due[k].has_value());
                }
            }
        }
    }
}

}  // namespace
}  // namespace sluicegate::net
