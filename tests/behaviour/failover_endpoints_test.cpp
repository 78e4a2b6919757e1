// Failover beyond chat completions: other APIs, uploads, the embedded upstream, and streams that
// were answered early.
#include "behaviour/routes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class FailoverEndpoints : public testing::Test {
protected:
    FailoverEndpoints() { sign(second_, "second"); }

    ConfigText config(const std::string& options = {}) {
        return routes_config(
            upstream_line("first", first_.base_url(), options) +
                upstream_line("second", second_.base_url()) + "  echo: {kind: echo, tokens: 4}\n",
            "  m: {route: [{upstream: first, model: first-model}],"
            " fallback: [{upstream: second, model: second-model}]}\n"
            "  spoken: {route: [{upstream: first}], fallback: [{upstream: echo}]}\n");
    }
    static std::string event(const std::string& kind, const std::string& members) {
        return "event: " + kind + "\ndata: {\"type\":\"" + kind + "\"," + members + "}\n\n";
    }

    Signal go_;
    FakeUpstream first_;
    FakeUpstream second_;
};

TEST_F(FailoverEndpoints, EveryJsonApiIsRepeatedWithTheOtherModel) {
    const Gateway gateway(config());
    first_.answer(Script().send(json_response(503, "{}")));
    second_.answer_with(
        [](const ReceivedRequest& asked) { return Script().send(answer_to(asked.target())); });
    struct Row {
        std::string target, members;
    };
    const std::vector<Row> rows{{"/v1/completions", R"("prompt":"x")"},
                                {"/v1/responses", R"("input":"x")"},
                                {"/v1/embeddings", R"("input":["x","y"])"},
                                {"/v1/moderations", R"("input":"x")"},
                                {"/v1/rerank", R"("query":"x","documents":["a"])"},
                                {"/v1/images/generations", R"("prompt":"x")"}};
    for (const Row& row : rows) {
        SCOPED_TRACE(row.target);
        const Response response =
            gateway.send(post_json(row.target, alice_key, R"({"model":"m",)" + row.members + "}"));
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.field("x-sluicegate-upstream"), "second");
        EXPECT_EQ(attempts_of(response), 2);
        EXPECT_EQ(second_.requests().back().target(), row.target);
        EXPECT_EQ(second_.requests().back().body,
                  R"({"model":"second-model",)" + row.members + "}");
    }
}

TEST_F(FailoverEndpoints, AnUploadIsRepeatedWhole) {
    const Gateway gateway(config());
    first_.answer(Script().send(json_response(503, "{}")));
    second_.answer(Script().send(json_response(200, R"({"text":"hello"})")));
    const std::string start =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
        "Content-Type: audio/wav\r\n\r\n" +
        std::string(300'000, '\x07') +
        "\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n";
    const std::string end = "\r\n--b--\r\n";
    const Response response = gateway.send(
        request("POST", "/v1/audio/transcriptions",
                bearer(alice_key) + "Content-Type: multipart/form-data; boundary=b\r\n",
                start + "m" + end));
    EXPECT_EQ(response.status, 200);
    ASSERT_EQ(count(second_), 1U);
    EXPECT_TRUE(first_.requests().at(0).body == start + "first-model" + end);
    EXPECT_TRUE(second_.requests().at(0).body == start + "second-model" + end);
}

TEST_F(FailoverEndpoints, AResponsesStreamThatBeginsWithItsFailureLeadsElsewhere) {
    const Gateway gateway(config());
    const std::string created =
        event("response.created", R"("sequence_number":0,"response":{"id":"resp_2"})");
    const std::string completed =
        event("response.completed",
              R"("sequence_number":1,"response":{"id":"resp_2","usage":{"input_tokens":1,)"
              R"("output_tokens":1,"total_tokens":2}})");
    second_.answer(Script().send(sse_head() + chunk(created + completed) + chunk("")));
    const std::string asked =
        post_json("/v1/responses", alice_key, R"({"model":"m","input":"x","stream":true})");
    for (const std::string& beginning :
         {event("error", R"("code":"server_error","message":"x","param":null,"sequence_number":0)"),
          event("response.failed",
                R"("sequence_number":0,"response":{"id":"resp_1","status":"failed","error":)"
                R"({"code":"server_error","message":"x"}})")}) {
        SCOPED_TRACE(beginning);
        first_.answer(Script().send(sse_head() + chunk(beginning) + chunk("")));
        const Response response = gateway.send(asked);
        EXPECT_EQ(response.status, 200);
        EXPECT_TRUE(response.is_complete);
        EXPECT_EQ(response.body, created + completed);
        EXPECT_EQ(attempts_of(response), 2);
    }
    // Once the response was created, its failure is the client's to see.
    const std::size_t before = count(second_);
    first_.answer(
        Script()
            .send(sse_head() + chunk(created))
            .pause(milliseconds(50))
            .send(chunk(event("error", R"("code":"server_error","message":"x","param":null,)"
                                       R"("sequence_number":1)")) +
                  chunk("")));
    const Response seen = gateway.send(asked);
    EXPECT_TRUE(seen.body.starts_with(created)) << seen.body;
    EXPECT_NE(seen.body.find("event: error"), std::string::npos);
    EXPECT_EQ(count(second_), before);
}

TEST_F(FailoverEndpoints, TheEmbeddedUpstreamIsAFallbackLikeAnyOther) {
    const Gateway gateway(config());
    first_.refuse_connections();
    for (const bool is_streaming : {false, true}) {
        const Response response = gateway.send(chat_request(alice_key, "spoken", is_streaming));
        expect_success(response);
        EXPECT_EQ(response.field("x-sluicegate-upstream"), "echo");
        EXPECT_EQ(attempts_of(response), 2);
    }
}

TEST_F(FailoverEndpoints, AStreamThatWasAnsweredEarlyStillGoesElsewhere) {
    ConfigText text = config("timeouts: {first_byte: 1600ms}");
    text.streams = "streams: {keep_alive: 1s, commit_after: 1s}\n";
    const Gateway gateway(text);
    first_.answer(Script().stall());
    const Response response = gateway.stream(alice_key, "m");
    // The head and a comment were sent before the first had failed, but nothing of an answer.
    expect_answer_of(response, "second", true);
    EXPECT_EQ(count(first_), 1U);
    EXPECT_EQ(count(second_), 1U);
}

TEST_F(FailoverEndpoints, AFailedAttemptHoldsNoPlaceWhileTheNextRuns) {
    const Gateway gateway(config("max_in_flight: 1"));
    first_.answer_next(Script().send(json_response(500, "{}")));
    sign(first_, "first");
    second_.answer(Script().wait(go_).send(signed_answer("second")));
    TestClient client = gateway.connect();
    client.send(chat_request(alice_key, "m"));
    ASSERT_TRUE(second_.wait_for_requests(1));
    expect_answer_of(gateway.chat(bob_key, "m"), "first");
    go_.raise();
    expect_answer_of(client.read_response(), "second");
}

}  // namespace
}  // namespace sluicegate::support
