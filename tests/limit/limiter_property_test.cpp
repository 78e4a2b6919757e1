#include "limit/limiter_calls.hpp"
#include "limit/random_traffic.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>
#include <random>
#include <string>

// The laws of docs/limits-proofs.md for random plans with every limit, dry runs, bursts, reloads,
// clocks that step back, cancels, answers that grow and outlive their window, late settlements and
// over-runs. A plain list of what was charged tells what is right.

namespace sluicegate::limit {
namespace {

/// W / (R - 1) in the largest ring.
constexpr std::int64_t day_join_ms = (day_ms / day_unit_ms + 1) / 123 * day_unit_ms;

const Scenario scenarios[] = {
    {.name = "small limits are exact", .has_dry_runs = false, .has_growth = false},
    {.name = "small limits, dry runs and growth", .join_ms = 60'000 / 123},
    // Many answers outlive the window here, and their debts fill the ring.
    {.name = "a short window",
     .window_ms = 700,
     .pace_ms = 700,
     .rpm_max = 50,
     .join_ms = 700 / 123},
    {.name = "a window of a few milliseconds", .window_ms = 12, .pace_ms = 12, .rpm_max = 9},
    {.name = "small limits per day are exact",
     .pace_ms = day_ms,
     .rpm_max = 60,
     .rpd_max = 60,
     .has_dry_runs = false,
     .has_growth = false},
    {.name = "runs are joined", .rpm_max = 3000, .may_be_unlimited = true, .join_ms = 60'000 / 123},
    {.name = "runs are joined in a short window",
     .window_ms = 2000,
     .pace_ms = 2000,
     .rpm_max = 2000,
     .may_be_unlimited = true,
     .join_ms = 2000 / 123},
    {.name = "many users",
     .window_ms = 20'000,
     .pace_ms = 20'000,
     .rpm_max = 600,
     .rpd_max = 9000,
     .may_be_unlimited = true,
     .join_ms = 20'000 / 123,
     .day_join_ms = day_join_ms,
     .slots = 320,
     .users = 300,
     .operations = 200'000},
    {.name = "minutes and days",
     .rpm_max = 60,
     .rpd_max = 200,
     .join_ms = 60'000 / 123,
     .day_join_ms = day_join_ms},
    {.name = "a pace of days",
     .pace_ms = day_ms,
     .rpm_max = 60,
     .rpd_max = 60,
     .join_ms = 60'000 / 123,
     .day_join_ms = day_join_ms},
    {.name = "days of joined runs",
     .pace_ms = day_ms / 10,
     .rpm_max = 3000,
     .rpd_max = 3000,
     .may_be_unlimited = true,
     .join_ms = 60'000 / 123,
     .day_join_ms = day_join_ms},
};

TEST(LimiterLaws, HoldForRandomTraffic) {
    const std::uint64_t base = std::random_device{}();
    std::cout << "seed " << base << '\n';
    RandomTraffic::Seen all;
    for (std::uint64_t seed = base; all.admissions < 1'000'000; ++seed) {
        for (const Scenario& scenario : scenarios) {
            SCOPED_TRACE(scenario.name + ", seed " + std::to_string(seed));
            RandomTraffic traffic(scenario, seed);
            traffic.play();
            if (HasFailure()) return;
            all.admissions += traffic.seen().admissions;
            all.refusals_by_day += traffic.seen().refusals_by_day;
            all.reports += traffic.seen().reports;
            all.waits_checked += traffic.seen().waits_checked;
            all.growths += traffic.seen().growths;
        }
    }
    std::cout << all.admissions << " admissions, " << all.refusals_by_day << " refusals by a day, "
              << all.reports << " reports of dry runs, " << all.waits_checked << " waits, "
              << all.growths << " growths\n";
}

}  // namespace
}  // namespace sluicegate::limit
