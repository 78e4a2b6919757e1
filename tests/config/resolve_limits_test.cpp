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
        Model model{.name = "m", .limits = {.rpm = row.model}, .route = {}};
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

}  // namespace
}  // namespace sluicegate::config
