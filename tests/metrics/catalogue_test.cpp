#include "sluicegate/metrics/catalogue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

namespace sluicegate::metrics {
namespace {

/// The conventions of Prometheus that its linter (promtool check metrics) enforces.
TEST(Catalogue, FollowsThePrometheusNamingConventions) {
    std::set<std::string_view> names;
    for (const Definition& definition : catalogue()) {
        const std::string_view name = definition.name;
        SCOPED_TRACE(name);
        EXPECT_TRUE(names.insert(name).second);
        EXPECT_TRUE(name.starts_with("sluicegate_") || name.starts_with("process_"));
        EXPECT_TRUE(std::all_of(name.begin(), name.end(),
                                [](unsigned char c) { return std::islower(c) != 0 || c == '_'; }));
        EXPECT_EQ(name.ends_with("_total"), definition.type == Type::counter);
        EXPECT_EQ(definition.unit == Unit::nanoseconds,
                  name.find("_seconds") != std::string_view::npos);
        EXPECT_TRUE(definition.type != Type::histogram || name.ends_with("_duration_seconds"));
        EXPECT_TRUE(definition.help.ends_with('.'));
    }
}

TEST(Catalogue, NamesNoKeyOrAddressAndUsersOnlyWhereTheNameSaysSo) {
    const std::set<std::string_view> allowed{
        "model",  "status",   "outcome", "kind",     "state",    "decision",
        "sha256", "upstream", "version", "compiler", "limit",    "mode",
        "window", "worker",   "source",  "reason",   "endpoint", "file"};
    for (const Definition& definition : catalogue()) {
        std::set<std::string_view> own;
        for (const Label& label : definition.labels) {
            SCOPED_TRACE(label.name);
            const bool is_by_user = definition.name.starts_with("sluicegate_user_");
            EXPECT_TRUE(allowed.contains(label.name) || (label.name == "user" && is_by_user));
            EXPECT_TRUE(own.insert(label.name).second);
        }
    }
}

TEST(Catalogue, ItsBucketsAscend) {
    const auto bounds = bucket_bounds();
    EXPECT_GT(bounds.front(), 0);
    EXPECT_EQ(std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal<>()),
              bounds.end());
}

TEST(Catalogue, FindsADefinitionByItsMetric) {
    EXPECT_EQ(definition_of(Metric::requests_total).name, "sluicegate_requests_total");
    EXPECT_EQ(definition_of(Metric::process_start_time_seconds).name, "process_start_time_seconds");
}

}  // namespace
}  // namespace sluicegate::metrics
