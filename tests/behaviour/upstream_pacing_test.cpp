// Requests go elsewhere before a provider refuses them: by what it says it has left, and by the
// ceilings that the configuration gives it.
#include "behaviour/routes.hpp"
#include "behaviour/token_requests.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

FieldText tokens_told(int limit, int remaining, const std::string& reset) {
    return "x-ratelimit-limit-tokens: " + std::to_string(limit) +
           "\r\nx-ratelimit-remaining-tokens: " + std::to_string(remaining) +
           "\r\nx-ratelimit-reset-tokens: " + reset + "\r\n";
}

FieldText requests_told(int limit, int remaining, const std::string& reset) {
    return "x-ratelimit-limit-requests: " + std::to_string(limit) +
           "\r\nx-ratelimit-remaining-requests: " + std::to_string(remaining) +
           "\r\nx-ratelimit-reset-requests: " + reset + "\r\n";
}

class UpstreamPacing : public testing::Test {
protected:
    UpstreamPacing() {
        sign(first_, "first");
        sign(second_, "second");
    }
    ConfigText config(const std::string& options = {}) {
        return routes_config(upstream_line("first", first_.base_url(), options) +
                                 upstream_line("second", second_.base_url()),
                             "  m: {route: [{upstream: first}], fallback: [{upstream: second}]}\n"
                             "  alone: {route: [{upstream: first, model: m}]}\n"
                             "  another: {route: [{upstream: first}]}\n");
    }
    /// What the answer of the first tells beside its next answer.
    void tell(const FieldText& fields) {
        first_.answer_next(Script().send(signed_answer("first", false, 10, 10, fields)));
    }

    FakeUpstream first_;
    FakeUpstream second_;
};

