#include "config/units.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace sluicegate::config {
namespace {

using namespace std::chrono_literals;

constexpr auto largest = std::numeric_limits<std::int64_t>::max();
constexpr auto smallest = std::numeric_limits<std::int64_t>::min();

TEST(Units, ReadsIntegersAndSaturates) {
    struct Row {
        std::string_view text;
        std::optional<std::int64_t> value;
    };
    const Row rows[] = {
        {"0", 0},      {"60", 60},
        {"-5", -5},    {"", {}},
        {"-", {}},     {"+5", {}},
        {"5 ", {}},    {" 5", {}},
        {"1_000", {}}, {"1e3", {}},
        {"0x10", {}},  {"99999999999999999999", largest},
        {"5five", {}}, {"-99999999999999999999", smallest},
        {"007", 7},    {"9223372036854775807", largest},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(parse_integer(row.text), row.value);
    }
}

TEST(Units, ReadsDurationsWithAUnitOnly) {
    struct Row {
        std::string_view text;
        std::optional<Milliseconds> value;
    };
    const Row rows[] = {
        {"250ms", 250ms},
        {"30s", 30s},
        {"15m", 15min},
        {"24h", 24h},
        {"0ms", 0ms},
        {"-1s", -1s},
        {"30", {}},
        {"", {}},
        {"s", {}},
        {"30S", {}},
        {"1d", {}},
        {"1m30s", {}},
        {"30 s", {}},
        {"1.5s", {}},
        {"30s ", {}},
        {"30sec", {}},
        {"9223372036854775807h", Milliseconds(largest)},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(parse_duration(row.text), row.value);
    }
}

TEST(Units, ReadsSizesWithAUnitOnly) {
    struct Row {
        std::string_view text;
        std::optional<std::int64_t> value;
    };
    const Row rows[] = {
        {"16384B", 16384}, {"64KiB", 65536}, {"32MiB", 33554432}, {"1GiB", 1073741824},
        {"1", {}},         {"1KB", {}},      {"1kib", {}},        {"1 MiB", {}},
        {"1.5MiB", {}},    {"B", {}},        {"-1B", -1},         {"9999999999999GiB", largest},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(parse_size(row.text), row.value);
    }
}

TEST(Units, ReadsPercentWithItsSignOnly) {
    EXPECT_EQ(parse_percent("10%"), 10);
    EXPECT_EQ(parse_percent("0%"), 0);
    EXPECT_EQ(parse_percent("-1%"), -1);
    EXPECT_EQ(parse_percent("99999999999999999999%"), std::numeric_limits<std::int64_t>::max());
    for (const std::string_view text :
         {"", "%", "10", "10 %", "0.1", "1.5%", "10%%", "10percent"}) {
        EXPECT_EQ(parse_percent(text), std::nullopt) << text;
    }
    EXPECT_EQ(percent_text(0), "0%");
    EXPECT_EQ(percent_text(50), "50%");
}

TEST(Units, WritesWhatReadsBackTheSame) {
    const std::uint64_t seed = 20261121;
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    for (int i = 0; i < 2000; ++i) {
        const auto value = static_cast<std::int64_t>(random() >> (random() % 64));
        const std::int64_t bounded = value & 0xFFFFFFFFFFFF;
        EXPECT_EQ(parse_duration(duration_text(Milliseconds(bounded))), Milliseconds(bounded));
        EXPECT_EQ(parse_size(size_text(bounded)), bounded);
    }
    EXPECT_EQ(duration_text(15min), "15m");
    EXPECT_EQ(duration_text(90s), "90s");
    EXPECT_EQ(duration_text(0ms), "0ms");
    EXPECT_EQ(size_text(32 << 20), "32MiB");
}

TEST(Units, ReadsDatesAndTimes) {
    struct Row {
        std::string_view text, written;
    };
    const Row rows[] = {
        {"2027-01-01", "2027-01-01T00:00:00Z"},
        {"2028-02-29", "2028-02-29T00:00:00Z"},
        {"1970-01-01", "1970-01-01T00:00:00Z"},
        {"2199-12-31", "2199-12-31T00:00:00Z"},
        {"2027-01-01T09:30:15Z", "2027-01-01T09:30:15Z"},
        {"2027-01-01t09:30:15z", "2027-01-01T09:30:15Z"},
        {"2027-01-01 09:30:15Z", "2027-01-01T09:30:15Z"},
        {"2027-01-01T00:30:00+01:00", "2026-12-31T23:30:00Z"},
        {"2027-01-01T23:30:00-05:30", "2027-01-02T05:00:00Z"},
        {"2027-01-01T09:30:15.999Z", "2027-01-01T09:30:15Z"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.text);
        const auto time = parse_time(row.text);
        ASSERT_TRUE(time.has_value());
        EXPECT_EQ(time_text(*time), row.written);
    }
}

TEST(Units, RefusesWhatIsNoDate) {
    const std::string_view texts[] = {
        "",
        "2027",
        "2027-1-1",
        "2027-02-29",
        "2027-13-01",
        "2027-00-10",
        "2027-01-00",
        "2027-04-31",
        "2027-01-01T",
        "2027-01-01T09:30Z",
        "1969-12-31",
        "2200-01-01",
        "01.01.2027",
        "2027-01-01T09:30:15",
        "2027-01-01T24:00:00Z",
        "2027-01-01Z",
        "2027-01-01T09:60:00Z",
        "2027-01-01T09:00:60Z",
        "2027-01-01T09:30:15.Z",
        "2027-01-01T09:30:15+0100",
        "2027-01-01T09:30:15+24:00",
        "2027-01-01T09:30:15Zx",
    };
    for (const std::string_view text : texts) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(parse_time(text).has_value());
    }
}

}  // namespace
}  // namespace sluicegate::config
