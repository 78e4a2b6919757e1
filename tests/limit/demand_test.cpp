#include "limit/limiter_calls.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>

// What a demand reserves, what can never fit, and limits that only report.

namespace sluicegate::limit {
namespace {

constexpr std::uint8_t dry(Resource resource) {
    return dry_run_bit(resource);
}

TEST(Demand, ReservesWhatIsStatedAndGuessedUpToTheSmallestEnforcedLimit) {
    struct Row {
        std::string_view name;
        Plan plan;
        Demand demand;
        std::int64_t reserved;
    };
    const Row rows[] = {
        {"nothing", {.tpm = 100}, {}, 0},
        {"both parts", {.tpm = 100}, {.stated = 30, .guessed = 40}, 70},
        {"a guess beyond the limit", {.tpm = 100}, {.guessed = 5000}, 100},
        {"a guess on top of a stated limit", {.tpm = 100}, {.stated = 100, .guessed = 1}, 100},
        {"the day's limit is smaller", {.tpm = 100, .tpd = 60}, {.stated = 5, .guessed = 90}, 60},
        {"the minute's limit is smaller", {.tpm = 50, .tpd = 60}, {.guessed = 90}, 50},
        {"no limit", {}, {.stated = 30, .guessed = 4000}, 4030},
        {"more than can be counted",
         {},
         {.stated = INT64_MAX, .guessed = INT64_MAX},
         Plan::value_max},
        {"below nothing", {.tpm = 100}, {.stated = -5, .guessed = -7}, 0},
        {"a limit in dry run",
         {.tpm = 100, .dry_run = dry(Resource::tokens)},
         {.guessed = 700},
         700},
        {"one of two in dry run",
         {.tpm = 100, .tpd = 300, .dry_run = dry(Resource::tokens)},
         {.guessed = 700},
         300},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Limiter limiter({.slots = 8});
        const Admission admission = ask(limiter, row.plan, 0, row.demand);
        EXPECT_TRUE(admission.decision.admitted);
        EXPECT_EQ(admission.decision.reserved, row.reserved);
        EXPECT_EQ(admission.reservation.reserved(), row.reserved);
    }
}

TEST(Demand, IdleKeyAdmitsOneRequestWhoseSizeIsGuessed) {
    Limiter limiter({.slots = 8});
    const Plan plan{.tpm = 100, .tpd = 1000};
    Admission first = ask(limiter, plan, 0, {.guessed = 50'000});
    EXPECT_TRUE(first.decision.admitted);
    const Decision second = ask(limiter, plan, 1, {.guessed = 50'000}).decision;
    EXPECT_FALSE(second.admitted);
    EXPECT_FALSE(second.can_never_fit);
    EXPECT_EQ(second.retry_after, Milliseconds(minute_ms - 1));
    EXPECT_EQ(second.reserved, 0);
    first.reservation.settle(0, at(2));
    EXPECT_TRUE(ask(limiter, plan, 2, {.guessed = 50'000}).decision.admitted);
}

TEST(Demand, TellsWhatCanNeverFit) {
    struct Row {
        std::string_view name;
        Plan plan;
        std::int64_t stated;
        Resource refused_by;
    };
    const Row rows[] = {
        {"no requests", {.rpm = 0, .tpm = 10}, 1, Resource::requests},
        {"no tokens", {.tpm = 0}, 0, Resource::tokens},
        {"more tokens than the limit", {.rpm = 5, .tpm = 10}, 11, Resource::tokens},
        {"no requests in a day", {.rpm = 5, .rpd = 0}, 0, Resource::requests_per_day},
        {"no tokens in a day", {.tpm = 5, .tpd = 0}, 0, Resource::tokens_per_day},
        {"more tokens than a day's", {.tpm = 50, .tpd = 10}, 11, Resource::tokens_per_day},
        {"nothing in flight", {.rpm = 5, .concurrency = 0}, 0, Resource::concurrency},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Limiter limiter({.slots = 8});
        const Admission admission = ask(limiter, row.plan, 0, {.stated = row.stated});
        EXPECT_FALSE(admission.decision.admitted);
        EXPECT_FALSE(admission.reservation.is_active());
        EXPECT_TRUE(admission.decision.can_never_fit);
        EXPECT_EQ(admission.decision.refused_by, row.refused_by);
        EXPECT_EQ(admission.decision.retry_after, Milliseconds(0));
        EXPECT_EQ(admission.decision.would_refuse, Resource::none);
    }
}

TEST(DryRun, ReportsWhatItWouldRefuseAndAdmitsIt) {
    struct Row {
        std::string_view name;
        Plan plan;
        Demand demand;
    };
    const Row rows[] = {
        {"rpm", {.rpm = 1, .dry_run = dry(Resource::requests)}, {}},
        {"rpm", {.rpm = 0, .dry_run = dry(Resource::requests)}, {}},
        {"tpm", {.tpm = 10, .dry_run = dry(Resource::tokens)}, {.stated = 6}},
        {"tpm", {.tpm = 10, .dry_run = dry(Resource::tokens)}, {.stated = 11}},
        {"tpm", {.tpm = 0, .dry_run = dry(Resource::tokens)}, {}},
        {"rpd", {.rpd = 1, .dry_run = dry(Resource::requests_per_day)}, {}},
        {"tpd", {.tpd = 10, .dry_run = dry(Resource::tokens_per_day)}, {.stated = 6}},
        {"concurrency", {.concurrency = 1, .dry_run = dry(Resource::concurrency)}, {}},
        {"concurrency", {.concurrency = 0, .dry_run = dry(Resource::concurrency)}, {}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Limiter limiter({.slots = 8});
        const Admission first = ask(limiter, row.plan, 0, row.demand);
        EXPECT_TRUE(first.decision.admitted);
        const Admission second = ask(limiter, row.plan, 1, row.demand);
        EXPECT_TRUE(second.decision.admitted);
        EXPECT_EQ(second.decision.refused_by, Resource::none);
        EXPECT_FALSE(second.decision.can_never_fit);
        EXPECT_EQ(name_of(second.decision.would_refuse), row.name);
    }
}

TEST(DryRun, SaysNothingOfWhatTheLimitWouldAdmit) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 2, .tpm = 100, .dry_run = dry(Resource::tokens)};
    // If it were enforced, the limit would make the guess fit.
    const Decision guessed = ask(limiter, plan, 0, {.guessed = 700}).decision;
    EXPECT_EQ(guessed.would_refuse, Resource::none);
    EXPECT_EQ(guessed.reserved, 700);
}

TEST(DryRun, ChargesLikeAnyLimitAndShowsIt) {
    Limiter limiter({.slots = 8});
    const Plan plan{.tpm = 100, .dry_run = dry(Resource::tokens)};
    EXPECT_TRUE(call(limiter, plan, 0, 250).admitted);
    const Budget tokens = left(limiter, plan, 1).tokens;
    EXPECT_TRUE(tokens.is_dry_run);
    EXPECT_TRUE(tokens.is_limited);
    EXPECT_EQ(tokens.limit, 100);
    EXPECT_EQ(tokens.used, 250);
    EXPECT_EQ(tokens.remaining, 0);
    // A reload that enforces the limit makes it refuse at once.
    EXPECT_EQ(call(limiter, {.tpm = 100}, 2, 1).refused_by, Resource::tokens);
}

TEST(DryRun, NamesTheLimitToWaitForLongestBesideTheOneThatRefuses) {
    Limiter limiter({.slots = 8});
    const Plan plan{.rpm = 1,
                    .tpm = 10,
                    .rpd = 1,
                    .dry_run = static_cast<std::uint8_t>(dry(Resource::requests) |
                                                         dry(Resource::requests_per_day))};
    EXPECT_TRUE(call(limiter, plan, 0, 8).admitted);
    const Decision refused = call(limiter, plan, 1, 8);
    EXPECT_EQ(refused.refused_by, Resource::tokens);
    EXPECT_EQ(refused.would_refuse, Resource::requests_per_day);
    EXPECT_EQ(refused.retry_after, Milliseconds(minute_ms - 1));
    const Plan never{.rpm = 0, .rpd = 1, .dry_run = plan.dry_run};
    EXPECT_EQ(call(limiter, never, 2).would_refuse, Resource::requests);
}

}  // namespace
}  // namespace sluicegate::limit
