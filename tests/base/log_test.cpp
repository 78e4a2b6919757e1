#include "sluicegate/base/log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sluicegate::log {
namespace {

TEST(Log, ALineIsOneJsonObject) {
    EXPECT_EQ(format_line(1'700'000'000'123'456, Level::warn, "reload", "say \"hi\"\n",
                          {{"file", "a.yaml"}, {"line", 14}, {"kept", true}}),
              "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\",\"event\":\"reload\","
              "\"message\":\"say \\\"hi\\\"\\n\",\"file\":\"a.yaml\",\"line\":14,\"kept\":true}");
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
