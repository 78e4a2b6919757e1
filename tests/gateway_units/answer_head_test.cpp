#include "gateway/answer_head.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::gateway {
namespace {

using namespace std::chrono_literals;

std::string reset_text(Milliseconds time) {
    std::string out;
    append_reset(out, time);
    return out;
}

TEST(AnswerHead, WritesTheTimeOfAResetAsTheApiDoes) {
    struct Row {
        Milliseconds time;
        const char* text;
    };
    const std::vector<Row> rows{
        {0ms, "0s"},
        {-5ms, "0s"},
        {1ms, "1ms"},
        {12ms, "12ms"},
        {999ms, "999ms"},
        {1000ms, "1s"},
        {1001ms, "1.001s"},
        {1100ms, "1.1s"},
        {1010ms, "1.01s"},
        {59'999ms, "59.999s"},
        {60s, "1m0s"},
        {360s, "6m0s"},
        {86'400ms, "1m26.4s"},
        {179'560ms, "2m59.56s"},
        {3'599'999ms, "59m59.999s"},
        {1h, "1h0m0s"},
        {1h + 1ms, "1h0m0.001s"},
        {24h, "24h0m0s"},
        {100h + 2min + 3s, "100h2m3s"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(reset_text(row.time), row.text);
    }
}

TEST(AnswerHead, NamesOnlyTheLimitsThatAreSet) {
    limit::Decision decision;
    std::string out;
    append_rate_limits(out, decision);
    EXPECT_EQ(out, "");
    decision.requests = {.limit = 60, .remaining = 59, .reset = 1s, .is_limited = true};
    append_rate_limits(out, decision);
    EXPECT_EQ(out,
              "x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: 59\r\n"
              "x-ratelimit-reset-requests: 1s\r\n");
    out.clear();
    decision.tokens = {.limit = 150'000, .remaining = 0, .reset = 6min, .is_limited = true};
    append_rate_limits(out, decision);
    EXPECT_TRUE(
        out.ends_with("x-ratelimit-limit-tokens: 150000\r\n"
                      "x-ratelimit-remaining-tokens: 0\r\n"
                      "x-ratelimit-reset-tokens: 6m0s\r\n"));
}

}  // namespace
}  // namespace sluicegate::gateway
