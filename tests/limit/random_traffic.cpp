#include "limit/random_traffic.hpp"

#include "limit/limiter_calls.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace sluicegate::limit {
namespace {

constexpr std::int64_t day_window_ms = Settings::day.count();

bool is_dry_run(const Plan& plan, Resource resource) {
    return (plan.dry_run & dry_run_bit(resource)) != 0;
}

}  // namespace

struct RandomTraffic::Check {
    Resource resource;
    std::int64_t limit;
    bool is_dry_run;
    bool can_never_fit;
    std::int64_t least;  ///< counted at least, with this request
    std::int64_t most;

    /// True only if merged runs and units cannot make it wrong.
    [[nodiscard]] bool fits() const { return !can_never_fit && most <= limit; }
    [[nodiscard]] bool may_fit() const { return !can_never_fit && least <= limit; }
};

RandomTraffic::RandomTraffic(const Scenario& scenario, std::uint64_t seed)
    : scenario_(scenario),
      random_(seed),
      limiter_({.window = Milliseconds(scenario.window_ms), .slots = scenario.slots}) {
    for (int i = 0; i < scenario.users; ++i) {
        subjects_.push_back(
            {.user = UserId{static_cast<std::uint32_t>(i)},
             .plan = draw_plan(),
             .clock = 0,
             .minute = WindowOracle(scenario.window_ms, 1, scenario.join_ms),
             .day = WindowOracle(day_window_ms, day_unit_ms, scenario.day_join_ms)});
    }
}

void RandomTraffic::play() {
    for (int i = 0; i < scenario_.operations && !testing::Test::HasFailure(); ++i) {
        Subject& subject = subjects_[static_cast<std::size_t>(
            draw(0, static_cast<std::int64_t>(subjects_.size()) - 1))];
        pass_time();
        const std::int64_t choice = draw(1, 1000);
        if (choice <= 2) {
            subject.plan = draw_plan();  // a reload
        } else if (choice <= 630) {
            admit(subject);
        } else if (choice <= 670) {
            if (subject.has_slot) advance(subject, now_);  // a look moves the clock of a slot only
            look(subject);
        } else if (choice <= 750) {
            grow_one(subject);
        } else {
            finish_one(subject);
        }
    }
    for (Subject& subject : subjects_) {
        while (!subject.held.empty() && !testing::Test::HasFatalFailure()) finish_one(subject);
        if (subject.has_slot) advance(subject, now_);
        look(subject);
    }
}

std::int64_t RandomTraffic::draw(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
}

std::optional<std::int64_t> RandomTraffic::draw_limit(bool may_be_absent, std::int64_t max) {
    if (may_be_absent && chance(40)) return std::nullopt;
    if (chance(3)) return 0;
    return draw(1, max);
}

Plan RandomTraffic::draw_plan() {
    Plan plan{.rpm = draw_limit(scenario_.may_be_unlimited, scenario_.rpm_max),
              .tpm = draw_limit(true, scenario_.rpm_max * 500),
              .concurrency = draw_limit(true, 40)};
    if (scenario_.rpd_max != 0 && chance(85)) {
        plan.rpd = draw_limit(scenario_.may_be_unlimited, scenario_.rpd_max);
        plan.tpd = draw_limit(true, scenario_.rpd_max * 500);
    }
    if (scenario_.has_dry_runs && chance(40))
        plan.dry_run = static_cast<std::uint8_t>(draw(0, 255));
    return plan;
}

Demand RandomTraffic::draw_demand(const Subject& subject) {
    if (chance(20)) return {};
    const std::int64_t limit = subject.plan.tpm.value_or(subject.plan.tpd.value_or(1000));
    const auto some = [&] {
        return draw(0, std::max<std::int64_t>(chance(5) ? limit + 10 : limit / 8, 1));
    };
    Demand demand;
    if (chance(70)) demand.stated = some();
    if (chance(50)) demand.guessed = some();
    return demand;
}

