// Tokens: what a request reserves, what it is settled with, and what it gives back (LIMITER 4).
#include "behaviour/harness.hpp"
#include "behaviour/token_requests.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class TokenLimits : public testing::Test {
protected:
    static ConfigText config(const FakeUpstream& upstream) {
        // Each request on a connection of its own: one that dies is then not tried again.
        ConfigText text(upstream.base_url(), "pool: {max_idle: 0}");
        text.models +=
            "  tokens: {limits: {tpm: 1000}, route: [{upstream: up}]}\n"
            "  twin: {limits: {tpm: 1000}, route: [{upstream: up}]}\n"
            "  tiny: {limits: {tpm: 3}, route: [{upstream: up}]}\n"
            "  none: {limits: {tpm: 0}, route: [{upstream: up}]}\n"
            "  lost: {limits: {tpm: 1000}, route: [{upstream: nowhere}]}\n";
        text.upstreams += upstream_line("nowhere", "http://127.0.0.1:1/v1");
        return text;
    }
    /// What one more request of 100 tokens leaves; the same request always reserves the same.
    std::int64_t left_after_a_probe() {
        upstream_.answer_next(Script().send(json_response(400, R"({"error":{"message":"x"}})")));
        const Response response = gateway_.send(capped_chat(alice_key, "tokens", 100));
        EXPECT_EQ(response.status, 400) << response.body;
        return tokens_left(response);
    }
    /// Waits until the tokens of what has ended are given back or charged.
    bool settles_at(std::int64_t left) {
        return eventually([&] { return left_after_a_probe() == left; });
    }

    // Signals outlive the upstream that waits for them.
    Signal go_;
    Signal never_ended_;
    FakeUpstream upstream_;
    Gateway gateway_{config(upstream_)};
};

TEST_F(TokenLimits, AnswersCarryTheHeadersOfTheTokenLimit) {
    const Response response = gateway_.send(capped_chat(alice_key, "tokens", 100));
    expect_success(response);
    EXPECT_EQ(response.field("x-ratelimit-limit-tokens"), "1000");
    EXPECT_GT(tokens_left(response), 700);
    EXPECT_LE(tokens_left(response), 900) << "the cap and an estimate of the prompt are reserved";
    EXPECT_NE(response.field("x-ratelimit-reset-tokens"), "");
    EXPECT_FALSE(response.head.has("x-ratelimit-limit-requests")) << "no limit of requests";
}