TEST_F(UpstreamPacing, WithoutTokensLeftTheNextRequestGoesElsewhere) {
    struct Row {
        std::string name;
        FieldText told;
    };
    const std::vector<Row> rows{
        {"OpenAI tokens", tokens_told(60'000, 0, "1m0s")},
        {"OpenAI tokens, ms and fractions", tokens_told(60'000, 0, "59.98s")},
        {"OpenAI requests", requests_told(500, 0, "6m0s")},
        {"whole seconds, as Azure", requests_told(10, 0, "60")},
        {"too few tokens for this one", tokens_told(60'000, 200, "59s")},
        {"of the project",
         "x-ratelimit-limit-project-tokens: 60000\r\n"
         "x-ratelimit-remaining-project-tokens: 0\r\n"
         "x-ratelimit-reset-project-tokens: 60s\r\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Gateway gateway(config());
        const std::size_t before = count(first_);
        tell(row.told);
        expect_answer_of(gateway.send(capped_chat(alice_key, "m", 30'000)), "first");
        const Response response = gateway.send(capped_chat(alice_key, "m", 30'000));
        expect_answer_of(response, "second");
        EXPECT_EQ(attempts_of(response), 1) << "it was not refused first";
        expect_answer_of(gateway.send(capped_chat(alice_key, "m", 30'000, true)), "second", true);
        EXPECT_EQ(count(first_), before + 1);
    }
}

TEST_F(UpstreamPacing, WithNoElsewhereItIsSentThere) {
    const Gateway gateway(config());
    for (int i = 0; i < 5; ++i) {
        tell(tokens_told(60'000, 0, "1m0s"));
        expect_answer_of(gateway.send(capped_chat(alice_key, "alone", 1000)), "first");
    }
    EXPECT_EQ(count(first_), 5U) << "a prediction refuses no request";
}

TEST_F(UpstreamPacing, WhenElsewhereFailsItIsSentThereAfterAll) {
    const Gateway gateway(config());
    tell(tokens_told(60'000, 0, "1m0s"));
    expect_answer_of(gateway.send(capped_chat(alice_key, "m", 1000)), "first");
    second_.answer(Script().send(json_response(500, "{}")));
    const Response response = gateway.send(capped_chat(alice_key, "m", 1000));
    expect_answer_of(response, "first");
    EXPECT_EQ(attempts_of(response), 2);
}

TEST_F(UpstreamPacing, EndsWithTheResetThatWasTold) {
    const Gateway gateway(config());
    tell(tokens_told(60'000, 0, "1s"));
    expect_answer_of(gateway.send(capped_chat(alice_key, "m", 50'000)), "first");
    expect_answer_of(gateway.send(capped_chat(alice_key, "m", 50'000)), "second");
    EXPECT_TRUE(eventually([&] {
        return gateway.send(capped_chat(alice_key, "m", 50'000)).body.find("first") !=
               std::string::npos;
    }));
}

TEST_F(UpstreamPacing, WhatWasSentSinceIsCounted) {
    const Gateway gateway(config());
    // Nothing further is told: from here on it is the gateway's own arithmetic.
    tell(tokens_told(60'000, 2500, "58s"));
    expect_answer_of(gateway.send(capped_chat(alice_key, "m", 1000)), "first");
    expect_answer_of(gateway.send(capped_chat(alice_key, "m", 1000)), "first");
    expect_answer_of(gateway.send(capped_chat(alice_key, "m", 1000)), "first");
    expect_answer_of(gateway.send(capped_chat(alice_key, "m", 1500)), "second");
}

TEST_F(UpstreamPacing, PlentyLeftSendsNobodyAway) {
    const Gateway gateway(config());
    sign(first_, "first", milliseconds(0),
         tokens_told(60'000, 59'000, "1s") + requests_told(500, 499, "120ms"));
    for (int i = 0; i < 20; ++i) {
        expect_answer_of(gateway.send(capped_chat(alice_key, "m", 1000)), "first");
    }
    EXPECT_EQ(count(second_), 0U);
}

TEST_F(UpstreamPacing, NonsenseIsIgnored) {
    for (const FieldText& told :
         {tokens_told(-5, -7, "never"), FieldText("x-ratelimit-remaining-tokens: many\r\n"),
          FieldText("x-ratelimit-remaining-tokens: \r\n"), tokens_told(0, 0, "0s"),
          FieldText("x-ratelimit-remaining-requests: 99999999999999999999999\r\n")}) {
        SCOPED_TRACE(told);
        const Gateway gateway(config());
        tell(told);
        expect_answer_of(gateway.chat(alice_key, "m"), "first");
        expect_answer_of(gateway.chat(alice_key, "m"), "first");
    }
}

TEST_F(UpstreamPacing, WithoutAResetItEndsSoon) {
    const Gateway gateway(config());
    tell("x-ratelimit-remaining-tokens: 0\r\n");
    expect_answer_of(gateway.chat(alice_key, "m"), "first");
    EXPECT_TRUE(eventually(
        [&] { return gateway.chat(alice_key, "m").body.find("first") != std::string::npos; }));
}

TEST_F(UpstreamPacing, OfOneModelLeavesTheOthers) {
    const Gateway gateway(config());
    tell(tokens_told(60'000, 0, "1m0s"));
    expect_answer_of(gateway.send(capped_chat(alice_key, "m", 1000)), "first");
    expect_answer_of(gateway.send(capped_chat(alice_key, "another", 1000)), "first");
    expect_answer_of(gateway.send(capped_chat(alice_key, "m", 1000)), "second");
}

TEST_F(UpstreamPacing, WhatTheProviderToldNeverReachesTheClient) {
    const Gateway gateway(config());
    tell(tokens_told(60'000, 123, "1m0s") + "openai-organization: org-SECRET\r\n");
    const Response response = gateway.chat(alice_key, "m");
    expect_answer_of(response, "first");
    for (const auto& [name, value] : response.head.fields) {
        EXPECT_FALSE(to_lower(name).starts_with("x-ratelimit")) << name;
        EXPECT_EQ(value.find("SECRET"), std::string::npos);
    }
}

class UpstreamCeiling : public UpstreamPacing {};

TEST_F(UpstreamCeiling, OfRequestsSendsTheNextElsewhere) {
    const Gateway gateway(config("limits: {rpm: 3}"));
    for (const std::string_view key : {alice_key, bob_key, carol_key}) {
        expect_answer_of(gateway.chat(key, "m"), "first");
    }
    for (const bool is_streaming : {false, true}) {
        const Response response = gateway.send(chat_request(alice_key, "m", is_streaming));
        expect_answer_of(response, "second", is_streaming);
        EXPECT_EQ(attempts_of(response), 1);
    }
    EXPECT_EQ(count(first_), 3U);
}

TEST_F(UpstreamCeiling, WithNoElsewhereIs429WithTheWait) {
    const Gateway gateway(config("limits: {rpm: 3}"));
    for (int i = 0; i < 3; ++i) expect_answer_of(gateway.chat(alice_key, "alone"), "first");
    const Response response = gateway.chat(alice_key, "alone");
    expect_error(response,
                 {.status = 429, .type = "rate_limit_error", .code = "upstream_rate_limited"});
    EXPECT_GT(number_in(response, "retry-after-ms"), 40'000);
    EXPECT_LE(number_in(response, "retry-after-ms"), 66'000);
    EXPECT_FALSE(response.head.has("x-sluicegate-limit")) << "that names the user's own limits";
    EXPECT_EQ(count(first_), 3U);
}

TEST_F(UpstreamCeiling, HoldsForAllModelsAndUsersOfTheUpstream) {
    const Gateway gateway(config("limits: {rpm: 3}"));
    expect_answer_of(gateway.chat(alice_key, "m"), "first");
    expect_answer_of(gateway.chat(bob_key, "alone"), "first");
    expect_answer_of(gateway.chat(carol_key, "another"), "first");
    expect_answer_of(gateway.chat(alice_key, "m"), "second");
    EXPECT_EQ(gateway.chat(alice_key, "another").status, 429);
}

TEST_F(UpstreamCeiling, OfTokensCountsWhatRequestsMayCost) {
    Signal go;
    FakeUpstream slow;
    ConfigText text = config();
    text.upstreams = upstream_line("first", slow.base_url(), "limits: {tpm: 10000}") +
                     upstream_line("second", second_.base_url());
    const Gateway held(text);
    slow.answer(Script().wait(go).send(signed_answer("first")));
    TestClient client = held.connect();
    client.send(capped_chat(alice_key, "m", 6000));
    ASSERT_TRUE(slow.wait_for_requests(1));
    expect_answer_of(held.send(capped_chat(bob_key, "m", 6000)), "second");
    EXPECT_EQ(count(slow), 1U) << "6000 of 10000 are taken while the first runs";
    go.raise();
    expect_answer_of(client.read_response(), "first");
    // It used 2 tokens of them in the end.
    EXPECT_TRUE(eventually([&] {
        return held.send(capped_chat(bob_key, "m", 6000)).body.find("first") != std::string::npos;
    }));
}

TEST_F(UpstreamCeiling, IsKeptFromManyClientsAtOnceAndLosesNoRequest) {
    ConfigText text = config("limits: {rpm: 50}");
    text.threads = "4";
    const Gateway gateway(text);
    std::atomic<int> good{0};
    run_load(gateway, {.clients = 16, .each = 10, .request = chat_request(alice_key, "m")},
             [&](const Response& response) { good += response.status == 200 ? 1 : 0; });
    EXPECT_EQ(good, 160);
    EXPECT_EQ(count(first_), 50U);
    EXPECT_EQ(count(second_), 110U);
}

TEST_F(UpstreamCeiling, OpensAgainWithTheWindow) {
    ConfigText text = config("limits: {rpm: 3}");
    text.window = "1s";
    const Gateway gateway(text);
    for (int i = 0; i < 3; ++i) expect_success(gateway.chat(alice_key, "alone"));
    EXPECT_TRUE(eventually([&] { return gateway.chat(alice_key, "alone").status == 200; }));
}

TEST_F(UpstreamCeiling, SurvivesAReload) {
    const ConfigText text = config("limits: {rpm: 3}");
    Gateway gateway(text);
    for (int i = 0; i < 3; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "first");
    gateway.daemon().reload(text.text());
    expect_answer_of(gateway.chat(alice_key, "m"), "second");
}

TEST_F(UpstreamCeiling, IsNotTheUsersLimit) {
    ConfigText text = config("limits: {rpm: 1}");
    text.models = "  m: {limits: {rpm: 2}, route: [{upstream: first}]}\n";
    const Gateway gateway(text);
    expect_success(gateway.chat(alice_key, "m"));
    EXPECT_EQ(gateway.chat(alice_key, "m").status, 429);
    // The ceiling refused the second: it cost alice nothing, and bob has not even asked.
    const Response bob = gateway.chat(bob_key, "m");
    expect_error(bob, {.status = 429, .type = "rate_limit_error", .code = "upstream_rate_limited"});
    const Response again = gateway.chat(alice_key, "m");
    EXPECT_FALSE(again.head.has("x-sluicegate-limit")) << again.body;
}

}  // namespace
}  // namespace sluicegate::support
