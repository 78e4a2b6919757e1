#include "sluicegate/limit/state.hpp"

#include "sluicegate/limit/journal.hpp"
#include "sluicegate/limit/limiter.hpp"

#include "limit/limiter_calls.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

// A limiter that takes over what another one remembers goes on under the same laws.

namespace sluicegate::limit {
namespace {

using Random = std::mt19937_64;

std::int64_t draw(Random& random, std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

struct Moment {
    std::int64_t clock;     ///< of the process
    std::int64_t calendar;  ///< the same for both processes
};

/// What `from` counts at `then`, counted by `to` at `now`.
void hand_over(const Limiter& from, Moment then, Limiter& to, Moment now) {
    KeyState shared_minutes{.window = StateWindow::minute, .is_shared = true};
    KeyState shared_days{.window = StateWindow::day, .is_shared = true};
    from.visit_state(instant(then.clock), [&](const KeyState& seen) {
        KeyState state = seen;
        for (RunState& run : state.runs) run.age_ms += now.calendar - then.calendar;
        if (state.is_shared) {
            KeyState& shared = state.window == StateWindow::day ? shared_days : shared_minutes;
            shared.runs.insert(shared.runs.end(), state.runs.begin(), state.runs.end());
        } else {
            to.restore_state(state, instant(now.clock));
        }
    });
    for (KeyState* shared : {&shared_minutes, &shared_days}) {
        std::ranges::sort(shared->runs, std::ranges::greater(), &RunState::age_ms);
        if (!shared->runs.empty()) to.restore_state(*shared, instant(now.clock));
    }
}

/// The same for two processes of one boot.
void hand_over(const Limiter& from, std::int64_t then, Limiter& to, std::int64_t now) {
    hand_over(from, {then, then}, to, {now, now});
}

void charge(Limiter& limiter, UserId user, std::int64_t ms, std::int64_t tokens = 0) {
    limiter.admit(user, gpt, {}, {.stated = tokens}, instant(ms))
        .reservation.settle(tokens, instant(ms));
}

TEST(LimiterState, KeepsEachChargeAtItsTime) {
    const Plan plan{.rpm = 20, .tpm = 1000};
    Limiter before({.slots = 64});
    charge(before, alice, 100'000, 10);
    charge(before, alice, 130'000, 20);
    charge(before, alice, 130'000, 30);
    charge(before, alice, 150'000, 40);
    Limiter after({.slots = 64});
    hand_over(before, 151'000, after, 155'000);
    for (const std::int64_t ms : {155'000, 159'999, 160'000, 189'999, 190'000, 210'000}) {
        SCOPED_TRACE(ms);
        const Budgets kept = after.peek(alice, gpt, plan, instant(ms));
        const Budgets known = before.peek(alice, gpt, plan, instant(ms));
        EXPECT_EQ(kept.requests.used, known.requests.used);
        EXPECT_EQ(kept.requests.reset, known.requests.reset);
        EXPECT_EQ(kept.tokens.used, known.tokens.used);
        EXPECT_EQ(kept.tokens.reset, known.tokens.reset);
    }
}

TEST(LimiterState, CountsWhatIsInFlightAsCharged) {
    const Plan plan{.rpm = 5, .tpm = 1000, .concurrency = 1};
    Limiter before({.slots = 64});
    const Admission held = before.admit(alice, gpt, plan, {.stated = 700}, instant(1000));
    Limiter after({.slots = 64});
    hand_over(before, 2000, after, 3000);
    const Budgets budgets = after.peek(alice, gpt, plan, instant(3000));
    EXPECT_EQ(budgets.requests.used, 1);
    EXPECT_EQ(budgets.tokens.used, 700);
    EXPECT_EQ(budgets.concurrency.used, 0) << "the request ended with its process";
}

TEST(LimiterState, HoldsNothingThatHasExpired) {
    Limiter before({.slots = 64});
    charge(before, alice, 1000);
    int seen = 0;
    before.visit_state(instant(61'000), [&](const KeyState&) { ++seen; });
    EXPECT_EQ(seen, 0);
    Limiter after({.slots = 64});
    hand_over(before, 60'000, after, 61'000);
    EXPECT_EQ(after.counts().slots_used, 0U);
}

TEST(LimiterState, ReachesBackBeforeTheStartOfTheClock) {
    const Plan plan{.rpm = 1};
    Limiter after({.slots = 64});
    // The machine was booted two seconds ago, after the charge.
    after.restore_state({.user = alice, .model = gpt, .runs = {{50'000, 1, 0}}}, instant(2000));
    EXPECT_FALSE(after.admit(alice, gpt, plan, {}, instant(2000)).decision.admitted);
    EXPECT_FALSE(after.admit(alice, gpt, plan, {}, instant(11'999)).decision.admitted);
    EXPECT_TRUE(after.admit(alice, gpt, plan, {}, instant(12'000)).decision.admitted);
}

TEST(LimiterState, CountsWhatLiesInTheFutureFromNowOn) {
    const Plan plan{.rpm = 1};
    Limiter after({.slots = 64});
    after.restore_state({.user = alice, .model = gpt, .runs = {{-5000, 1, 0}}}, instant(10'000));
    EXPECT_FALSE(after.admit(alice, gpt, plan, {}, instant(69'999)).decision.admitted);
    EXPECT_TRUE(after.admit(alice, gpt, plan, {}, instant(70'000)).decision.admitted);
}

TEST(LimiterState, SurvivesCountsBeyondAllBounds) {
    const std::uint64_t huge = ~std::uint64_t{0};
    Limiter after({.slots = 4});
    KeyState state{.user = alice, .model = gpt};
    for (std::int64_t i = 0; i < 300; ++i) state.runs.push_back({59'000 - i, huge, huge});
    after.restore_state(state, instant(100'000));
    const Plan plan{.rpm = Plan::value_max, .tpm = Plan::value_max};
    EXPECT_EQ(after.peek(alice, gpt, plan, instant(100'000)).requests.remaining, 0);
    EXPECT_EQ(after.peek(alice, gpt, plan, instant(100'000)).tokens.remaining, 0);
    EXPECT_FALSE(after.admit(alice, gpt, plan, {}, instant(100'000)).decision.admitted);
    EXPECT_TRUE(after.admit(alice, gpt, plan, {}, instant(170'000)).decision.admitted);
}

TEST(LimiterState, OfManyRequestsInOneRunIsKept) {
    const Plan plan{.rpm = 1'000'000};
    Limiter after({.slots = 64});
    after.restore_state({.user = alice, .model = gpt, .runs = {{500, 70'000, 1}, {400, 2, 3}}},
                        instant(100'000));
    EXPECT_EQ(after.peek(alice, gpt, plan, instant(100'000)).requests.used, 70'002);
    EXPECT_EQ(after.peek(alice, gpt, plan, instant(159'500)).requests.used, 2);
}

TEST(LimiterState, OfSharedSlotsLimitsEveryKeyThatMayHaveUsedThem) {
    const Plan plan{.rpm = 10};
    Limiter before({.slots = 1});
    charge(before, UserId{99}, 1000);
    for (int i = 0; i < 10; ++i) charge(before, alice, 2000);
    ASSERT_EQ(before.counts().overflows, 10U);
    Limiter after({.slots = 64});
    hand_over(before, 2000, after, 3000);
    for (std::uint32_t user = 0; user < 40; ++user) {
        EXPECT_FALSE(after.admit(UserId{user}, gpt, plan, {}, instant(61'999)).decision.admitted);
    }
    EXPECT_TRUE(after.admit(alice, gpt, plan, {}, instant(62'000)).decision.admitted);
    EXPECT_TRUE(after.admit(UserId{99}, gpt, plan, {}, instant(3000)).decision.admitted);
}

TEST(LimiterState, IsJournaledFromEveryAdmissionAndOverrun) {
    std::vector<JournalRecord> ring(64);
    Journal journal(ring, 0);
    Limiter limiter({.slots = 64});
    charge(limiter, alice, 500, 7);  // before the journal began
    limiter.set_journal(&journal);
    const Plan plan{.rpm = 4};
    Admission grown = limiter.admit(alice, gpt, plan, {.stated = 10}, instant(1000));
    Admission over = limiter.admit(alice, gpt, plan, {.stated = 20}, instant(1001));
    Admission under = limiter.admit(alice, gpt, plan, {.stated = 30}, instant(1002));
    EXPECT_FALSE(limiter.admit(alice, gpt, plan, {.stated = 40}, instant(1003)).decision.admitted);
    grown.reservation.grow(15, instant(2000));
    over.reservation.settle(26, instant(3000));
    under.reservation.settle(1, instant(4000));
    limiter.set_journal(nullptr);
    charge(limiter, alice, 5000, 8);
    std::vector<Charged> read;
    Journal::visit(ring, 0, [&](const Charged& charged) { read.push_back(charged); });
    const auto entry = [](std::uint64_t ms, std::uint64_t tokens, bool is_request) {
        return Charged{.user = alice,
                       .model = gpt,
                       .clock_ms = ms,
                       .tokens = tokens,
                       .is_request = is_request,
                       .per_minute = true};
    };
    EXPECT_EQ(read,
              (std::vector{entry(1000, 10, true), entry(1001, 20, true), entry(1002, 30, true),
                           entry(2000, 5, false), entry(3000, 6, false)}));
}

// --- laws L1 and L5 across restarts ---

struct RestartScenario {
    std::string name;
    std::int64_t window_ms = 60'000;
    std::int64_t rpm_max;
    std::uint32_t slots;
    std::uint32_t users;
    bool has_day_limits = false;
};

/// Processes that follow one another, and what they really admitted, by the calendar.
class Restarts {
public:
    Restarts(const RestartScenario& scenario, std::uint64_t seed)
        : scenario_(scenario), random_(seed) {
        limiter_ = make();
        for (std::uint32_t i = 0; i < scenario.users; ++i) {
            plans_.push_back({.rpm = draw(random_, 1, scenario.rpm_max),
                              .tpm = draw(random_, 1, scenario.rpm_max * 100)});
            if (!scenario.has_day_limits) continue;
            plans_.back().rpd = draw(random_, 1, scenario.rpm_max * 20);
            plans_.back().tpd = draw(random_, 1, scenario.rpm_max * 2000);
        }
        admitted_.resize(scenario.users);
    }

    void play(int operations) {
        for (int i = 0; i < operations && !testing::Test::HasFatalFailure(); ++i) {
            SCOPED_TRACE(i);
            const std::int64_t choice = draw(random_, 1, 2000);
            if (choice <= 700) now_ += draw(random_, 0, scenario_.window_ms / 300);
            if (choice == 800) now_ += draw(random_, 0, scenario_.window_ms);
            if (choice > 1990 && scenario_.has_day_limits) {
                now_ += draw(random_, 0, Settings::day.count() / 50);
            }
            if (choice <= 3) {
                restart();
            } else if (choice <= 1400 || held_.empty()) {
                admit();
            } else {
                finish();
            }
        }
    }

    [[nodiscard]] int admissions() const { return admissions_; }
    [[nodiscard]] int restarts() const { return restarts_; }

private:
    struct Event {
        std::int64_t at;
        std::int64_t tokens;
    };
    struct Held {
        Reservation reservation;
        std::size_t user;
        std::int64_t at;
        std::int64_t tokens;
    };

    std::unique_ptr<Limiter> make() const {
        return std::make_unique<Limiter>(
            Settings{.window = Milliseconds(scenario_.window_ms), .slots = scenario_.slots});
    }

    void restart() {
        const Moment then{now_ - skew_, now_};
        now_ += draw(random_, 0, scenario_.window_ms / (draw(random_, 0, 1) == 0 ? 20 : 1));
        // The next process may run on a machine that was booted in between.
        if (draw(random_, 0, 1) == 0) skew_ = now_ - draw(random_, 0, 5000);
        auto next = make();
        hand_over(*limiter_, then, *next, {now_ - skew_, now_});
        held_.clear();
        limiter_ = std::move(next);
        ++restarts_;
    }

    void admit() {
        const auto user = static_cast<std::size_t>(draw(random_, 0, scenario_.users - 1));
        const Plan& plan = plans_[user];
        const std::int64_t tokens = draw(random_, 0, std::max<std::int64_t>(*plan.tpm / 8, 1));
        Admission admission = limiter_->admit(UserId{static_cast<std::uint32_t>(user)}, gpt, plan,
                                              {.stated = tokens}, instant(now_ - skew_));
        if (!admission.decision.admitted) return;
        ++admissions_;
        auto& list = admitted_[user];
        const std::int64_t kept_ms =
            scenario_.has_day_limits ? Settings::day.count() : scenario_.window_ms;
        std::erase_if(list, [&](const Event& e) { return now_ - e.at >= kept_ms; });
        list.push_back({now_, tokens});
        ASSERT_NO_FATAL_FAILURE(check(list, scenario_.window_ms, plan.rpm, plan.tpm));
        ASSERT_NO_FATAL_FAILURE(check(list, kept_ms, plan.rpd, plan.tpd));
        held_.push_back({std::move(admission.reservation), user, now_, tokens});
    }

    void check(const std::vector<Event>& events, std::int64_t window_ms,
               const std::optional<std::int64_t>& requests_max,
               const std::optional<std::int64_t>& tokens_max) const {
        std::int64_t requests = 0;
        std::int64_t tokens = 0;
        for (const Event& event : events) {
            if (now_ - event.at >= window_ms) continue;
            ++requests;
            tokens += event.tokens;
        }
        ASSERT_LE(requests, requests_max.value_or(requests));
        ASSERT_LE(tokens, tokens_max.value_or(tokens));
    }

    void finish() {
        Held held = std::move(held_.front());
        held_.pop_front();
        auto& list = admitted_[held.user];
        const auto own = std::ranges::find_if(list, [&](const Event& event) {
            return event.at == held.at && event.tokens == held.tokens;
        });
        const std::int64_t actual = draw(random_, 0, held.tokens + 20);
        if (draw(random_, 1, 10) == 1) {
            held.reservation.cancel(instant(now_ - skew_));
            if (own != list.end()) list.erase(own);
            return;
        }
        held.reservation.settle(actual, instant(now_ - skew_));
        if (own != list.end()) own->tokens = actual;
    }

    RestartScenario scenario_;
    Random random_;
    std::unique_ptr<Limiter> limiter_;
    std::vector<Plan> plans_;
    std::vector<std::vector<Event>> admitted_;
    std::deque<Held> held_;
    std::int64_t now_ = 1'000'000;
    std::int64_t skew_ = 0;  ///< the calendar minus the clock of the process
    int admissions_ = 0;
    int restarts_ = 0;
};

TEST(LimiterState, KeepsTheLawsAcrossRestarts) {
    const std::uint64_t base = std::random_device{}();
    int admissions = 0;
    int restarts = 0;
    for (std::uint64_t seed = base; seed < base + 12; ++seed) {
        for (const RestartScenario& scenario : {
                 RestartScenario{.name = "small limits", .rpm_max = 30, .slots = 64, .users = 3},
                 RestartScenario{
                     .name = "runs are joined", .rpm_max = 2000, .slots = 64, .users = 2},
                 RestartScenario{.name = "a short window",
                                 .window_ms = 500,
                                 .rpm_max = 100,
                                 .slots = 64,
                                 .users = 2},
                 RestartScenario{.name = "slots are short", .rpm_max = 20, .slots = 8, .users = 30},
                 RestartScenario{.name = "limits per day",
                                 .rpm_max = 30,
                                 .slots = 64,
                                 .users = 2,
                                 .has_day_limits = true},
             }) {
            SCOPED_TRACE(scenario.name + ", seed " + std::to_string(seed));
            Restarts process(scenario, seed);
            process.play(20'000);
            if (HasFatalFailure()) return;
            admissions += process.admissions();
            restarts += process.restarts();
        }
    }
    EXPECT_GT(admissions, 50'000);
    EXPECT_GT(restarts, 500);
}

}  // namespace
}  // namespace sluicegate::limit