void RandomTraffic::pass_time() {
    const std::int64_t choice = draw(1, 1000);
    const std::int64_t pace = scenario_.pace_ms;
    if (choice <= 400) return;                      // bursts
    if (choice <= 700) now_ += draw(0, 3);          // short steps
    if (choice > 700) now_ += draw(0, pace / 200);  // a steady flow
    if (choice > 992) now_ += draw(0, pace / 4);    // pauses
    if (choice > 998) now_ += draw(0, 2 * pace);    // idle
    if (choice == 500) now_ -= draw(0, pace / 10);  // the clock steps back
    now_ = std::max<std::int64_t>(now_, 0);
}

void RandomTraffic::advance(Subject& subject, std::int64_t now) {
    subject.clock = std::max(subject.clock, now);
    subject.minute.advance(subject.clock);
    subject.day.advance(subject.clock);
}

std::vector<RandomTraffic::Check> RandomTraffic::checks_of(const Subject& subject,
                                                           const Demand& demand) {
    std::vector<Check> checks;
    const Plan& plan = subject.plan;
    const std::int64_t reserved = reserved_by(plan, demand);
    const auto add = [&](Resource resource, const std::optional<std::int64_t>& limit,
                         std::int64_t exact, std::int64_t longest, std::int64_t asked,
                         std::int64_t stated) {
        if (!limit) return;
        // A limit that only reports is judged as if it made the reservation fit.
        const std::int64_t more = std::min(asked, std::max<std::int64_t>(*limit, 1));
        checks.push_back({.resource = resource,
                          .limit = *limit,
                          .is_dry_run = is_dry_run(plan, resource),
                          .can_never_fit = *limit == 0 || stated > *limit,
                          .least = exact + more,
                          .most = longest + more});
    };
    const auto add_window = [&](Resource requests, const std::optional<std::int64_t>& request_limit,
                                Resource tokens, const std::optional<std::int64_t>& token_limit,
                                const WindowOracle& oracle) {
        add(requests, request_limit, oracle.exact().requests(), oracle.longest().requests(), 1, 0);
        add(tokens, token_limit, oracle.exact().tokens(), oracle.longest().tokens(), reserved,
            demand.stated);
    };
    add_window(Resource::requests, plan.rpm, Resource::tokens, plan.tpm, subject.minute);
    add_window(Resource::requests_per_day, plan.rpd, Resource::tokens_per_day, plan.tpd,
               subject.day);
    const auto in_flight = static_cast<std::int64_t>(subject.held.size());
    add(Resource::concurrency, plan.concurrency, in_flight, in_flight, 1, 0);
    return checks;
}

std::int64_t RandomTraffic::reserved_by(const Plan& plan, const Demand& demand) {
    std::int64_t reserved = demand.stated + demand.guessed;
    if (plan.tpm && !is_dry_run(plan, Resource::tokens)) reserved = std::min(reserved, *plan.tpm);
    if (plan.tpd && !is_dry_run(plan, Resource::tokens_per_day)) {
        reserved = std::min(reserved, *plan.tpd);
    }
    return std::max(reserved, demand.stated);  // more than a limit can never fit
}

