// The fields that tell a client how much is left: OpenAI's six, and the IETF draft's two.
#include "behaviour/harness.hpp"
#include "behaviour/token_requests.hpp"

#include <gtest/gtest.h>

#include <array>
#include <regex>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

constexpr std::array<std::string_view, 6> six{
    "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
    "x-ratelimit-limit-tokens",   "x-ratelimit-remaining-tokens",   "x-ratelimit-reset-tokens"};

/// A span as Go writes it: 12ms, 1s, 6m0s, 1m26.4s, 2h3m4s.
void expect_go_duration(const std::string& text) {
    static const std::regex pattern(
        R"(0s|[0-9]{1,3}ms|[0-9]{1,2}(\.[0-9]{1,3})?s|[0-9]{1,2}m[0-9]{1,2}(\.[0-9]{1,3})?s|)"
        R"([0-9]+h[0-9]{1,2}m[0-9]{1,2}(\.[0-9]{1,3})?s)");
    EXPECT_TRUE(std::regex_match(text, pattern)) << text;
}

class LimitHeaders : public testing::Test {
protected:
    static ConfigText config(const FakeUpstream& upstream, bool has_ietf_fields) {
        ConfigText text(upstream.base_url());
        if (has_ietf_fields) text.limiter_lines = "  ietf_fields: true\n";
        text.models +=
            "  both: {limits: {rpm: 3, tpm: 5000}, route: [{upstream: up}]}\n"
            "  five: {limits: {rpm: 3, tpm: 5000, rpd: 7, tpd: 70000, concurrency: 8},"
            " route: [{upstream: up}]}\n";
        return text;
    }
    static std::string stream_of(std::string_view text) {
        return sse_head() + chunk(chat_event(text) + std::string(done_event)) + chunk("");
    }
    FakeUpstream upstream_;
};

TEST_F(LimitHeaders, AllSixStandOnSuccessAndRefusal) {
    const Gateway gateway(config(upstream_, false));
    for (const bool is_streaming : {false, true, false}) {
        upstream_.answer(Script().send(is_streaming ? stream_of("a") : chat_answer()));
        const Response response = gateway.send(chat_request(alice_key, "both", is_streaming));
        expect_success(response);
        for (const std::string_view name : six) EXPECT_EQ(response.head.count(name), 1U) << name;
        EXPECT_EQ(response.field("x-ratelimit-limit-requests"), "3");
        EXPECT_EQ(response.field("x-ratelimit-limit-tokens"), "5000");
        EXPECT_GE(tokens_left(response), 0);
        EXPECT_LT(tokens_left(response), 5000);
        expect_go_duration(response.field("x-ratelimit-reset-requests"));
        expect_go_duration(response.field("x-ratelimit-reset-tokens"));
        EXPECT_FALSE(response.head.has("ratelimit"));
        EXPECT_FALSE(response.head.has("ratelimit-policy"));
    }
    const Response refused = gateway.chat(alice_key, "both");
    expect_rate_limited(refused, "rpm");
    for (const std::string_view name : six) EXPECT_EQ(refused.head.count(name), 1U) << name;
    EXPECT_EQ(refused.field("x-ratelimit-remaining-requests"), "0");
    expect_go_duration(refused.field("x-ratelimit-reset-requests"));
    expect_go_duration(refused.field("x-ratelimit-reset-tokens"));
    EXPECT_FALSE(refused.head.has("ratelimit"));
}

TEST_F(LimitHeaders, StandOnAnswersThatTheUpstreamRefused) {
    const Gateway gateway(config(upstream_, false));
    upstream_.answer(Script().send(json_response(400, R"({"error":{"message":"x"}})")));
    const Response response = gateway.chat(alice_key, "both");
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.field("x-ratelimit-remaining-requests"), "2");
}

TEST_F(LimitHeaders, AnUpstreamsOwnNeverPass) {
    const Gateway gateway(config(upstream_, false));
    upstream_.answer(Script().send(chat_answer(
        1, 1,
        "x-ratelimit-limit-requests: 99999\r\nx-ratelimit-remaining-tokens: 12345\r\n"
        "x-ratelimit-limit-project-tokens: 60000\r\nanthropic-ratelimit-requests-limit: 7\r\n"
        "RateLimit: \"a\";r=1\r\nRateLimit-Policy: \"a\";q=1\r\nretry-after: 9\r\n"
        "retry-after-ms: 9000\r\n")));
    for (const std::string model : {"m", "both"}) {
        const Response response = gateway.chat(alice_key, model);
        expect_success(response);
        for (const auto& [name, value] : response.head.fields) {
            EXPECT_TRUE(value != "99999" && value != "12345" && value != "60000") << name;
            EXPECT_FALSE(to_lower(name).starts_with("anthropic-")) << name;
            EXPECT_FALSE(to_lower(name).starts_with("ratelimit")) << name;
            EXPECT_FALSE(to_lower(name).starts_with("retry-after")) << name;
        }
    }
}

TEST_F(LimitHeaders, TheIetfFieldsComeWhenAskedFor) {
    const Gateway gateway(config(upstream_, true));
    const std::regex member(R"~("[a-z]+";r=[0-9]+(;t=[0-9]+)?)~");
    for (int i = 0; i < 4; ++i) {
        SCOPED_TRACE(i);
        const Response response = gateway.chat(alice_key, "five");
        EXPECT_EQ(response.status, i < 3 ? 200 : 429);
        const std::string policy = response.field("ratelimit-policy");
        const std::string limit = response.field("ratelimit");
        for (const std::string name : {"\"rpm\"", "\"tpm\"", "\"rpd\"", "\"tpd\""}) {
            EXPECT_NE(policy.find(name), std::string::npos) << policy;
        }
        EXPECT_NE(policy.find("\"rpm\";q=3;w=60"), std::string::npos) << policy;
        EXPECT_NE(policy.find("\"rpd\";q=7;w=86400"), std::string::npos) << policy;
        EXPECT_TRUE(std::regex_search(limit, member)) << limit;
        EXPECT_NE(limit.find("\"rpm\";r=" + std::to_string(std::max(0, 2 - i))), std::string::npos)
            << limit;
        EXPECT_TRUE(response.head.has("x-ratelimit-limit-requests")) << "beside the six";
    }
    const Response unlimited = gateway.chat(alice_key, "m");
    EXPECT_FALSE(unlimited.head.has("ratelimit"));
    EXPECT_FALSE(unlimited.head.has("ratelimit-policy"));
}

}  // namespace
}  // namespace sluicegate::support
