#include "sluicegate/base/log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluicegate::log {
namespace {

TEST(Log, ALineIsOneJsonObject) {
    EXPECT_EQ(format_line(1'700'000'000'123'456, Level::warn, "reload", "say \"hi\"\n",
                          {{"file", "a.yaml"}, {"line", 14}, {"kept", true}}),
              "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\",\"event\":\"reload\","
              "\"message\":\"say \\\"hi\\\"\\n\",\"file\":\"a.yaml\",\"line\":14,\"kept\":true}");
}

TEST(Log, WritesTheTimeInUtc) {
    struct Row {
        std::string_view name;
        std::int64_t unix_microseconds;
        std::string_view expected;
    };
    const Row rows[] = {
        {"epoch", 0, "\"1970-01-01T00:00:00.000Z\""},
        {"cut to milliseconds", 1'999, "\"1970-01-01T00:00:00.001Z\""},
        {"leap day", 1'709'251'199'999'999, "\"2024-02-29T23:59:59.999Z\""},
        {"end of a year", 1'767'225'599'009'000, "\"2025-12-31T23:59:59.009Z\""},
        {"zeros in front", 1'767'416'523'004'000, "\"2026-01-03T05:02:03.004Z\""},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        std::string out;
        append_timestamp(out, row.unix_microseconds);
        EXPECT_EQ(out, row.expected);
    }
}

TEST(Log, KnowsItsLevels) {
    EXPECT_EQ(level_from("debug"), Level::debug);
    EXPECT_EQ(level_from("error"), Level::error);
    EXPECT_EQ(level_from("Info"), std::nullopt);
}

TEST(Log, WritesEveryQueuedLineBeforeStopReturns) {
    testing::internal::CaptureStdout();
    start(Level::info);
    for (int i = 0; i < 100; ++i) info("test", "line", {{"i", i}});
    write(Level::debug, "test", "below the threshold");
    EXPECT_TRUE(stop(std::chrono::seconds(10)));
    const std::string out = testing::internal::GetCapturedStdout();
    EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 100);
    EXPECT_NE(out.find("\"i\":99}"), std::string::npos);
    EXPECT_EQ(out.find("below"), std::string::npos);
}

}  // namespace
}  // namespace sluicegate::log