/// Laws L1, L2, L5 and L8: what counts lies between the exact list and the one that keeps events
/// longer.
template <class Budgeted>
void RandomTraffic::check_budgets(const Subject& subject, const Budgeted& budgets) {
    const auto check = [&](Resource resource, const std::optional<std::int64_t>& limit,
                           const Budget& budget, std::int64_t least, std::int64_t most) {
        ASSERT_EQ(budget.is_limited, limit.has_value()) << name_of(resource);
        if (!limit) return;
        ASSERT_EQ(budget.is_dry_run, is_dry_run(subject.plan, resource)) << name_of(resource);
        ASSERT_EQ(budget.limit, *limit) << name_of(resource);
        ASSERT_GE(budget.used, least) << name_of(resource);
        ASSERT_LE(budget.used, most) << name_of(resource);
        ASSERT_EQ(budget.remaining, std::max<std::int64_t>(0, *limit - budget.used));
        ASSERT_EQ(budget.reset == Milliseconds(0),
                  budget.used == 0 || resource == Resource::concurrency);
    };
    const Plan& plan = subject.plan;
    const AdmissionList& minute = subject.minute.exact();
    const AdmissionList& minute_longest = subject.minute.longest();
    const AdmissionList& day = subject.day.exact();
    const AdmissionList& day_longest = subject.day.longest();
    check(Resource::requests, plan.rpm, budgets.requests, minute.requests(),
          minute_longest.requests());
    check(Resource::tokens, plan.tpm, budgets.tokens, minute.tokens(), minute_longest.tokens());
    check(Resource::requests_per_day, plan.rpd, budgets.requests_per_day, day.requests(),
          day_longest.requests());
    check(Resource::tokens_per_day, plan.tpd, budgets.tokens_per_day, day.tokens(),
          day_longest.tokens());
    const auto in_flight = static_cast<std::int64_t>(subject.held.size());
    check(Resource::concurrency, plan.concurrency, budgets.concurrency, in_flight, in_flight);
}

void RandomTraffic::look(const Subject& subject) {
    const Budgets budgets = limiter_.peek(subject.user, model_, subject.plan, instant(now_));
    ASSERT_NO_FATAL_FAILURE(check_budgets(subject, budgets));
}

void RandomTraffic::admit(Subject& subject) {
    const Demand demand = draw_demand(subject);
    const Decision decision = ask(subject, demand, now_);
    if (testing::Test::HasFatalFailure() || decision.admitted || decision.can_never_fit) return;

    // Law L3: 1 ms too early, then in time.
    const Plan& plan = subject.plan;
    const bool has_room = !plan.concurrency || is_dry_run(plan, Resource::concurrency) ||
                          static_cast<std::int64_t>(subject.held.size()) < *plan.concurrency;
    ASSERT_EQ(decision.retry_after == Milliseconds(0),
              decision.refused_by == Resource::concurrency);
    if (!has_room || !chance(20)) return;
    const std::int64_t due = subject.clock + decision.retry_after.count();
    ++seen_.waits_checked;
    now_ = due - 1;
    ASSERT_FALSE(ask(subject, demand, now_).admitted) << decision.retry_after.count();
    ASSERT_FALSE(testing::Test::HasFatalFailure());
    now_ = due;
    ASSERT_TRUE(ask(subject, demand, now_).admitted) << decision.retry_after.count();
}

Decision RandomTraffic::ask(Subject& subject, const Demand& demand, std::int64_t now) {
    subject.has_slot = true;
    advance(subject, now);
    Admission admission = limiter_.admit(subject.user, model_, subject.plan, demand, instant(now));
    const Decision& decision = admission.decision;
    EXPECT_EQ(decision.admitted, admission.reservation.is_active());
    EXPECT_EQ(decision.reserved, admission.reservation.reserved());
    check_decision(subject, demand, decision);
    if (decision.admitted) {
        ++seen_.admissions;
        const bool counts_day = subject.plan.rpd || subject.plan.tpd;
        const std::int64_t tokens = reserved_by(subject.plan, demand);
        subject.held.push_back(
            {.reservation = std::move(admission.reservation),
             .minute = subject.minute.charge(1, tokens),
             .day = counts_day ? subject.day.charge(1, tokens) : WindowOracle::Charged{},
             .tokens = tokens,
             .counts_day = counts_day});
    }
    check_budgets(subject, decision);
    return decision;
}

