#include "sluicegate/provider/reset_text.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace sluicegate::provider {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

// 2026-11-21T20:45:23.250Z
constexpr WallTime evening{std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + 20h + 45min +
                           23s + 250ms};

TEST(ResetText, ReadsEverySpellingInUse) {
    struct Row {
        const char* name;
        const char* text;
        Milliseconds reset;
    };
    const Row rows[] = {
        {"Azure's seconds", "60", 60s},
        {"zero", "0", 0ms},
        {"a fraction", "0.25", 250ms},
        {"rounded up", "1.0001", 1001ms},
        {"a long fraction", "2.5000000000000000000001", 2500ms},
        {"OpenAI: seconds", "1s", 1s},
        {"OpenAI: minutes", "6m0s", 6min},
        {"OpenAI: milliseconds", "12ms", 12ms},
        {"OpenAI: a fraction of seconds", "1m26.4s", 86'400ms},
        {"Groq", "2m59.56s", 179'560ms},
        {"hours", "1h2m3.5s", 1h + 2min + 3500ms},
        {"days", "2d", 48h},
        {"a fraction of a day", "1.5d", 36h},
        {"zero with a unit", "0s", 0ms},
        {"microseconds", "1500us", 2ms},
        {"microseconds, micro sign", "2000\u00b5s", 2ms},
        {"microseconds, Greek letter", "2000\u03bcs", 2ms},
        {"nanoseconds", "999999ns", 1ms},
        {"units in another order", "5s1m", 65s},
        {"Anthropic", "2026-11-21T20:46:23Z", 59'750ms},
        {"a fraction of a second", "2026-11-21T20:45:24.125Z", 875ms},
        {"ahead of UTC", "2026-11-21T21:46:23.25+01:00", 60s},
        {"behind UTC", "2026-11-21T15:15:23.25-05:30", 0ms},
        {"behind UTC, later", "2026-11-21T15:16:23.25-05:30", 60s},
        {"small letters", "2026-11-21t20:46:23.25z", 60s},
        {"a space between", "2026-11-21 20:46:23.25Z", 60s},
        {"the past", "2026-11-21T20:45:23Z", 0ms},
        {"long past", "1600-02-29T00:00:00Z", 0ms},
        {"a leap day", "2028-02-29T00:00:00Z", reset_max},
        {"a leap second", "2026-11-21T20:45:60Z", 36'750ms},
        {"far in the future", "9999-12-31T23:59:59Z", reset_max},
        {"HTTP's date", "Sat, 21 Nov 2026 20:46:23 GMT", 59'750ms},
        {"HTTP's date in the past", "Sun, 06 Nov 1994 08:49:37 GMT", 0ms},
        {"HTTP's date, another month", "Tue, 01 Dec 2026 20:45:23 GMT", days(10) - 250ms},
        {"epoch in seconds", "1795293983", 59'750ms},
        {"epoch in seconds, with a fraction", "1795293983.25", 60s},
        {"OpenRouter: epoch in milliseconds", "1795293983251", 60'001ms},
        {"epoch in the past", "1000000000", 0ms},
        {"the longest that is no epoch", "999999999", reset_max},
        {"longer than is believed", "32d", reset_max},
        {"more hours than an integer holds", "99999999999999999999h", reset_max},
        {"many long units", "30d30d30d", reset_max},
        {"more than an integer holds", "99999999999999999999", reset_max},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(parse_reset(row.text, evening), row.reset);
    }
}

TEST(ResetText, TakesNothingElse) {
    struct Row {
        const char* name;
        std::string text;
    };
    const Row rows[] = {
        {"empty", ""},
        {"negative", "-5"},
        {"negative with a unit", "-5s"},
        {"a plus", "+5"},
        {"a space before", " 5"},
        {"a space behind", "5 "},
        {"a space between", "5 s"},
        {"a word", "soon"},
        {"a unit alone", "s"},
        {"another unit", "5w"},
        {"capital letters", "5S"},
        {"a number without its unit", "5s3"},
        {"two points", "1.2.3"},
        {"nothing behind the point", "1."},
        {"nothing before the point", ".5s"},
        {"an exponent", "1e3"},
        {"a hexadecimal number", "0x10"},
        {"not a number", "nan"},
        {"infinity", "inf"},
        {"a list", "5, 6"},
        {"NUL", std::string("5\0", 2)},
        {"too long", std::string(65, '1')},
        {"a date alone", "2026-11-21"},
        {"no zone", "2026-11-21T20:45:23"},
        {"a zone without its colon", "2026-11-21T20:45:23+0100"},
        {"a zone of another planet", "2026-11-21T20:45:23+24:00"},
        {"no such month", "2026-13-21T20:45:23Z"},
        {"no such day", "2026-02-29T20:45:23Z"},
        {"no such hour", "2026-11-21T24:00:00Z"},
        {"no such minute", "2026-11-21T20:60:00Z"},
        {"no such second", "2026-11-21T20:45:61Z"},
        {"text behind the date", "2026-11-21T20:45:23Z."},
        {"another weekday", "Sab, 21 Nov 2026 20:45:23 GMT"},
        {"another month", "Sat, 21 Nev 2026 20:45:23 GMT"},
        {"another zone", "Sat, 21 Nov 2026 20:45:23 CET"},
        {"no such date in HTTP", "Sat, 31 Nov 2026 20:45:23 GMT"},
        {"an obsolete form (RFC 850)", "Saturday, 21-Nov-26 20:45:23 GMT"},
        {"an obsolete form (asctime)", "Sat Nov 21 20:45:23 2026"},
        {"text behind HTTP's date", "Sat, 21 Nov 2026 20:45:23 GMT+1"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(parse_reset(row.text, evening), std::nullopt);
    }
}

TEST(ResetText, ReadsBackWhatGoWrites) {
    constexpr unsigned seed = 20261121;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 2000; ++round) {
        const Milliseconds span(std::uniform_int_distribution<std::int64_t>(0, 30'000'000)(random));
        const auto count = span.count();
        std::string text = count < 1000 ? std::to_string(count) + "ms" : std::string();
        if (count >= 3'600'000) text += std::to_string(count / 3'600'000) + "h";
        if (count >= 60'000) text += std::to_string(count / 60'000 % 60) + "m";
        if (count >= 1000) {
            const std::string part = std::to_string(1000 + count % 1000).substr(1);
            text += std::to_string(count / 1000 % 60) + "." + part + "s";
        }
        SCOPED_TRACE(text);
        ASSERT_EQ(parse_reset(text, evening), span);
    }
}

TEST(ResetText, FindsTheDelayInAnErrorsBody) {
    struct Row {
        const char* name;
        const char* body;
        std::optional<Milliseconds> delay;
    };
    const Row rows[] = {
        {"Gemini's RetryInfo",
         R"([{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay": "34s"}]}}])",
         34s},
        {"a fraction", R"({"retryDelay":"34.074824224s"})", 34'075ms},
        {"OpenAI's sentence",
         R"({"error":{"message":"Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000,)"
         R"( Used 29000, Requested 2000. Please try again in 174ms. Visit the page.","code":"x"}})",
         174ms},
        {"Groq's sentence", R"("Please try again in 1m7.66s. Need more tokens?")", 67'660ms},
        {"at the end of the text", "try again in 20s", 20s},
        {"RetryInfo before the sentence", R"("try again in 9s" {"retryDelay":"2s"})", 2s},
        {"no delay", R"({"error":{"message":"Slow down."}})", std::nullopt},
        {"a number", R"({"retryDelay":34})", std::nullopt},
        {"no unit", R"({"retryDelay":"34"})", std::nullopt},
        {"a sentence without a time", "Please try again in a moment.", std::nullopt},
        {"a sentence in words", "Please try again in 5 minutes.", std::nullopt},
        {"cut off behind the key", R"({"retryDelay":)", std::nullopt},
        {"cut off before the span", R"({"retryDelay":")", std::nullopt},
        {"points only", "try again in ...s", std::nullopt},
        {"nothing", "", std::nullopt},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(retry_delay_in(row.body), row.delay);
    }
    EXPECT_EQ(retry_delay_in("try again in " + std::string(100, '1') + "s"), std::nullopt);
}

}  // namespace
}  // namespace sluicegate::provider
