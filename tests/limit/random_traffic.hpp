#pragma once
/// Random users of one limiter, with an oracle for each: plans, demands, streams that grow,
/// settlements, cancels, reloads, clocks that step back. Every decision must obey the laws.

#include "sluicegate/limit/limiter.hpp"

#include "limit/admission_list.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace sluicegate::limit {

constexpr std::int64_t day_unit_ms = Settings::day_unit.count();

struct Scenario {
    std::string name;
    std::int64_t window_ms = 60'000;
    /// What the steps of time are drawn from: the window, or the day.
    std::int64_t pace_ms = 60'000;
    std::int64_t rpm_max = 60;
    std::int64_t rpd_max = 0;  ///< 0: no limits per day
    bool may_be_unlimited = false;
    /// With either of these runs may have to be joined: a limit in dry run bounds nothing, and
    /// growth after the window is charged again and again.
    bool has_dry_runs = true;
    bool has_growth = true;
    /// Largest error that the run logs may make here: W / (R - 1), 0 where they are exact.
    std::int64_t join_ms = 0;
    std::int64_t day_join_ms = 0;
    std::uint32_t slots = 16;
    int users = 1;
    int operations = 60'000;
};

class RandomTraffic {
public:
    RandomTraffic(const Scenario& scenario, std::uint64_t seed);

    void play();

    struct Seen {
        std::int64_t admissions = 0;
        std::int64_t refusals_by_day = 0;
        std::int64_t reports = 0;  ///< by limits in dry run
        std::int64_t waits_checked = 0;
        std::int64_t growths = 0;
    };
    [[nodiscard]] const Seen& seen() const { return seen_; }

private:
    struct Held {
        Reservation reservation;
        WindowOracle::Charged minute;
        WindowOracle::Charged day;
        std::int64_t tokens;
        bool counts_day;
    };
    struct Subject {
        UserId user;
        Plan plan;
        std::int64_t clock;  ///< of its slots: the latest time they were told
        WindowOracle minute;
        WindowOracle day;
        std::vector<Held> held{};
        bool has_slot = false;
    };
    /// One limit of a plan beside what its window has counted.
    struct Check;

    Plan draw_plan();
    std::optional<std::int64_t> draw_limit(bool may_be_absent, std::int64_t max);
    Demand draw_demand(const Subject& subject);
    std::int64_t draw(std::int64_t low, std::int64_t high);
    bool chance(int percent) { return draw(1, 100) <= percent; }

    void pass_time();
    static void advance(Subject& subject, std::int64_t now);
    static std::vector<Check> checks_of(const Subject& subject, const Demand& demand);
    static std::int64_t reserved_by(const Plan& plan, const Demand& demand);

    void look(const Subject& subject);
    template <class Budgeted>
    static void check_budgets(const Subject& subject, const Budgeted& budgets);
    void admit(Subject& subject);
    Decision ask(Subject& subject, const Demand& demand, std::int64_t now);
    void check_decision(const Subject& subject, const Demand& demand, const Decision& decision);
    void grow_one(Subject& subject);
    void finish_one(Subject& subject);

    Scenario scenario_;
    std::mt19937_64 random_;
    Limiter limiter_;
    ModelId model_{7};
    std::int64_t now_ = 5'000'123;
    std::deque<Subject> subjects_;
    Seen seen_;
};

}  // namespace sluicegate::limit