/// Laws L1, L2 and L7: the limits that must refuse do, the others do not.
void RandomTraffic::check_decision(const Subject& subject, const Demand& demand,
                                   const Decision& decision) {
    bool fits = true;
    bool may_fit = true;
    bool is_never = false;
    bool must_report = false;
    bool must_report_never = false;
    const std::vector<Check> checks = checks_of(subject, demand);
    for (const Check& check : checks) {
        if (check.is_dry_run) {
            must_report = must_report || !check.may_fit();
            must_report_never = must_report_never || check.can_never_fit;
        } else {
            fits = fits && check.fits();
            may_fit = may_fit && check.may_fit();
            is_never = is_never || check.can_never_fit;
        }
    }
    const auto named = [&checks](Resource resource) {
        return std::find_if(checks.begin(), checks.end(),
                            [&](const Check& check) { return check.resource == resource; });
    };
    EXPECT_EQ(decision.admitted, decision.refused_by == Resource::none);
    EXPECT_EQ(decision.can_never_fit, is_never);
    if (decision.admitted) {
        EXPECT_TRUE(may_fit) << "more than the plan allows";
        EXPECT_EQ(decision.reserved, reserved_by(subject.plan, demand));
        EXPECT_EQ(decision.retry_after, Milliseconds(0));
    } else {
        EXPECT_FALSE(fits) << "refused although there was room";
        const auto check = named(decision.refused_by);
        ASSERT_NE(check, checks.end());
        EXPECT_FALSE(check->is_dry_run || check->fits()) << name_of(decision.refused_by);
        EXPECT_EQ(check->can_never_fit, is_never);
    }
    if (decision.would_refuse == Resource::none) {
        EXPECT_FALSE(must_report) << "a dry run kept silent";
    } else {
        ++seen_.reports;
        const auto check = named(decision.would_refuse);
        ASSERT_NE(check, checks.end());
        EXPECT_TRUE(check->is_dry_run && !check->fits()) << name_of(decision.would_refuse);
        EXPECT_EQ(check->can_never_fit, must_report_never);
    }
    if (decision.refused_by == Resource::requests_per_day ||
        decision.refused_by == Resource::tokens_per_day) {
        ++seen_.refusals_by_day;
    }
}

void RandomTraffic::grow_one(Subject& subject) {
    if (subject.held.empty() || !scenario_.has_growth) return;
    Held& held = subject.held[static_cast<std::size_t>(
        draw(0, static_cast<std::int64_t>(subject.held.size()) - 1))];
    const std::int64_t used = held.tokens + draw(-20, 60);
    held.reservation.grow(used, instant(now_));
    if (used > held.tokens) {
        advance(subject, now_);
        subject.minute.correct(held.minute, held.tokens, used);
        if (held.counts_day) subject.day.correct(held.day, held.tokens, used);
        held.tokens = used;
        ++seen_.growths;
    }
    ASSERT_EQ(held.reservation.reserved(), held.tokens);
}

void RandomTraffic::finish_one(Subject& subject) {
    if (subject.held.empty()) return;
    const std::size_t chosen =
        static_cast<std::size_t>(draw(0, static_cast<std::int64_t>(subject.held.size()) - 1));
    Held held = std::move(subject.held[chosen]);
    if (chosen + 1 != subject.held.size()) subject.held[chosen] = std::move(subject.held.back());
    subject.held.pop_back();

    const std::int64_t choice = draw(1, 10);
    if (choice <= 2) {
        if (choice == 1) {
            const Reservation dropped = std::move(held.reservation);
        } else {
            advance(subject, now_);
            held.reservation.cancel(instant(now_));
        }
        subject.minute.give_back(held.minute);
        if (held.counts_day) subject.day.give_back(held.day);
        return;
    }
    advance(subject, now_);
    const std::int64_t actual =
        choice <= 5 ? held.tokens : draw(0, held.tokens + held.tokens / 4 + 3);
    held.reservation.settle(actual, instant(now_));
    subject.minute.correct(held.minute, held.tokens, actual);
    if (held.counts_day) subject.day.correct(held.day, held.tokens, actual);
}

}  // namespace sluicegate::limit
