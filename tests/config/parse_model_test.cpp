#include "config/support.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {
namespace {

using Entries = std::vector<RouteEntry>;
using Lines = std::vector<std::string>;

/// The upstreams `near` (0) and `spare` (1) are on; `far` and `away` need a variable.
std::string with_model(std::string_view model) {
    return std::string(minimal_server) + std::string(minimal_users) +
           "upstreams:\n"
           "  far: {kind: echo, when_env: FAR}\n"
           "  near: {kind: echo}\n"
           "  away: {kind: echo, when_env: AWAY}\n"
           "  spare: {kind: echo}\n"
           "models:\n"
           "  other: {route: [{upstream: near}]}\n"
           "  m: {" +
           std::string(model) + "}\n";
}

TEST(ParseModel, LeavesOutWhatIsOff) {
    struct Row {
        std::string_view name, model;
        Entries route, fallback;
        Lines notes;
    };
    const Row rows[] = {
        {"a part of the fallback",
         "route: [{upstream: near}], fallback: [{upstream: far}, {upstream: spare}]",
         {{.upstream = 0}},
         {{.upstream = 1}},
         {}},
        {"the whole fallback",
         "route: [{upstream: near}], fallback: [{upstream: far}, {upstream: away}]",
         {{.upstream = 0}},
         {},
         {}},
        {"the whole route",
         "route: [{upstream: far}], fallback: [{upstream: near, model: a}, {upstream: spare}]",
         {{.upstream = 0, .model = "a"}},
         {{.upstream = 1}},
         {"model m has only its fallback: FAR is not set"}},
        {"the whole route and a part of the fallback",
         "route: [{upstream: far}, {upstream: away}], fallback: [{upstream: far, model: b}, "
         "{upstream: spare}]",
         {{.upstream = 1}},
         {},
         {"model m has only its fallback: AWAY, FAR are not set"}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Config config = config_of(with_model(row.model));
        ASSERT_EQ(config.models.size(), 2U);
        EXPECT_EQ(config.models[1].route, row.route);
        EXPECT_EQ(config.models[1].fallback, row.fallback);
        Lines notes{"upstream far is off: FAR is not set", "upstream away is off: AWAY is not set"};
        notes.insert(notes.end(), row.notes.begin(), row.notes.end());
        EXPECT_EQ(config.notes, notes);
    }
}

TEST(ParseModel, IsOffWithItsRouteAndFallback) {
    const Config config =
        config_of(with_model("route: [{upstream: far}], fallback: [{upstream: away}]"));
    ASSERT_EQ(config.models.size(), 1U);
    EXPECT_EQ(config.notes.back(), "model m is off: AWAY, FAR are not set");
}

TEST(ParseModel, AsksNothingInTheFallbackThatTheRouteAsks) {
    const Config config = config_of(with_model(
        "route: [{upstream: near, weight: 9}, {upstream: spare, weight: 0, model: b}], "
        "fallback: [{upstream: near, model: m}, {upstream: spare}, {upstream: spare, model: b}]"));
    EXPECT_EQ(config.models[1].fallback, (Entries{{.upstream = 1}}));
}

TEST(ParseModel, IsStickyWhenTheFileSaysSo) {
    EXPECT_TRUE(
        config_of(with_model("route: [{upstream: near}], sticky: user")).models[1].is_sticky);
    EXPECT_FALSE(
        config_of(with_model("route: [{upstream: near}], sticky: off")).models[1].is_sticky);
    EXPECT_FALSE(
        config_of(with_model("route: [{upstream: near}], sticky: false")).models[1].is_sticky);
}

}  // namespace
}  // namespace sluicegate::config
