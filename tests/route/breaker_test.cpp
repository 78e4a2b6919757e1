#include "sluicegate/route/breaker.hpp"

#include "route/support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace sluicegate::route {
namespace {

using test::at;
using State = Breaker::State;

constexpr config::BreakerSettings settings{.window = Milliseconds(10'000),
                                           .requests_min = 10,
                                           .error_percent = 50,
                                           .connect_failures = 3,
                                           .open_for = Milliseconds(5'000),
                                           .open_max = Milliseconds(60'000)};

std::optional<Breaker::Transition> report(Breaker& breaker, Outcome outcome, std::int64_t ms) {
    return breaker.report(outcome, AttemptKind::ordinary, at(ms));
}

/// Open from `ms` on.
void open_at(Breaker& breaker, std::int64_t ms) {
    for (int i = 0; i < 3; ++i) report(breaker, Outcome::connect_failed, ms);
    ASSERT_EQ(breaker.state(at(ms)), State::open);
}

TEST(Breaker, TakesARefusalOfTheRequestBackWhereOthersSucceed) {
    Breaker breaker(settings);
    report(breaker, Outcome::success, 0);
    for (int i = 1; i < 100; ++i) {
        report(breaker, Outcome::refused, i);
        EXPECT_FALSE(breaker.settle_refusal(at(i), true, at(i)));
    }
    for (int i = 0; i < 8; ++i) report(breaker, Outcome::failed, 200);
    EXPECT_EQ(breaker.state(at(200)), State::closed) << "one success and eight failures";
    report(breaker, Outcome::failed, 200);
    EXPECT_EQ(breaker.state(at(200)), State::open);
}

TEST(Breaker, CountsARefusalWhereNothingSucceedsOrNoOtherEndpointConfirmsIt) {
    struct Row {
        const char* name;
        bool has_success;
        bool is_of_request;
        std::int64_t later;  ///< than the success
    };
    const Row rows[] = {
        {"no success", false, true, 100},
        {"not confirmed", true, false, 100},
        {"a success before the window", true, true, 20'000},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Breaker breaker(settings);
        if (row.has_success) report(breaker, Outcome::success, 0);
        std::optional<Breaker::Transition> opened;
        for (int i = 0; i < 10 && !opened; ++i) {
            report(breaker, Outcome::refused, row.later + i);
            opened =
                breaker.settle_refusal(at(row.later + i), row.is_of_request, at(row.later + i));
        }
        EXPECT_TRUE(opened);
        EXPECT_EQ(breaker.state(at(row.later + 10)), State::open);
    }
}

TEST(Breaker, IsNotOpenedByRefusalsThatMayYetBeTakenBack) {
    Breaker breaker(settings);
    report(breaker, Outcome::success, 0);
    for (int i = 0; i < 50; ++i) EXPECT_FALSE(report(breaker, Outcome::refused, 10 + i));
    EXPECT_TRUE(report(breaker, Outcome::refused, 2'000)) << "nobody settled the old ones";
}

TEST(Breaker, TakesARefusedProbeForAFailure) {
    Breaker breaker(settings);
    open_at(breaker, 0);
    ASSERT_TRUE(breaker.take_probe(at(5'000)));
    EXPECT_TRUE(breaker.report(Outcome::refused, AttemptKind::probe, at(5'001)));
    EXPECT_FALSE(breaker.settle_refusal(at(5'001), true, at(5'002)));
    EXPECT_EQ(breaker.state(at(5'002)), State::open);
}

TEST(Breaker, OpensByWhatItIsTold) {
    struct Row {
        const char* name;
        std::vector<std::pair<Outcome, int>> reports;
        const char* reason;  ///< "": stays closed
    };
    const Row rows[] = {
        {"a stray failure", {{Outcome::failed, 1}}, ""},
        {"a stray 503", {{Outcome::overloaded, 1}}, ""},
        {"fewer than requests_min", {{Outcome::failed, 9}}, ""},
        {"requests_min, all failed",
         {{Outcome::failed, 10}},
         "10 of 10 requests failed in 10s; next try in 5s"},
        {"half of them",
         {{Outcome::success, 5}, {Outcome::failed, 4}, {Outcome::overloaded, 1}},
         "5 of 10 requests failed in 10s; next try in 5s"},
        {"less than half", {{Outcome::success, 6}, {Outcome::failed, 5}}, ""},
        {"the caller's errors count as good", {{Outcome::rejected, 6}, {Outcome::failed, 5}}, ""},
        {"429 never opens", {{Outcome::rate_limited, 100}}, ""},
        {"429 is not counted at all",
         {{Outcome::rate_limited, 100}, {Outcome::failed, 10}},
         "10 of 10 requests failed in 10s; next try in 5s"},
        {"abandoned never opens", {{Outcome::abandoned, 100}}, ""},
        {"the caller's errors never open", {{Outcome::rejected, 100}}, ""},
        {"connect failures in a row",
         {{Outcome::success, 100}, {Outcome::connect_failed, 3}},
         "connect failed 3 times in a row; next try in 5s"},
        {"connect failures with a success between them",
         {{Outcome::connect_failed, 2}, {Outcome::success, 1}, {Outcome::connect_failed, 2}},
         ""},
        {"a 429 between them is an answer as well",
         {{Outcome::connect_failed, 2}, {Outcome::rate_limited, 1}, {Outcome::connect_failed, 2}},
         ""},
        {"one that was abandoned is not",
         {{Outcome::connect_failed, 2}, {Outcome::abandoned, 1}, {Outcome::connect_failed, 1}},
         "connect failed 3 times in a row; next try in 5s"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Breaker breaker(settings);
        std::string reason;
        for (const auto& [outcome, times] : row.reports) {
            for (int i = 0; i < times; ++i) {
                const auto change = report(breaker, outcome, 0);
                if (!change) continue;
                EXPECT_EQ(reason, "") << "told twice";
                EXPECT_EQ(change->to, State::open);
                reason = change->reason;
            }
        }
        EXPECT_EQ(reason, row.reason);
        EXPECT_EQ(breaker.state(at(0)), reason.empty() ? State::closed : State::open);
        EXPECT_EQ(breaker.allows(at(0)), reason.empty());
    }
}

TEST(Breaker, NeverOpensForOneFailureHoweverItIsSet) {
    config::BreakerSettings strict = settings;
    strict.requests_min = 1;
    strict.error_percent = 1;
    Breaker breaker(strict);
    EXPECT_FALSE(report(breaker, Outcome::overloaded, 0));
    EXPECT_TRUE(report(breaker, Outcome::overloaded, 1));
}

TEST(Breaker, ForgetsWhatIsOlderThanTheWindow) {
    Breaker breaker(settings);
    for (int i = 0; i < 9; ++i) report(breaker, Outcome::failed, 0);
    EXPECT_FALSE(report(breaker, Outcome::failed, 10'000));
    Breaker other(settings);
    for (int i = 0; i < 9; ++i) report(other, Outcome::failed, 0);
    EXPECT_TRUE(report(other, Outcome::failed, 8'999));
}

TEST(Breaker, LetsOneProbeAtATimePassWhenItsTimeIsOver) {
    Breaker breaker(settings);
    open_at(breaker, 0);
    EXPECT_FALSE(breaker.allows(at(4'999)));
    EXPECT_FALSE(breaker.take_probe(at(4'999)));
    EXPECT_EQ(breaker.state(at(5'000)), State::half_open);
    EXPECT_TRUE(breaker.allows(at(5'000)));
    EXPECT_TRUE(breaker.take_probe(at(5'000)));
    EXPECT_FALSE(breaker.allows(at(5'000)));
    EXPECT_FALSE(breaker.take_probe(at(5'000)));
    EXPECT_EQ(breaker.state(at(5'000)), State::half_open);
    const auto change = breaker.report(Outcome::success, AttemptKind::probe, at(5'100));
    ASSERT_TRUE(change);
    EXPECT_EQ(change->to, State::closed);
    EXPECT_EQ(breaker.state(at(5'100)), State::closed);
    EXPECT_FALSE(breaker.take_probe(at(5'100)));
}

TEST(Breaker, GivesThePlaceOfAProbeThatLearnedNothingToTheNext) {
    for (const Outcome outcome : {Outcome::abandoned, Outcome::rate_limited}) {
        Breaker breaker(settings);
        open_at(breaker, 0);
        ASSERT_TRUE(breaker.take_probe(at(5'000)));
        EXPECT_FALSE(breaker.report(outcome, AttemptKind::probe, at(5'001)));
        EXPECT_TRUE(breaker.take_probe(at(5'001)));
    }
}

TEST(Breaker, WaitsTwiceAsLongAfterEachProbeThatFailed) {
    Breaker breaker(settings);
    open_at(breaker, 0);
    std::int64_t now = 0;
    for (const std::int64_t wait : {5'000, 10'000, 20'000, 40'000, 60'000, 60'000}) {
        SCOPED_TRACE(wait);
        EXPECT_EQ(breaker.open_until(), at(now + wait));
        now += wait;
        ASSERT_TRUE(breaker.take_probe(at(now)));
        const auto change = breaker.report(Outcome::failed, AttemptKind::probe, at(now));
        ASSERT_TRUE(change);
        EXPECT_EQ(change->to, State::open);
    }
}

TEST(Breaker, StartsOverOnlyOnceItStayedWellForAWindow) {
    struct Row {
        const char* name;
        std::int64_t well;
        std::int64_t wait;
    };
    for (const Row& row : {Row{"flapping", 9'999, 10'000}, Row{"recovered", 10'000, 5'000}}) {
        SCOPED_TRACE(row.name);
        Breaker breaker(settings);
        open_at(breaker, 0);
        ASSERT_TRUE(breaker.take_probe(at(5'000)));
        ASSERT_TRUE(breaker.report(Outcome::success, AttemptKind::probe, at(5'000)));
        open_at(breaker, 5'000 + row.well);
        EXPECT_EQ(breaker.open_until(), at(5'000 + row.well + row.wait));
    }
}

TEST(Breaker, DoesNotReopenForWhatFailedBeforeItClosed) {
    Breaker breaker(settings);
    for (int i = 0; i < 10; ++i) report(breaker, Outcome::failed, 0);
    ASSERT_TRUE(breaker.take_probe(at(5'000)));
    ASSERT_TRUE(breaker.report(Outcome::rejected, AttemptKind::probe, at(5'000)));
    EXPECT_FALSE(report(breaker, Outcome::failed, 5'001));
    EXPECT_EQ(breaker.state(at(5'001)), State::closed);
}

TEST(Breaker, IgnoresWhatBeganBeforeItOpened) {
    Breaker breaker(settings);
    open_at(breaker, 0);
    EXPECT_FALSE(report(breaker, Outcome::success, 1));
    EXPECT_FALSE(report(breaker, Outcome::failed, 1));
    EXPECT_EQ(breaker.state(at(1)), State::open);
    EXPECT_EQ(breaker.open_until(), at(5'000));
    ASSERT_TRUE(breaker.take_probe(at(5'000)));
    EXPECT_FALSE(report(breaker, Outcome::failed, 5'001));
    EXPECT_FALSE(breaker.allows(at(5'001))) << "the probe is still on its way";
}

TEST(Breaker, ClosesWhenALastResortSucceedsAndIsNotExtendedByOneThatFails) {
    Breaker breaker(settings);
    open_at(breaker, 0);
    EXPECT_FALSE(breaker.report(Outcome::failed, AttemptKind::last_resort, at(10)));
    EXPECT_EQ(breaker.open_until(), at(5'000));
    EXPECT_TRUE(breaker.report(Outcome::success, AttemptKind::last_resort, at(20)));
    EXPECT_EQ(breaker.state(at(20)), State::closed);
}

TEST(Breaker, TakesAClockThatStepsBackForADelayAtMost) {
    Breaker breaker(settings);
    for (int i = 0; i < 9; ++i) report(breaker, Outcome::failed, 3'600'000);
    // An hour back: what lies ahead by more than a window is forgotten, not counted for ever.
    EXPECT_FALSE(report(breaker, Outcome::failed, 0));
    EXPECT_EQ(breaker.state(at(0)), State::closed);
    // Half a second back, as clocks of threads may differ: counted as if it were now.
    Breaker other(settings);
    for (int i = 0; i < 9; ++i) report(other, Outcome::failed, 3'500);
    EXPECT_TRUE(report(other, Outcome::failed, 3'000));
    EXPECT_FALSE(other.allows(at(2'000)));
    EXPECT_TRUE(other.allows(at(8'000)));
}

TEST(Breaker, TakesNewSettingsOverAndKeepsItsState) {
    Breaker breaker(settings);
    open_at(breaker, 0);
    config::BreakerSettings longer = settings;
    longer.window = Milliseconds(30'000);
    longer.connect_failures = 1;
    breaker.configure(longer);
    EXPECT_EQ(breaker.state(at(1)), State::open);
    ASSERT_TRUE(breaker.take_probe(at(5'000)));
    ASSERT_TRUE(breaker.report(Outcome::success, AttemptKind::probe, at(5'000)));
    const auto change = report(breaker, Outcome::connect_failed, 5'001);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->reason, "connect failed; next try in 10s");
}

TEST(Breaker, OpensExactlyAsAListOfReportsSays) {
    const unsigned seed = 20261122;
    SCOPED_TRACE(seed);
    test::Random random(seed);
    for (int round = 0; round < 300; ++round) {
        config::BreakerSettings drawn = settings;
        drawn.requests_min = 1 + random.below(20U);
        drawn.error_percent = 1 + random.below(100U);
        drawn.connect_failures = 1 + random.below(4U);
        Breaker breaker(drawn);
        struct Seen {
            std::int64_t step;
            bool is_failure;
        };
        std::deque<Seen> seen;
        unsigned in_a_row = 0;
        std::int64_t now = 0;
        const unsigned failing = random.below(100U);
        for (int i = 0; i < 400; ++i) {
            now += random.below(900);
            const bool fails = random.below(100U) < failing;
            const Outcome outcome = !fails                 ? Outcome::success
                                    : random.below(8) == 0 ? Outcome::connect_failed
                                                           : Outcome::failed;
            // The window slides by tenths of itself: 1 s.
            const std::int64_t step = at(now).time_since_epoch() / std::chrono::seconds(1);
            seen.push_back({step, fails});
            while (seen.front().step <= step - 10) seen.pop_front();
            const auto failures = static_cast<std::size_t>(
                std::ranges::count_if(seen, [](const Seen& one) { return one.is_failure; }));
            in_a_row = outcome == Outcome::connect_failed ? in_a_row + 1 : 0;
            const bool opens = in_a_row >= drawn.connect_failures ||
                               (fails && failures >= 2 && seen.size() >= drawn.requests_min &&
                                failures * 100 >= seen.size() * drawn.error_percent);
            ASSERT_EQ(report(breaker, outcome, now).has_value(), opens)
                << "round " << round << ", report " << i;
            if (opens) break;
        }
    }
}

TEST(Breaker, TellsEachChangeToOneThread) {
    for (int round = 0; round < 200; ++round) {
        Breaker breaker(settings);
        std::atomic<int> told{0};
        std::atomic<int> probes{0};
        std::atomic<int> closed{0};
        test::together(8, [&](int) {
            for (int i = 0; i < 5; ++i) {
                if (report(breaker, Outcome::failed, 0)) ++told;
            }
        });
        test::together(8, [&](int) {
            if (!breaker.take_probe(at(5'000))) return;
            ++probes;
            if (breaker.report(Outcome::success, AttemptKind::probe, at(5'000))) ++closed;
        });
        ASSERT_EQ(told, 1);
        ASSERT_EQ(probes, 1);
        ASSERT_EQ(closed, 1);
    }
}

}  // namespace
}  // namespace sluicegate::route
