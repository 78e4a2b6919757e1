#include "sluicegate/limit/limiter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

// The laws of docs/limits.md for random plans, bursts, reloads, clocks that step back, cancels,
// late settlements and over-runs, against a plain list of what was admitted.

namespace sluicegate::limit {
namespace {

using Random = std::mt19937_64;

std::int64_t draw(Random& random, std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

bool chance(Random& random, int percent) {
    return draw(random, 1, 100) <= percent;
}

/// Every admission of one key, oldest first, with the sums over those younger than a span.
class AdmissionList {
public:
    explicit AdmissionList(std::int64_t span_ms) : span_ms_(span_ms) {}

    void advance(std::int64_t now) {
        for (; !events_.empty() && now - events_.front().at >= span_ms_; ++gone_) {
            requests_ -= events_.front().requests;
            tokens_ -= events_.front().tokens;
            events_.pop_front();
        }
    }
    std::size_t add(std::int64_t now, std::int64_t requests, std::int64_t tokens) {
        events_.push_back({now, requests, tokens});
        requests_ += requests;
        tokens_ += tokens;
        return gone_ + events_.size() - 1;
    }
    void change(std::size_t id, std::int64_t requests, std::int64_t tokens) {
        if (id < gone_) return;
        events_[id - gone_].requests += requests;
        events_[id - gone_].tokens += tokens;
        requests_ += requests;
        tokens_ += tokens;
    }
    [[nodiscard]] std::int64_t requests() const { return requests_; }
    [[nodiscard]] std::int64_t tokens() const { return tokens_; }

private:
    struct Event {
        std::int64_t at;
        std::int64_t requests;
        std::int64_t tokens;
    };
    std::int64_t span_ms_;
    std::deque<Event> events_;
    std::size_t gone_ = 0;
    std::int64_t requests_ = 0;
    std::int64_t tokens_ = 0;
};

struct Scenario {
    std::string name;
    std::int64_t window_ms = 60'000;
    std::int64_t rpm_max = 60;
    bool may_be_unlimited = false;
    /// Largest error that the run log may make here: W / (R - 1), 0 where it is exact.
    std::int64_t join_ms = 0;
    std::uint32_t slots = 16;
    int users = 1;
    int operations = 60'000;
};

std::optional<std::int64_t> draw_limit(Random& random, bool may_be_absent, std::int64_t max) {
    if (may_be_absent && chance(random, 40)) return std::nullopt;
    if (chance(random, 3)) return 0;
    return draw(random, 1, max);
}

Plan draw_plan(Random& random, const Scenario& scenario) {
    return {.rpm = draw_limit(random, scenario.may_be_unlimited, scenario.rpm_max),
            .tpm = draw_limit(random, true, scenario.rpm_max * 500),
            .concurrency = draw_limit(random, true, 40)};
}

/// One user, the list beside the limiter.
struct Subject {
    struct Held {
        Reservation reservation;
        std::int64_t at;
        std::size_t id;
        std::size_t id_joined;
        std::int64_t tokens;
    };

    UserId user;
    Plan plan;
    std::int64_t clock;    ///< of the slot: the latest time it was told
    AdmissionList exact;   ///< what must count at least
    AdmissionList joined;  ///< what may count at most
    std::vector<Held> held{};
    bool has_slot = false;
};

class Traffic {
public:
    Traffic(const Scenario& scenario, std::uint64_t seed)
        : scenario_(scenario),
          random_(seed),
          limiter_({.window = Milliseconds(scenario.window_ms), .slots = scenario.slots}) {
        for (int i = 0; i < scenario.users; ++i) {
            subjects_.push_back({.user = UserId{static_cast<std::uint32_t>(i)},
                                 .plan = draw_plan(random_, scenario),
                                 .clock = 0,
                                 .exact = AdmissionList(scenario.window_ms),
                                 .joined = AdmissionList(scenario.window_ms + scenario.join_ms)});
        }
    }

    std::int64_t admissions() const { return admissions_; }
    std::int64_t waits_checked() const { return waits_checked_; }
    const Limiter& limiter() const { return limiter_; }

    void play() {
        for (int i = 0; i < scenario_.operations && !testing::Test::HasFatalFailure(); ++i) {
            SCOPED_TRACE(i);
            Subject& subject = subjects_[static_cast<std::size_t>(
                draw(random_, 0, static_cast<std::int64_t>(subjects_.size()) - 1))];
            pass_time();
            const std::int64_t choice = draw(random_, 1, 1000);
            if (choice <= 2) {
                subject.plan = draw_plan(random_, scenario_);  // a reload
            } else if (choice <= 650) {
                admit(subject);
            } else if (choice <= 700) {
                look(subject);
            } else {
                finish_one(subject);
            }
        }
        for (Subject& subject : subjects_) {
            while (!subject.held.empty() && !testing::Test::HasFatalFailure()) finish_one(subject);
            look(subject);
        }
    }

private:
    void pass_time() {
        const std::int64_t choice = draw(random_, 1, 1000);
        const std::int64_t window = scenario_.window_ms;
        if (choice <= 400) return;                                 // bursts
        if (choice <= 700) now_ += draw(random_, 0, 3);            //
        if (choice > 700) now_ += draw(random_, 0, window / 200);  // a steady flow
        if (choice > 992) now_ += draw(random_, 0, window / 4);    // pauses
        if (choice > 998) now_ += draw(random_, 0, 2 * window);    // idle
        if (choice == 500) now_ -= draw(random_, 0, window / 10);  // the clock steps back
        now_ = std::max<std::int64_t>(now_, 0);
    }

    Instant at(std::int64_t ms) const { return Instant(Milliseconds(ms)); }

    void advance(Subject& subject, std::int64_t now) {
        subject.clock = std::max(subject.clock, now);
        subject.exact.advance(subject.clock);
        subject.joined.advance(subject.clock);
    }

    /// L1, L2, L5 and L8 in one: what counts lies between the exact list and the one that keeps
    /// events a join span longer.
    template <class Budgeted>
    void check_budgets(const Subject& subject, const Plan& plan, const Budgeted& budgets) {
        ASSERT_EQ(budgets.requests.is_limited, plan.rpm.has_value());
        ASSERT_EQ(budgets.tokens.is_limited, plan.tpm.has_value());
        if (plan.rpm) {
            ASSERT_LE(budgets.requests.remaining,
                      std::max<std::int64_t>(0, *plan.rpm - subject.exact.requests()));
            ASSERT_GE(budgets.requests.remaining,
                      std::max<std::int64_t>(0, *plan.rpm - subject.joined.requests()));
        }
        if (plan.tpm) {
            ASSERT_LE(budgets.tokens.remaining,
                      std::max<std::int64_t>(0, *plan.tpm - subject.exact.tokens()));
            ASSERT_GE(budgets.tokens.remaining,
                      std::max<std::int64_t>(0, *plan.tpm - subject.joined.tokens()));
        }
        if (plan.concurrency) {
            ASSERT_EQ(budgets.concurrency.remaining,
                      std::max<std::int64_t>(0, *plan.concurrency - in_flight(subject)));
        }
    }

    static std::int64_t in_flight(const Subject& subject) {
        return static_cast<std::int64_t>(subject.held.size());
    }

    void look(Subject& subject) {
        if (!subject.has_slot) return;  // nothing remembers the time of a look
        advance(subject, now_);
        const Budgets budgets = limiter_.peek(subject.user, model_, subject.plan, at(now_));
        ASSERT_NO_FATAL_FAILURE(check_budgets(subject, subject.plan, budgets));
    }

    std::int64_t draw_tokens(const Subject& subject) {
        if (chance(random_, 20)) return 0;
        const std::int64_t limit = subject.plan.tpm.value_or(1000);
        return draw(random_, 0,
                    std::max<std::int64_t>(chance(random_, 5) ? limit + 10 : limit / 8, 1));
    }

    void admit(Subject& subject) {
        const std::int64_t tokens = draw_tokens(subject);
        const Decision decision = ask(subject, tokens, now_);
        if (testing::Test::HasFatalFailure() || decision.admitted) return;

        const bool is_never =
            (subject.plan.rpm && *subject.plan.rpm == 0) ||
            (subject.plan.tpm && (*subject.plan.tpm == 0 || tokens > *subject.plan.tpm)) ||
            (subject.plan.concurrency && *subject.plan.concurrency == 0);
        ASSERT_EQ(decision.can_never_fit, is_never);
        if (is_never) return;
        const bool has_room = in_flight(subject) < subject.plan.concurrency.value_or(1'000'000);
        ASSERT_EQ(decision.retry_after == Milliseconds(0),
                  decision.refused_by == Resource::concurrency);
        // L3: too early by 1 ms, then in time.
        if (!has_room || !chance(random_, 20)) return;
        const std::int64_t due = subject.clock + decision.retry_after.count();
        ++waits_checked_;
        now_ = due - 1;
        ASSERT_FALSE(ask(subject, tokens, now_).admitted) << decision.retry_after.count();
        ASSERT_FALSE(testing::Test::HasFatalFailure());
        now_ = due;
        ASSERT_TRUE(ask(subject, tokens, now_).admitted) << decision.retry_after.count();
    }

    Decision ask(Subject& subject, std::int64_t tokens, std::int64_t now) {
        const Plan& plan = subject.plan;
        subject.has_slot = true;
        advance(subject, now);
        Admission admission =
            limiter_.admit(subject.user, model_, plan, {.stated = tokens}, at(now));
        const Decision& decision = admission.decision;
        EXPECT_EQ(decision.admitted, admission.reservation.is_active());
        EXPECT_EQ(decision.admitted, decision.refused_by == Resource::none);

        const bool fits_exact =
            subject.exact.requests() < plan.rpm.value_or(1'000'000'000) &&
            subject.exact.tokens() + tokens <= plan.tpm.value_or(1'000'000'000'000) &&
            in_flight(subject) < plan.concurrency.value_or(1'000'000) && plan.tpm.value_or(1) != 0;
        const bool fits_joined =
            fits_exact && subject.joined.requests() < plan.rpm.value_or(1'000'000'000) &&
            subject.joined.tokens() + tokens <= plan.tpm.value_or(1'000'000'000'000);
        if (decision.admitted) {
            EXPECT_TRUE(fits_exact) << "more than the plan allows";
            ++admissions_;
            const std::size_t id = subject.exact.add(subject.clock, 1, tokens);
            const std::size_t id_joined = subject.joined.add(subject.clock, 1, tokens);
            subject.held.push_back(
                {std::move(admission.reservation), subject.clock, id, id_joined, tokens});
        } else {
            EXPECT_FALSE(fits_joined) << "refused although there was room";
        }
        check_budgets(subject, plan, decision);
        return decision;
    }

    void finish_one(Subject& subject) {
        if (subject.held.empty()) return;
        const std::size_t chosen =
            static_cast<std::size_t>(draw(random_, 0, in_flight(subject) - 1));
        Subject::Held held = std::move(subject.held[chosen]);
        subject.held[chosen] = std::move(subject.held.back());
        subject.held.pop_back();

        const std::int64_t choice = draw(random_, 1, 10);
        if (choice == 1) {
            {
                const Reservation dropped = std::move(held.reservation);
            }
            give_back(subject, held);
            return;
        }
        advance(subject, now_);
        if (choice == 2) {
            held.reservation.cancel(at(now_));
            give_back(subject, held);
            return;
        }
        const std::int64_t actual =
            choice <= 5 ? held.tokens : draw(random_, 0, held.tokens + held.tokens / 4 + 3);
        held.reservation.settle(actual, at(now_));
        const std::int64_t difference = actual - held.tokens;
        if (is_live(subject, held)) {
            subject.exact.change(held.id, 0, difference);
            subject.joined.change(held.id_joined, 0, difference);
        } else if (difference > 0) {
            subject.exact.add(subject.clock, 0, difference);
            subject.joined.add(subject.clock, 0, difference);
        }
    }

    bool is_live(const Subject& subject, const Subject::Held& held) const {
        return subject.clock - held.at < scenario_.window_ms;
    }

    void give_back(Subject& subject, const Subject::Held& held) {
        if (!is_live(subject, held)) return;
        subject.exact.change(held.id, -1, -held.tokens);
        subject.joined.change(held.id_joined, -1, -held.tokens);
    }

    Scenario scenario_;
    Random random_;
    Limiter limiter_;
    ModelId model_{7};
    std::int64_t now_ = 5'000'000;
    std::deque<Subject> subjects_;
    std::int64_t admissions_ = 0;
    std::int64_t waits_checked_ = 0;
};

TEST(LimiterLaws, HoldForRandomTraffic) {
    const std::uint64_t base = std::random_device{}();
    std::int64_t admissions = 0;
    std::int64_t waits = 0;
    const auto play = [&](const Scenario& scenario, std::uint64_t seed) {
        SCOPED_TRACE(scenario.name + ", seed " + std::to_string(seed));
        Traffic traffic(scenario, seed);
        traffic.play();
        admissions += traffic.admissions();
        waits += traffic.waits_checked();
    };
    std::cout << "seed " << base << '\n';
    for (std::uint64_t seed = base; admissions < 1'000'000; ++seed) {
        for (const Scenario& scenario : {
                 Scenario{.name = "small limits are exact", .rpm_max = 60},
                 // Many answers outlive the window here, and their debts fill the ring.
                 Scenario{.name = "a short window",
                          .window_ms = 700,
                          .rpm_max = 50,
                          .join_ms = 700 / 123},
                 Scenario{.name = "a window of a few milliseconds", .window_ms = 12, .rpm_max = 9},
                 Scenario{.name = "runs are joined",
                          .rpm_max = 3000,
                          .may_be_unlimited = true,
                          .join_ms = 60'000 / 123},
                 Scenario{.name = "runs are joined in a short window",
                          .window_ms = 2000,
                          .rpm_max = 2000,
                          .may_be_unlimited = true,
                          .join_ms = 2000 / 123},
                 Scenario{.name = "larger slots are short",
                          .window_ms = 20'000,
                          .rpm_max = 600,
                          .may_be_unlimited = true,
                          .join_ms = 20'000 / 11,
                          .slots = 320,
                          .users = 300,
                          .operations = 200'000},
             }) {
            play(scenario, seed);
            if (HasFatalFailure() || HasNonfatalFailure()) return;
        }
    }
    std::cout << admissions << " admissions, " << waits << " waits\n";
}

}  // namespace
}  // namespace sluicegate::limit
