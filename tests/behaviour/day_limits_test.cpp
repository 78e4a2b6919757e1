// Limits of a day beside those of a minute: who refuses, and which of them the headers tell of.
#include "behaviour/harness.hpp"
#include "behaviour/token_requests.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

constexpr std::int64_t day_ms = 24LL * 60 * 60 * 1000;

class DayLimits : public testing::Test {
protected:
    static ConfigText config(const FakeUpstream& upstream) {
        ConfigText text(upstream.base_url());
        text.models +=
            "  daily: {limits: {rpd: 2}, route: [{upstream: up}]}\n"
            "  day-first: {limits: {rpm: 50, rpd: 3}, route: [{upstream: up}]}\n"
            "  minute-first: {limits: {rpm: 2, rpd: 500}, route: [{upstream: up}]}\n"
            "  day-tokens: {limits: {tpm: 100000, tpd: 1000}, route: [{upstream: up}]}\n"
            "  minute-tokens: {limits: {tpm: 1000, tpd: 100000}, route: [{upstream: up}]}\n"
            "  all: {limits: {rpm: 9, tpm: 9000, rpd: 90, tpd: 90000, concurrency: 9},"
            " route: [{upstream: up}]}\n";
        return text;
    }
    FakeUpstream upstream_;
    Gateway gateway_{config(upstream_)};
};

TEST_F(DayLimits, RefusesAndSaysThatItIsOfNoUseToRetrySoon) {
    for (int i = 0; i < 2; ++i) {
        const Response response = gateway_.chat(alice_key, "daily");
        expect_success(response);
        EXPECT_EQ(response.field("x-ratelimit-limit-requests"), "2");
        EXPECT_EQ(response.field("x-ratelimit-remaining-requests"), std::to_string(1 - i));
    }
    const Response refused = gateway_.chat(alice_second_key, "daily");
    expect_rate_limited(refused, "rpd");
    EXPECT_EQ(refused.field("x-should-retry"), "false") << "the wait is longer than 60 s";
    EXPECT_GT(number_in(refused, "retry-after"), 23 * 3600);
    EXPECT_LE(number_in(refused, "retry-after-ms"), day_ms + 3000);
    EXPECT_GE(number_in(refused, "retry-after") * 1000, number_in(refused, "retry-after-ms"));
    EXPECT_EQ(refused.field("x-ratelimit-remaining-requests"), "0");
    EXPECT_NE(refused.field("x-ratelimit-reset-requests").find('h'), std::string::npos)
        << refused.field("x-ratelimit-reset-requests");
    EXPECT_EQ(upstream_.requests().size(), 2U);
    expect_success(gateway_.chat(bob_key, "daily"));
}

TEST_F(DayLimits, TheHeadersTellOfTheTighterOne) {
    Response response = gateway_.chat(alice_key, "day-first");
    EXPECT_EQ(response.field("x-ratelimit-limit-requests"), "3");
    EXPECT_EQ(response.field("x-ratelimit-remaining-requests"), "2");
    response = gateway_.chat(alice_key, "minute-first");
    EXPECT_EQ(response.field("x-ratelimit-limit-requests"), "2");
    EXPECT_EQ(response.field("x-ratelimit-remaining-requests"), "1");
    response = gateway_.send(capped_chat(alice_key, "day-tokens", 100));
    EXPECT_EQ(response.field("x-ratelimit-limit-tokens"), "1000");
    response = gateway_.send(capped_chat(alice_key, "minute-tokens", 100));
    EXPECT_EQ(response.field("x-ratelimit-limit-tokens"), "1000");
}

TEST_F(DayLimits, TheLimitThatRefusesIsNamed) {
    for (int i = 0; i < 2; ++i) expect_success(gateway_.chat(alice_key, "minute-first"));
    expect_rate_limited(gateway_.chat(alice_key, "minute-first"), "rpm");
    for (int i = 0; i < 3; ++i) expect_success(gateway_.chat(alice_key, "day-first"));
    expect_rate_limited(gateway_.chat(alice_key, "day-first"), "rpd");

    Response refused = gateway_.send(capped_chat(alice_key, "day-tokens", 1001));
    expect_refused_for_good(refused, "tpd");
    refused = gateway_.send(capped_chat(alice_key, "minute-tokens", 1001));
    expect_refused_for_good(refused, "tpm");
}

TEST_F(DayLimits, SettledTokensCountForTheDay) {
    upstream_.answer(Script().send(chat_answer(400, 700)));
    expect_success(gateway_.send(capped_chat(alice_key, "day-tokens", 10)));
    Response refused;
    for (int i = 0; i < 50 && refused.status != 429; ++i) {
        refused = gateway_.send(capped_chat(alice_key, "day-tokens", 10));
    }
    expect_rate_limited(refused, "tpd");
    EXPECT_EQ(refused.field("x-should-retry"), "false");
    EXPECT_EQ(tokens_left(refused), 0);
}

TEST_F(DayLimits, ARefusalByOneLimitChargesNoOther) {
    for (int i = 0; i < 20; ++i) {
        const Response response = gateway_.send(capped_chat(alice_key, "all", 9001));
        expect_refused_for_good(response, "tpm");
        EXPECT_EQ(response.field("x-ratelimit-remaining-requests"), "9");
    }
    const Response response = gateway_.send(capped_chat(alice_key, "all", 10));
    expect_success(response);
    EXPECT_EQ(response.field("x-ratelimit-remaining-requests"), "8");
    EXPECT_EQ(response.field("x-ratelimit-limit-tokens"), "9000");
    EXPECT_GT(tokens_left(response), 8000);
}

}  // namespace
}  // namespace sluicegate::support
