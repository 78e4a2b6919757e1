#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace sluicegate::support {
namespace {

/// How many of `attempts` chats were admitted; everything else must be the 429.
int admitted_of(const Gateway& gateway, std::string_view key, std::string_view model,
                int attempts) {
    int admitted = 0;
    for (int i = 0; i < attempts; ++i) {
        const Response response = gateway.chat(key, model);
        if (response.status == 200) {
            ++admitted;
        } else {
            EXPECT_EQ(response.status, 429) << response.body;
            EXPECT_EQ(response.body, rate_limit_body);
        }
    }
    return admitted;
}

class RateLimit : public testing::Test {
protected:
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};
};

TEST_F(RateLimit, AdmitsExactlyTheLimitAndThenAnswersTheFixed429) {
    for (int i = 0; i < 3; ++i) {
        const Response response = gateway_.chat(alice_key, "limited");
        expect_success(response);
        EXPECT_EQ(response.field("x-ratelimit-limit-requests"), "3");
        EXPECT_EQ(response.field("x-ratelimit-remaining-requests"), std::to_string(2 - i));
        EXPECT_NE(response.field("x-ratelimit-reset-requests"), "");
    }
    const Response refused = gateway_.chat(alice_key, "limited");
    EXPECT_EQ(refused.status, 429);
    EXPECT_TRUE(refused.is_complete);
    EXPECT_EQ(refused.body, rate_limit_body);
    EXPECT_TRUE(refused.field("content-type").starts_with("application/json"));
    EXPECT_EQ(refused.field("content-length"), std::to_string(rate_limit_body.size()));
    EXPECT_EQ(refused.field("x-ratelimit-limit-requests"), "3");
    EXPECT_EQ(refused.field("x-ratelimit-remaining-requests"), "0");
    EXPECT_NE(refused.field("x-ratelimit-reset-requests"), "");
    EXPECT_EQ(refused.field("x-sluicegate-limit"), "rpm");
    EXPECT_EQ(refused.field("cache-control"), "no-store");
    EXPECT_EQ(refused.head.count("x-request-id"), 1U);
    EXPECT_FALSE(refused.head.has("x-should-retry")) << "the wait is not longer than 60 s";
    const int seconds = std::stoi("0" + refused.field("retry-after"));
    const int exact = std::stoi("0" + refused.field("retry-after-ms"));
    EXPECT_GE(seconds, 1);
    EXPECT_LE(seconds, 66);
    EXPECT_GT(exact, 0);
    EXPECT_LE(exact, 66'000);
    EXPECT_EQ(upstream_.requests().size(), 3U) << "a refused request reaches no upstream";
}

TEST_F(RateLimit, IsSharedByTheKeysOfAUser) {
    EXPECT_EQ(admitted_of(gateway_, alice_key, "limited", 2), 2);
    EXPECT_EQ(admitted_of(gateway_, alice_second_key, "limited", 3), 1);
    EXPECT_EQ(admitted_of(gateway_, alice_key, "limited", 1), 0);
}

TEST_F(RateLimit, IsSeparateForEachModelAndEachUser) {
    EXPECT_EQ(admitted_of(gateway_, alice_key, "limited", 5), 3);
    EXPECT_EQ(admitted_of(gateway_, alice_key, "other", 5), 3);
    EXPECT_EQ(admitted_of(gateway_, narrow_key, "other", 5), 3);
}

TEST_F(RateLimit, AGroupOverridesTheModelAndAUserTheGroup) {
    EXPECT_EQ(admitted_of(gateway_, bob_key, "limited", 7), 5);
    EXPECT_EQ(admitted_of(gateway_, carol_key, "limited", 7), 2);
    EXPECT_EQ(admitted_of(gateway_, carol_key, "other", 7), 3) << "the model's own limit";
}

TEST_F(RateLimit, IsSharedByTheEndpointsOfAModel) {
    EXPECT_EQ(admitted_of(gateway_, alice_key, "limited", 2), 2);
    expect_success(gateway_.send(
        post_json("/v1/embeddings", alice_key, R"({"model":"limited","input":"x"})")));
    EXPECT_EQ(gateway_.chat(alice_key, "limited").status, 429);
}

TEST_F(RateLimit, ZeroForbidsAndSaysThatNoRetryHelps) {
    const Response response = gateway_.chat(alice_key, "forbidden");
    EXPECT_EQ(response.status, 429);
    EXPECT_EQ(response.body, rate_limit_body);
    EXPECT_EQ(response.field("x-should-retry"), "false");
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(RateLimit, IsNotChargedByRequestsThatFailBefore) {
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(gateway_.chat("sk-wrong", "limited").status, 401);
        EXPECT_EQ(
            gateway_.send(post_json("/v1/chat/completions", alice_key, R"({"model":"limited",)"))
                .status,
            400);
    }
    EXPECT_EQ(admitted_of(gateway_, alice_key, "limited", 4), 3);
}

TEST_F(RateLimit, AnUnlimitedModelHasNoRateLimitHeaders) {
    const Response response = gateway_.chat(alice_key, "m");
    expect_success(response);
    for (const auto& [name, value] : response.head.fields) {
        EXPECT_FALSE(to_lower(name).starts_with("x-ratelimit")) << name << ": " << value;
    }
}

TEST_F(RateLimit, StreamsCarryTheHeadersToo) {
    upstream_.answer(
        Script().send(sse_head() + chunk(chat_event("a")) + chunk(done_event) + chunk("")));
    const Response response = gateway_.send(chat_request(alice_key, "limited", true));
    expect_success(response);
    EXPECT_EQ(response.field("x-ratelimit-remaining-requests"), "2");
}

TEST(RateLimitWindow, WaitingRetryAfterMsAdmitsAndRejectedRequestsCostNothing) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.window = "2s";
    const Gateway gateway(config);
    EXPECT_EQ(admitted_of(gateway, alice_key, "limited", 3), 3);
    Response refused;
    for (int i = 0; i < 10; ++i) refused = gateway.chat(alice_key, "limited");
    ASSERT_EQ(refused.status, 429);
    const int wait = std::stoi("0" + refused.field("retry-after-ms"));
    EXPECT_GT(wait, 0);
    EXPECT_LE(wait, 2200);
    let_time_pass(milliseconds(wait));
    expect_success(gateway.chat(alice_key, "limited"));
}