TEST_F(TokenLimits, AStatedSizeThatCanNeverFitIsRefusedForGood) {
    struct Row {
        std::string name, path, members;
    };
    const std::string chat = "/v1/chat/completions";
    const std::string messages = R"("messages":[{"role":"user","content":"hi"}])";
    const std::vector<Row> rows{
        {"max_tokens", chat, messages + R"(,"max_tokens":1001)"},
        {"max_completion_tokens", chat, messages + R"(,"max_completion_tokens":1001)"},
        {"the larger of two caps", chat,
         messages + R"(,"max_tokens":5,"max_completion_tokens":2000)"},
        {"the larger, turned round", chat,
         messages + R"(,"max_completion_tokens":5,"max_tokens":2000)"},
        {"times n", chat, messages + R"(,"max_tokens":400,"n":3)"},
        {"streamed", chat, messages + R"(,"max_tokens":1001,"stream":true)"},
        {"completions", "/v1/completions", R"("prompt":"hi","max_tokens":1001)"},
        {"completions, best_of", "/v1/completions",
         R"("prompt":"hi","max_tokens":400,"best_of":3)"},
        {"responses", "/v1/responses", R"("input":"hi","max_output_tokens":1001)"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Response response = gateway_.send(
            post_json(row.path, alice_key, R"({"model":"tokens",)" + row.members + "}"));
        expect_refused_for_good(response, "tpm");
    }
    EXPECT_TRUE(upstream_.requests().empty());
    EXPECT_GT(left_after_a_probe(), 700) << "a refusal costs nothing";
}

TEST_F(TokenLimits, AStatedSizeThatFitsAloneIsAdmittedOnAnIdleKey) {
    EXPECT_EQ(gateway_.send(capped_chat(alice_key, "tokens", 1000)).status, 200);
}

TEST_F(TokenLimits, AnIdleKeyAdmitsOneRequestWhoseSizeIsOnlyGuessed) {
    upstream_.answer_next(Script().raise(go_).wait(never_ended_));
    TestClient holder = gateway_.connect();
    holder.send(chat_request(alice_key, "tiny"));
    ASSERT_TRUE(go_.wait());
    const Response refused = gateway_.chat(alice_key, "tiny");
    expect_rate_limited(refused, "tpm");
    EXPECT_FALSE(refused.head.has("x-should-retry")) << "it will fit when the key is idle";
    EXPECT_GT(number_in(refused, "retry-after-ms"), 0);
    expect_success(gateway_.chat(bob_key, "tiny"));
    EXPECT_EQ(upstream_.requests().size(), 2U);
}

TEST_F(TokenLimits, ZeroForbids) {
    const Response response = gateway_.chat(alice_key, "none");
    expect_rate_limited(response, "tpm");
    EXPECT_EQ(response.field("x-should-retry"), "false");
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(TokenLimits, SettlementChargesWhatTheUpstreamReported) {
    const std::int64_t first = left_after_a_probe();
    ASSERT_TRUE(settles_at(first)) << "a refused request gives its tokens back";

    upstream_.answer_next(Script().send(chat_answer(7, 13)));
    expect_success(gateway_.send(capped_chat(alice_key, "tokens", 500)));
    EXPECT_TRUE(settles_at(first - 20)) << "less than reserved: the rest is free at once";

    upstream_.answer_next(Script().send(chat_answer(100, 200)));
    expect_success(gateway_.send(capped_chat(alice_key, "tokens", 10)));
    EXPECT_TRUE(settles_at(first - 320)) << "more than reserved: all of it is charged";

    upstream_.answer_next(Script().send(
        sse_head() + chunk(chat_event("a") + usage_event(30, 10) + std::string(done_event)) +
        chunk("")));
    expect_success(gateway_.send(capped_chat(alice_key, "tokens", 10, true)));
    EXPECT_TRUE(settles_at(first - 360)) << "a stream too";
    EXPECT_GT(tokens_left(gateway_.send(capped_chat(alice_key, "twin", 100))), first - 100)
        << "another model is not touched";
}

TEST_F(TokenLimits, ADebtKeepsTheNextOnesOut) {
    upstream_.answer_next(Script().send(chat_answer(1000, 2000)));
    expect_success(gateway_.send(capped_chat(alice_key, "tokens", 10)));
    ASSERT_TRUE(eventually(
        [&] { return gateway_.send(capped_chat(alice_key, "tokens", 10)).status == 429; }));
    const Response refused = gateway_.send(capped_chat(alice_key, "tokens", 10));
    expect_rate_limited(refused, "tpm");
    EXPECT_EQ(tokens_left(refused), 0);
    EXPECT_EQ(refused.field("x-ratelimit-limit-tokens"), "1000");
}

TEST_F(TokenLimits, TokensOfARequestUnderWayAreHeld) {
    const std::int64_t first = left_after_a_probe();
    ASSERT_TRUE(settles_at(first));
    upstream_.answer_next(Script().raise(go_).wait(never_ended_));
    TestClient holder = gateway_.connect();
    holder.send(capped_chat(alice_key, "tokens", 100));
    ASSERT_TRUE(go_.wait());
    EXPECT_EQ(left_after_a_probe(), first - (1000 - first)) << "the same request is held twice";
    const Response refused = gateway_.send(capped_chat(alice_key, "tokens", 950));
    expect_rate_limited(refused, "tpm");
    EXPECT_FALSE(refused.head.has("x-should-retry"));
}

TEST_F(TokenLimits, AnUpstreamThatFailsBeforeAnyOutputIsFree) {
    const std::int64_t first = left_after_a_probe();
    struct Row {
        std::string name;
        Script script;
        bool is_streaming = false;
    };
    const std::vector<Row> rows{
        {"500", Script().send(json_response(500, "{}"))},
        {"429", Script().send(json_response(429, "{}"))},
        {"401", Script().send(json_response(401, "{}"))},
        {"closed before the head", Script().cut()},
        {"closed after the head of a stream", Script().send(sse_head()).cut(), true},
        {"an error as the first event",
         Script().send(sse_head() + chunk("data: {\"error\":{\"message\":\"x\","
                                          "\"type\":\"server_error\"}}\n\n")),
         true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        upstream_.answer_next(row.script);
        const Response response =
            gateway_.send(capped_chat(alice_key, "tokens", 300, row.is_streaming));
        EXPECT_GE(response.status, 429) << response.body;
        EXPECT_TRUE(settles_at(first));
    }
}

TEST_F(TokenLimits, ARequestThatReachedNoUpstreamIsFree) {
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(gateway_.send(capped_chat(alice_key, "lost", 700)).status, 502);
    }
}

TEST_F(TokenLimits, GrowsWithAStreamThatSaysMoreThanItReserved) {
    const std::int64_t first = left_after_a_probe();
    std::string deltas;
    for (int i = 0; i < 400; ++i) deltas += chat_event("word ");
    upstream_.answer_next(
        Script()
            .send(sse_head() + chunk(deltas))
            .wait(go_)
            .send(chunk(usage_event(5, 500) + std::string(done_event)) + chunk("")));
    TestClient client = gateway_.connect();
    client.send(capped_chat(alice_key, "tokens", 10, true));
    EXPECT_EQ(client.read_head().status, 200);
    EXPECT_TRUE(eventually([&] { return left_after_a_probe() <= first - 350; }))
        << "the headers tell the truth while the stream runs";
    go_.raise();
    expect_success(client.read_rest());
    EXPECT_TRUE(settles_at(first - 505)) << "and the report is what counts in the end";
}

TEST_F(TokenLimits, AStreamThatReportsNoUsageIsSettledWithWhatWasCounted) {
    const std::int64_t first = left_after_a_probe();
    std::string deltas;
    for (int i = 0; i < 200; ++i) deltas += chat_event("word ");
    upstream_.answer_next(
        Script().send(sse_head() + chunk(deltas + std::string(done_event)) + chunk("")));
    expect_success(gateway_.send(capped_chat(alice_key, "tokens", 800, true)));
    std::int64_t left = 0;
    EXPECT_TRUE(eventually([&] { return (left = left_after_a_probe()) > first - 800; }));
    EXPECT_LE(left, first - 150) << "200 deltas were counted";
    EXPECT_GE(left, first - 450);
}

TEST_F(TokenLimits, AClientThatLeavesPaysForWhatWasProduced) {
    const std::int64_t first = left_after_a_probe();
    std::string deltas;
    for (int i = 0; i < 199; ++i) deltas += chat_event("word ");
    deltas += chat_event("the last");
    upstream_.answer_next(Script().send(sse_head() + chunk(deltas)).wait(go_));
    TestClient client = gateway_.connect();
    client.send(capped_chat(alice_key, "tokens", 800, true));
    EXPECT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_until("the last"));
    client.wire().reset();
    std::int64_t left = 0;
    EXPECT_TRUE(eventually([&] { return (left = left_after_a_probe()) > first - 800; }))
        << "not for what it had reserved";
    EXPECT_LE(left, first - 150) << "and not nothing";
}

TEST_F(TokenLimits, EachEndpointIsSettledByItsOwnUsage) {
    const std::int64_t first = left_after_a_probe();
    struct Row {
        std::string name, path, members, answer;
        std::int64_t total;
    };
    const std::vector<Row> rows{
        {"embeddings", "/v1/embeddings", R"("input":"x")",
         R"({"object":"list","data":[],"model":"m","usage":{"prompt_tokens":11,"total_tokens":11}})",
         11},
        {"completions", "/v1/completions", R"("prompt":"x","max_tokens":50)",
         R"({"object":"text_completion","choices":[{"text":"a","index":0}],)"
         R"("usage":{"prompt_tokens":2,"completion_tokens":5,"total_tokens":7}})",
         7},
        {"responses", "/v1/responses", R"("input":"x","max_output_tokens":50)",
         R"({"object":"response","status":"completed","output":[],)"
         R"("usage":{"input_tokens":9,"output_tokens":4,"total_tokens":13}})",
         13},
    };
    std::int64_t expected = first;
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        upstream_.answer_next(Script().send(json_response(200, row.answer)));
        expect_success(gateway_.send(
            post_json(row.path, alice_key, R"({"model":"tokens",)" + row.members + "}")));
        expected -= row.total;
        EXPECT_TRUE(settles_at(expected));
    }
    upstream_.answer_next(Script().send(
        sse_head() +
        chunk("event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,"
              "\"response\":{\"usage\":null}}\n\n"
              "event: response.completed\ndata: {\"type\":\"response.completed\","
              "\"sequence_number\":1,\"response\":{\"usage\":{\"input_tokens\":3,"
              "\"output_tokens\":14,\"total_tokens\":17}}}\n\n") +
        chunk("")));
    expect_success(gateway_.send(
        post_json("/v1/responses", alice_key,
                  R"({"model":"tokens","input":"x","max_output_tokens":50,"stream":true})")));
    EXPECT_TRUE(settles_at(expected - 17)) << "a responses stream";
}

}  // namespace
}  // namespace sluicegate::support
