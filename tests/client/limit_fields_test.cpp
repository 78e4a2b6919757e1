#include "sluicegate/client/limit_fields.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace sluicegate::client {
namespace {

using namespace std::chrono_literals;

std::string reset_text(Milliseconds time) {
    std::string out;
    append_reset(out, time);
    return out;
}

TEST(LimitFields, WritesTheTimeOfAResetAsTheApiDoes) {
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

TEST(LimitFields, NamesOnlyTheLimitsThatAreSet) {
    limit::Decision decision;
    std::string out;
    append_rate_limits(out, decision);
    EXPECT_EQ(out, "");
    decision.requests = {.limit = 60, .remaining = 59, .used = 1, .reset = 1s, .is_limited = true};
    append_rate_limits(out, decision);
    EXPECT_EQ(out,
              "x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: 59\r\n"
              "x-ratelimit-reset-requests: 1s\r\n");
    out.clear();
    decision.tokens = {
        .limit = 150'000, .remaining = 0, .used = 150'000, .reset = 6min, .is_limited = true};
    append_rate_limits(out, decision);
    EXPECT_TRUE(
        out.ends_with("x-ratelimit-limit-tokens: 150000\r\n"
                      "x-ratelimit-remaining-tokens: 0\r\n"
                      "x-ratelimit-reset-tokens: 6m0s\r\n"));
}

TEST(LimitFields, SpeaksOfTheTighterOfMinuteAndDay) {
    limit::Decision decision;
    decision.requests = {
        .limit = 60, .remaining = 40, .used = 20, .reset = 50s, .is_limited = true};
    decision.requests_per_day = {
        .limit = 1000, .remaining = 39, .used = 961, .reset = 23h, .is_limited = true};
    std::string out;
    append_rate_limits(out, decision);
    EXPECT_EQ(out,
              "x-ratelimit-limit-requests: 1000\r\nx-ratelimit-remaining-requests: 39\r\n"
              "x-ratelimit-reset-requests: 23h0m0s\r\n");
    out.clear();
    decision.requests_per_day.remaining = 41;
    append_rate_limits(out, decision);
    EXPECT_TRUE(out.starts_with("x-ratelimit-limit-requests: 60\r\n"));
}

TEST(LimitFields, ADryRunIsNamedButItsBudgetIsNot) {
    limit::Decision decision;
    decision.admitted = true;
    decision.would_refuse = limit::Resource::tokens;
    decision.tokens = {.limit = 10,
                       .remaining = 0,
                       .used = 25,
                       .reset = 5s,
                       .is_limited = true,
                       .is_dry_run = true};
    std::string out;
    append_rate_limits(out, decision);
    append_ietf_fields(out, decision, 60s);
    EXPECT_EQ(out, "x-sluicegate-dry-run: tpm\r\n");
}

TEST(LimitFields, WritesTheFieldsOfTheDraft) {
    limit::Decision decision;
    decision.admitted = true;
    decision.requests = {
        .limit = 60, .remaining = 12, .used = 48, .reset = 6'100ms, .is_limited = true};
    decision.tokens_per_day = {
        .limit = 9000, .remaining = 8000, .used = 1000, .reset = 24h, .is_limited = true};
    decision.concurrency = {
        .limit = 8, .remaining = 7, .used = 1, .reset = 0ms, .is_limited = true};
    std::string out;
    append_ietf_fields(out, decision, 60s);
    EXPECT_EQ(out,
              "ratelimit-policy: \"rpm\";q=60;w=60, \"tpd\";q=9000;w=86400;qu=\"tokens\", "
              "\"concurrency\";q=8;qu=\"concurrent-requests\"\r\n"
              "ratelimit: \"rpm\";r=12;t=7, \"tpd\";r=8000;t=86400, \"concurrency\";r=7\r\n");

    out.clear();
    decision.admitted = false;
    decision.refused_by = limit::Resource::requests;
    decision.retry_after = 2'500ms;
    append_ietf_fields(out, decision, 60s);
    EXPECT_TRUE(out.ends_with("ratelimit: \"rpm\";r=12;t=3\r\n")) << out;
}

TEST(LimitFields, AdviceIsNeverShorterThanTheWaitAndBoundedAboveIt) {
    constexpr std::uint32_t random_max = 2'147'483'645;
    for (const Milliseconds wait : {1ms, 9ms, 10ms, 999ms, 5'000ms, 30'000ms, 59'500ms, 60'000ms,
                                    60'001ms, 3'600'000ms, 86'400'000ms}) {
        SCOPED_TRACE(wait.count());
        limit::Decision decision;
        decision.refused_by = limit::Resource::requests;
        decision.retry_after = wait;
        for (std::uint32_t random = 0; random < random_max - 9'999'991; random += 9'999'991) {
            const RetryAdvice advice = retry_advice_of(decision, random);
            EXPECT_GE(advice.wait, wait);
            EXPECT_LE(advice.wait, wait + std::min<Milliseconds>(wait / 10, 1s));
            if (wait <= 60s) {
                EXPECT_LE(advice.wait, 60s);
            }
            EXPECT_EQ(advice.may_retry, wait <= 60s);
        }
    }
}

TEST(LimitFields, AdviceSpreadsClientsThatWereRefusedTogether) {
    limit::Decision decision;
    decision.refused_by = limit::Resource::requests;
    decision.retry_after = 10s;
    std::set<Milliseconds> waits;
    for (std::uint32_t random = 0; random < 1000; ++random) {
        waits.insert(retry_advice_of(decision, random).wait);
    }
    EXPECT_GT(waits.size(), 900U);
}

TEST(LimitFields, WhereOnlyConcurrencyRefusedTheWaitIsShortAndGuessed) {
    limit::Decision decision;
    decision.refused_by = limit::Resource::concurrency;
    for (const std::uint32_t random : {0U, 1U, 750U, 751U, 2'147'483'645U}) {
        const RetryAdvice advice = retry_advice_of(decision, random);
        EXPECT_GE(advice.wait, 250ms);
        EXPECT_LE(advice.wait, 1000ms);
        EXPECT_TRUE(advice.may_retry);
    }
}

TEST(LimitFields, WhatCanNeverFitIsNotToBeRetried) {
    limit::Decision decision;
    decision.refused_by = limit::Resource::tokens;
    decision.can_never_fit = true;
    const RetryAdvice advice = retry_advice_of(decision, 5);
    EXPECT_EQ(advice.wait, 0ms);
    EXPECT_FALSE(advice.may_retry);
}

TEST(LimitFields, SecondsAreRoundedUpAndNeverZero) {
    struct Row {
        Milliseconds wait;
        const char* text;
    };
    const std::vector<Row> rows{{0ms, "retry-after: 1\r\nretry-after-ms: 1\r\n"},
                                {1ms, "retry-after: 1\r\nretry-after-ms: 1\r\n"},
                                {1000ms, "retry-after: 1\r\nretry-after-ms: 1000\r\n"},
                                {1001ms, "retry-after: 2\r\nretry-after-ms: 1001\r\n"}};
    for (const Row& row : rows) {
        std::string out;
        append_retry_after(out, row.wait);
        EXPECT_EQ(out, row.text);
    }
}

TEST(LimitFields, ARefusalSaysWhatItIsAbout) {
    limit::Decision decision;
    const auto text = [&](limit::Resource refused_by) {
        std::string out;
        decision.refused_by = refused_by;
        append_refusal(out, decision, 50007);
        return out;
    };
    decision.concurrency = {.limit = 8, .remaining = 0, .used = 8, .is_limited = true};
    EXPECT_EQ(text(limit::Resource::requests), "x-sluicegate-limit: rpm\r\n");
    EXPECT_EQ(text(limit::Resource::tokens),
              "x-sluicegate-limit: tpm\r\nx-sluicegate-requested-tokens: 50007\r\n");
    EXPECT_EQ(text(limit::Resource::tokens_per_day),
              "x-sluicegate-limit: tpd\r\nx-sluicegate-requested-tokens: 50007\r\n");
    EXPECT_EQ(text(limit::Resource::concurrency),
              "x-sluicegate-limit: concurrency\r\nx-ratelimit-limit-concurrency: 8\r\n"
              "x-ratelimit-remaining-concurrency: 0\r\n");
}

TEST(LimitFields, OnlyTooManyTokensAreToldThatWaitingIsVain) {
    limit::Decision decision;
    decision.refused_by = limit::Resource::tokens;
    decision.can_never_fit = true;
    decision.tokens.limit = 40000;
    EXPECT_EQ(vain_wait_message(decision, 50007),
              "Rate limit exceeded. This request asks for 50007 tokens, and the limit (tpm) is "
              "40000: waiting does not help, ask for fewer.");
    decision.can_never_fit = false;
    EXPECT_EQ(vain_wait_message(decision, 50007), "");
    decision.can_never_fit = true;
    decision.tokens.limit = 0;
    EXPECT_EQ(vain_wait_message(decision, 50007), "");
    decision.refused_by = limit::Resource::requests;
    EXPECT_EQ(vain_wait_message(decision, 50007), "");
    decision.refused_by = limit::Resource::tokens_per_day;
    decision.tokens_per_day.limit = 7;
    EXPECT_NE(vain_wait_message(decision, 8).find("(tpd) is 7"), std::string::npos);
}

}  // namespace
}  // namespace sluicegate::client