TEST(RateLimitRefund, ARequestThatReachedNoUpstreamIsGivenBack) {
    std::string nowhere;
    {
        const FakeUpstream gone;
        nowhere = gone.base_url();
    }
    const Gateway gateway{ConfigText(nowhere)};
    for (int i = 0; i < 5; ++i) EXPECT_EQ(gateway.chat(alice_key, "limited").status, 502);
}

TEST(RateLimitRefund, ARequestThatAnUpstreamRefusedCounts) {
    FakeUpstream upstream;
    upstream.answer(Script().send(json_response(500, "{}")));
    const Gateway gateway{ConfigText(upstream.base_url())};
    for (int i = 0; i < 3; ++i) EXPECT_GE(gateway.chat(alice_key, "limited").status, 500);
    EXPECT_EQ(gateway.chat(alice_key, "limited").status, 429);
    EXPECT_EQ(upstream.requests().size(), 3U);
}

TEST(RateLimitContention, ManyConnectionsGetExactlyTheLimit) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.models += "  busy: {limits: {rpm: 100}, route: [{upstream: up}]}\n";
    const Gateway gateway(config);
    std::atomic<int> admitted{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 8; ++i) {
        clients.emplace_back([&, i] {
            TestClient client = gateway.connect();
            const std::string bytes =
                chat_request(i % 2 == 0 ? alice_key : alice_second_key, "busy");
            for (int k = 0; k < 25; ++k) {
                client.send(bytes);
                const int status = client.read_response().status;
                admitted += status == 200 ? 1 : 0;
                refused += status == 429 ? 1 : 0;
            }
        });
    }
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(admitted, 100);
    EXPECT_EQ(refused, 100);
    EXPECT_EQ(upstream.requests().size(), 100U);
}

}  // namespace
}  // namespace sluicegate::support
