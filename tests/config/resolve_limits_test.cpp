#include "sluicegate/config/config.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluicegate::config {
namespace {

TEST(ResolveLimits, TakesTheFirstEntryThatSetsTheField) {
    using Rpm = std::optional<std::int64_t>;
    struct Row {
        std::string_view name;
        Rpm user_model, user_any, group_model, group_any, model, resolved;
    };
    const Row rows[] = {
        {"nothing is unlimited", {}, {}, {}, {}, {}, {}},
        {"the model's own", {}, {}, {}, {}, 5, 5},
        {"group's * over the model", {}, {}, {}, 4, 5, 4},
        {"group's entry over its *", {}, {}, 3, 4, 5, 3},
        {"user's * over the group", {}, 2, 3, 4, 5, 2},
        {"user's entry over all", 1, 2, 3, 4, 5, 1},
        {"0 is a value: it forbids", 0, 2, 3, 4, 5, 0},
        {"a larger value wins too", 1000, {}, {}, {}, 5, 1000},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Config config;
        Group group{.name = "g", .limits = {}};
        User user{.name = "u", .group = "g", .limits = {}, .keys = {}};
        const Model model{.name = "m", .limits = {.rpm = row.model}, .route = {}};
        if (row.user_model) user.limits["m"].rpm = row.user_model;
        if (row.user_any) user.limits["*"].rpm = row.user_any;
        if (row.group_model) group.limits["m"].rpm = row.group_model;
        if (row.group_any) group.limits["*"].rpm = row.group_any;
        config.groups = {Group{.name = "other", .limits = {{"m", {.rpm = 99}}}}, group};
        EXPECT_EQ(resolve_limits(config, user, model).rpm, row.resolved);
        EXPECT_EQ(resolve_limits(&group, user, model).rpm, row.resolved);
    }
}

TEST(ResolveLimits, LooksPastAnEntryThatSetsNothing) {
    const Group group{.name = "g", .limits = {{"m", {.rpm = 7}}}};
    const User user{.name = "u", .group = "g", .limits = {{"m", {}}}, .keys = {}};
    const Model model{.name = "m", .limits = {.rpm = 5}, .route = {}};
    EXPECT_EQ(resolve_limits(&group, user, model).rpm, 7);
    EXPECT_EQ(resolve_limits(nullptr, user, model).rpm, 5);
}

TEST(ResolveLimits, TakesEachFieldFromTheFirstEntryThatSetsIt) {
    const Group group{
        .name = "g",
        .limits = {
            {"m", {.rpd = 3, .dry_run = LimitNames{LimitName::rpd}, .location = {0, 30}}},
            {"*", {.rpm = 99, .tpd = 4, .dry_run = LimitNames::all(), .location = {0, 40}}}}};
    const User user{.name = "u",
                    .group = "g",
                    .limits = {{"m", {.rpm = 1, .location = {1, 10}}},
                               {"*", {.rpm = 99, .tpm = 2, .location = {1, 20}}}},
                    .keys = {}};
    const Model model{
        .name = "m", .limits = {.rpm = 99, .concurrency = 5, .location = {0, 50}}, .route = {}};

    const ResolvedLimits resolved = resolve_limits_with_origins(&group, user, model);

    using Field = Resolved<std::int64_t>;
    EXPECT_EQ(resolved.of(LimitName::rpm), (Field{1, LimitOrigin::user_model, {1, 10}}));
    EXPECT_EQ(resolved.of(LimitName::tpm), (Field{2, LimitOrigin::user_any, {1, 20}}));
    EXPECT_EQ(resolved.of(LimitName::rpd), (Field{3, LimitOrigin::group_model, {0, 30}}));
    EXPECT_EQ(resolved.of(LimitName::tpd), (Field{4, LimitOrigin::group_any, {0, 40}}));
    EXPECT_EQ(resolved.of(LimitName::concurrency), (Field{5, LimitOrigin::model, {0, 50}}));
    ASSERT_TRUE(resolved.dry_run.has_value());
    EXPECT_EQ(resolved.dry_run->value, LimitNames{LimitName::rpd});
    EXPECT_EQ(resolved.dry_run->origin, LimitOrigin::group_model);
    EXPECT_TRUE(resolved.is_dry_run(LimitName::rpd));
    EXPECT_FALSE(resolved.is_dry_run(LimitName::tpd));

    const Limits limits = resolve_limits(&group, user, model);
    EXPECT_EQ(limits.rpm, 1);
    EXPECT_EQ(limits.tpm, 2);
    EXPECT_EQ(limits.rpd, 3);
    EXPECT_EQ(limits.tpd, 4);
    EXPECT_EQ(limits.concurrency, 5);
    EXPECT_EQ(limits.dry_run, LimitNames{LimitName::rpd});
}

TEST(ResolveLimits, EndsADryRunOfTheGroupByAnEntryOfTheUser) {
    const Group group{.name = "g", .limits = {{"*", {.dry_run = LimitNames::all()}}}};
    const User user{
        .name = "u", .group = "g", .limits = {{"*", {.dry_run = LimitNames()}}}, .keys = {}};
    const Model model{.name = "m", .limits = {.rpm = 5}, .route = {}};
    const ResolvedLimits resolved = resolve_limits_with_origins(&group, user, model);
    ASSERT_TRUE(resolved.dry_run.has_value());
    EXPECT_TRUE(resolved.dry_run->value.empty());
    EXPECT_FALSE(resolved.is_dry_run(LimitName::rpm));
}

TEST(ResolveLimits, NamesTheEntryThatAFieldCameFrom) {
    const User user{.name = "alice", .group = "research", .limits = {}, .keys = {}};
    const Model model{.name = "gpt-4o", .limits = {}, .route = {}};
    EXPECT_EQ(origin_text(LimitOrigin::user_model, user, model), "user alice, gpt-4o");
    EXPECT_EQ(origin_text(LimitOrigin::user_any, user, model), "user alice, \"*\"");
    EXPECT_EQ(origin_text(LimitOrigin::group_model, user, model), "group research, gpt-4o");
    EXPECT_EQ(origin_text(LimitOrigin::group_any, user, model), "group research, \"*\"");
    EXPECT_EQ(origin_text(LimitOrigin::model, user, model), "model gpt-4o");
}

TEST(LimitNames, AreFoundByTheirKeys) {
    for (const LimitName name : limit_names) {
        EXPECT_EQ(limit_named(name_of(name)), name) << name_of(name);
        EXPECT_TRUE(LimitNames::all().contains(name)) << name_of(name);
        EXPECT_FALSE(LimitNames().contains(name)) << name_of(name);
    }
    EXPECT_EQ(limit_named("dry_run"), std::nullopt);
}

TEST(LimitNames, AreWrittenAsTheFileHasThem) {
    EXPECT_EQ(dry_run_text(LimitNames::all()), "true");
    EXPECT_EQ(dry_run_text(LimitNames()), "false");
    EXPECT_EQ(dry_run_text(LimitNames{LimitName::concurrency, LimitName::tpm}),
              "[tpm, concurrency]");
}

}  // namespace
}  // namespace sluicegate::config
