// When a failed attempt is followed by another, when it must not be, and what that costs.
#include "behaviour/routes.hpp"
#include "behaviour/token_requests.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

const std::string first_key = "sk-first-secret-00000000000000000000";
const std::string second_key = "sk-second-secret-1111111111111111111";

std::string with_key(const std::string& name, const FakeUpstream& upstream, const std::string& key,
                     const std::string& options) {
    return "  " + name + ": {kind: openai, base_url: \"" + upstream.base_url() +
           "\", api_key: " + key + ", " + options + "}\n";
}

class FailoverRules : public testing::Test {
protected:
    FailoverRules() { sign(second_, "second"); }

    ConfigText config(const std::string& limits = {}) {
        const std::string patient_breaker = "breaker: {connect_failures: 100, min_requests: 1000}";
        return routes_config(
            with_key("first", first_, first_key,
                     "timeouts: {first_byte: 600ms, between_bytes: 600ms}, " + patient_breaker) +
                with_key("second", second_, second_key, patient_breaker),
            "  m: {" + limits +
                "route: [{upstream: first, model: first-model}],"
                " fallback: [{upstream: second, model: second-model}]}\n");
    }
    void expect_untouched_second() { EXPECT_EQ(count(second_), 0U); }

    Signal go_;
    Signal never_;
    FakeUpstream first_;
    FakeUpstream second_;
};

TEST_F(FailoverRules, WhatTheCallerCausedIsNobodyElsesToAnswer) {
    const Gateway gateway(config());
    for (const int status : {400, 409, 413, 415, 422}) {
        for (const bool is_streaming : {false, true}) {
            SCOPED_TRACE(status);
            first_.answer(Script().send(json_response(
                status, R"({"error":{"message":"yours","type":"t","param":null,"code":"c"}})")));
            const Response response = gateway.send(chat_request(alice_key, "m", is_streaming));
            EXPECT_EQ(response.status, status);
            EXPECT_NE(response.body.find("yours"), std::string::npos);
            EXPECT_EQ(attempts_of(response), 1);
            EXPECT_EQ(response.field("x-sluicegate-upstream"), "first");
        }
    }
    expect_untouched_second();
}

TEST_F(FailoverRules, WhatTheOperatorOrTheUpstreamCausedGoesElsewhere) {
    struct Row {
        int status;
        const char* type;
        std::string body;
    };
    const Row rows[] = {
        {404, "application/json",
         R"({"error":{"message":"The model x does not exist","type":"NotFoundError","code":404}})"},
        {404, "application/json", R"({"error":"model 'x' not found, try pulling it first"})"},
        {404, "text/html", "<html><body>404 page not found</body></html>"},
        {404, "text/plain", "404 page not found"},
        {404, "application/json", R"({"detail":"Not Found"})"},
        {405, "application/json", R"({"detail":"Method Not Allowed"})"},
        {408, "application/json", R"({"error":{"code":"Timeout","message":"it timed out"}})"},
        {421, "text/plain", "misdirected"},
        {425, "text/plain", "too early"},
        {499, "application/json", R"({"error":{"message":"client closed"}})"},
        {501, "application/json", R"({"error":{"message":"not built in","code":501}})"},
        {500, "text/plain", "Internal Server Error"},
    };
    const Gateway gateway(config());
    for (const Row& row : rows) {
        for (const bool is_streaming : {false, true}) {
            SCOPED_TRACE(row.body);
            first_.answer(Script().send(response(row.status, row.type, row.body)));
            const Response answer = gateway.send(chat_request(alice_key, "m", is_streaming));
            expect_answer_of(answer, "second", is_streaming);
            EXPECT_EQ(attempts_of(answer), 2);
        }
    }
}

TEST_F(FailoverRules, WhereNothingIsLeftTheUpstreamsWordsReachTheClient) {
    struct Row {
        int status;
        const char* type;
        std::string body;
        int told;
        const char* words;
    };
    const Row rows[] = {
        {404, "application/json", R"({"error":"model 'x' not found, try pulling it"})", 502,
         "model 'x' not found, try pulling it"},
        {404, "text/html", "<html><body>404 <b>page</b> not found</body></html>", 502,
         "404 page not found"},
        {405, "application/json", R"({"detail":"Method Not Allowed"})", 502, "Method Not Allowed"},
        {408, "text/plain", "it timed out", 502, "it timed out"},
        {501, "application/json", R"({"error":{"message":"not built in"}})", 501, "not built in"},
        {503, "application/json", R"({"error":{"message":"Loading model"}})", 503, "Loading model"},
        {500, "application/json", R"({"errors":[{"message":"one"},"two"]})", 502, "one; two"},
    };
    Gateway gateway(config());
    for (const Row& row : rows) {
        SCOPED_TRACE(row.body);
        first_.answer(Script().send(response(row.status, row.type, row.body)));
        second_.answer(Script().send(response(row.status, row.type, row.body)));
        const Response answer = gateway.chat(alice_key, "m");
        EXPECT_EQ(answer.status, row.told);
        EXPECT_NE(answer.body.find(row.words), std::string::npos) << answer.body;
        EXPECT_TRUE(eventually([&] {
            return gateway.daemon().log().find(row.words) != std::string::npos;
        })) << "request_failed has them too";
    }
}

TEST_F(FailoverRules, A404ThatNamesSomethingOfTheRequestIsTheCallers) {
    const Gateway gateway(config());
    const std::string bodies[] = {
        R"({"error":{"message":"none","type":"t","param":"file_id","code":null}})",
        R"({"error":{"message":"No such File object: file-abc1","type":"invalid_request_error"}})",
        R"({"error":{"message":"Response with id 'resp_12' not found.","code":null}})",
    };
    for (const std::string& body : bodies) {
        SCOPED_TRACE(body);
        first_.answer(Script().send(json_response(404, body)));
        EXPECT_EQ(gateway.chat(alice_key, "m").status, 404);
    }
    expect_untouched_second();
}

TEST_F(FailoverRules, WordsOfARejectionReachTheClientInAnyShape) {
    const Gateway gateway(config());
    const std::pair<const char*, std::string> bodies[] = {
        {"text/plain", "these words"},
        {"application/json", R"({"detail":"these words"})"},
        {"application/json", R"({"errors":["these","words"]})"},
        {"application/json", R"({"message":"these words"})"},
        {"application/json", R"([{"error":{"message":"these words"}}])"},
    };
    for (const auto& [type, body] : bodies) {
        SCOPED_TRACE(body);
        first_.answer(Script().send(response(422, type, body)));
        const Response answer = gateway.chat(alice_key, "m");
        EXPECT_EQ(answer.status, 422);
        const std::string text = nlohmann::json::parse(answer.body)["error"]["message"];
        EXPECT_TRUE(text == "these words" || text == "these; words") << text;
    }
    expect_untouched_second();
}

/// Three endpoints of one upstream; each answers all requests with "bad" in them as told.
class RefusedEverywhere : public testing::Test {
protected:
    void serve(FakeUpstream& server, int status, const std::string& body) {
        server.answer_with([status, body](const ReceivedRequest& request) {
            const bool is_bad = request.body.find("bad") != std::string::npos;
            return Script().send(is_bad ? json_response(status, body) : signed_answer("good"));
        });
    }
    ConfigText config() {
        return routes_config(
            endpoints_line("trio", {one_.base_url(), two_.base_url(), three_.base_url()},
                           "breaker: {min_requests: 5, error_rate: 30%, open_for: 60s}"),
            "  m: {route: [{upstream: trio}]}\n");
    }
    static Response bad(const Gateway& gateway) {
        return gateway.send(
            post_json("/v1/chat/completions", alice_key,
                      R"({"model":"m","messages":[{"role":"user","content":"bad"}]})"));
    }
    [[nodiscard]] std::size_t total() const { return count(one_) + count(two_) + count(three_); }

    FakeUpstream one_;
    FakeUpstream two_;
    FakeUpstream three_;
};

TEST_F(RefusedEverywhere, IsTriedTwiceAndHarmsNobody) {
    struct Row {
        int status;
        const char* body;
        int told;
    };
    const Row rows[] = {
        {500, R"({"error":{"code":500,"message":"no picture","type":"server_error"}})", 502},
        {500, R"({"error":{"message":"no picture","type":"BadRequestError"}})", 400},
        {500, R"({"error":{"message":"no picture","code":"invalid_request_error"}})", 400},
        {501, R"({"error":{"message":"no picture"}})", 501},
        {500, "no picture", 502},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.body);
        for (FakeUpstream* server : {&one_, &two_, &three_}) serve(*server, row.status, row.body);
        const Gateway gateway(config());
        for (int i = 0; i < 30; ++i) expect_answer_of(gateway.chat(bob_key, "m"), "good");
        for (int i = 0; i < 20; ++i) {
            const std::size_t before = total();
            const Response response = bad(gateway);
            EXPECT_EQ(response.status, row.told);
            EXPECT_NE(response.body.find("no picture"), std::string::npos) << response.body;
            EXPECT_EQ(attempts_of(response), 2);
            EXPECT_EQ(total() - before, 2U);
            if (row.told != 400) {
                EXPECT_EQ(response.field("x-should-retry"), "false");
            }
        }
        const std::string status = gateway.admin("/status").body;
        EXPECT_EQ(status.find("\"open\""), std::string::npos) << status;
        for (int i = 0; i < 10; ++i) {
            const Response response = gateway.chat(bob_key, "m");
            expect_answer_of(response, "good");
            EXPECT_EQ(attempts_of(response), 1);
        }
    }
}

TEST_F(RefusedEverywhere, CountsWhereNothingSucceeds) {
    for (FakeUpstream* server : {&one_, &two_, &three_}) serve(*server, 500, "broken");
    const Gateway gateway(config());
    for (int i = 0; i < 30; ++i) EXPECT_EQ(bad(gateway).status, 502);
    const std::string status = gateway.admin("/status").body;
    EXPECT_NE(status.find("\"open\""), std::string::npos) << status;
}

TEST_F(RefusedEverywhere, DoesNotMeanServersThatSayDifferentThings) {
    serve(one_, 500, "one is broken");
    serve(two_, 503, R"({"error":{"message":"Loading model"}})");
    sign(three_, "good");
    const Gateway gateway(config());
    for (int i = 0; i < 10; ++i) expect_answer_of(bad(gateway), "good");
}

TEST_F(FailoverRules, AnErrorOfTheCallerIsPassedOnFromTheSecondToo) {
    const Gateway gateway(config());
    first_.answer(Script().send(json_response(500, "{}")));
    second_.answer(Script().send(
        json_response(400, R"({"error":{"message":"yours","type":"t","param":null,"code":"c"}})")));
    const Response response = gateway.chat(alice_key, "m");
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(attempts_of(response), 2);
    EXPECT_EQ(response.field("x-sluicegate-upstream"), "second");
}

TEST_F(FailoverRules, EachUpstreamGetsItsOwnKeyAndModelAndTheSameRequest) {
    const Gateway gateway(config());
    first_.answer(Script().send(json_response(503, "{}")));
    expect_answer_of(gateway.chat(alice_key, "m"), "second");
    ASSERT_EQ(count(first_), 1U);
    ASSERT_EQ(count(second_), 1U);
    const ReceivedRequest first = first_.requests()[0];
    const ReceivedRequest second = second_.requests()[0];
    EXPECT_EQ(first.body, chat_body("first-model"));
    EXPECT_EQ(second.body, chat_body("second-model"));
    EXPECT_EQ(first.head.value("authorization"), "Bearer " + first_key);
    EXPECT_EQ(second.head.value("authorization"), "Bearer " + second_key);
    EXPECT_EQ(second.head.value("host"), "127.0.0.1:" + std::to_string(second_.port()));
    EXPECT_EQ(second.head.value("x-request-id"), first.head.value("x-request-id"));
    EXPECT_EQ(first_.connections()[0].received.find(second_key), std::string::npos);
    EXPECT_EQ(second_.connections()[0].received.find(first_key), std::string::npos);
}

TEST_F(FailoverRules, LargeBodiesAreSentAgainWhole) {
    const Gateway gateway(config());
    first_.answer_before_the_body();
    first_.answer(Script().send(json_response(503, "{}", "Connection: close\r\n")).close());
    const std::string filler(std::size_t{3} << 20, 'x');
    const std::string body =
        R"({"model":"m","messages":[{"role":"user","content":")" + filler + "\"}]}";
    expect_answer_of(gateway.send(post_json("/v1/chat/completions", alice_key, body)), "second");
    ASSERT_EQ(count(second_), 1U);
    EXPECT_EQ(second_.requests()[0].body.size(),
              body.size() - 1 + std::string("second-model").size());
}

TEST_F(FailoverRules, NoSecondGenerationOnceAByteWasSent) {
    const Gateway gateway(config());
    const std::string error = R"(data: {"error":{"message":"x","type":"server_error"}})"
                              "\n\n";
    struct Row {
        std::string name;
        void (*end)(Script&);
        std::string more{};
    };
    const std::vector<Row> rows{
        {"cut", [](Script& script) { script.cut(); }},
        {"reset", [](Script& script) { script.reset(); }},
        {"cut in the second event", [](Script& script) { script.cut(); }, "40\r\ndata: {\"id"},
        {"ended without [DONE]", [](Script&) {}, chunk("")},
        {"silence", [](Script& script) { script.stall(); }},
        {"an error event", [](Script&) {}, chunk(error) + chunk("")},
        {"broken chunks", [](Script& script) { script.stall(); }, "zz\r\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Signal seen;
        Script script = Script().send(sse_head() + chunk(chat_event("one"))).wait(seen);
        if (!row.more.empty()) script.send(row.more);
        row.end(script);
        first_.answer(script);
        TestClient client = gateway.connect();
        client.send(chat_request(alice_key, "m", true));
        EXPECT_EQ(client.read_head().status, 200);
        ASSERT_TRUE(client.read_until("one"));
        seen.raise();
        const Response response = client.read_rest();
        EXPECT_EQ(response.body.find("[DONE]"), std::string::npos);
        EXPECT_TRUE(response.body.starts_with(chat_event("one"))) << response.body;
        const nlohmann::json last =
            nlohmann::json::parse(events_of(response.body).back(), nullptr, false);
        EXPECT_TRUE(last.is_object() && last.contains("error")) << response.body;
        EXPECT_EQ(attempts_of(response), 1);
    }
    EXPECT_EQ(count(first_), rows.size());
    expect_untouched_second();
}

TEST_F(FailoverRules, NoSecondAnswerAfterTheBeginningOfALargeOrBinaryOne) {
    const Gateway gateway(config());
    const std::string part(std::size_t{12} << 20, 'x');
    first_.answer(
        Script()
            .send(response_head(200, "Content-Type: application/json\r\nContent-Length: " +
                                         std::to_string(part.size() * 2) + "\r\n") +
                  part)
            .cut());
    const Response json = gateway.chat(alice_key, "m");
    EXPECT_FALSE(json.status == 200 && json.is_complete);
    expect_untouched_second();

    first_.answer(
        Script()
            .send(response_head(200, "Content-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n") +
                  chunk("ID3"))
            .wait(go_)
            .cut());
    TestClient client = gateway.connect();
    client.send(post_json("/v1/audio/speech", alice_key, R"({"model":"m","input":"x"})"));
    EXPECT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_until("ID3"));
    go_.raise();
    EXPECT_FALSE(client.read_rest().is_complete);
    expect_untouched_second();
}

TEST_F(FailoverRules, ATimeoutIsRepeatedOnlyWhereThatIsConfigured) {
    const std::string sized =
        response_head(200, "Content-Type: application/json\r\nContent-Length: 100\r\n");
    struct Row {
        std::string name;
        Script script;
        bool is_streaming = false;
    };
    const std::vector<Row> silent{
        {"no answer", Script().stall()},
        {"no answer to a stream", Script().stall(), true},
        {"half a head", Script().send("HTTP/1.1 200 OK\r\nCont").stall()},
        {"silence in JSON", Script().send(sized + "{").stall()},
        {"silence before the first event", Script().send(sse_head()).stall(), true},
    };
    struct Setting {
        std::string retries;
        bool is_repeated, is_cut_repeated;
    };
    for (const Setting& setting :
         std::vector<Setting>{{"", false, true},
                              {", repeat_timeouts: true", true, true},
                              {", repeat_timeouts: true, repeat_started: false", true, false},
                              {", repeat_timeouts: false, repeat_started: true", false, true}}) {
        SCOPED_TRACE(setting.retries);
        ConfigText text = config();
        text.retries = "retries: {budget: 100%, minimum: 1000" + setting.retries + "}\n";
        const Gateway gateway(text);
        for (const Row& row : silent) {
            SCOPED_TRACE(row.name);
            const std::size_t before = count(second_);
            first_.answer(row.script);
            const Response response = gateway.send(chat_request(alice_key, "m", row.is_streaming));
            if (setting.is_repeated) {
                expect_answer_of(response, "second", row.is_streaming);
            } else {
                EXPECT_EQ(response.status, 504);
                EXPECT_EQ(response.field("x-should-retry"), "false");
                EXPECT_EQ(attempts_of(response), 1);
            }
            EXPECT_EQ(count(second_), before + (setting.is_repeated ? 1 : 0));
        }
        first_.answer(Script().cut());
        EXPECT_EQ(gateway.chat(alice_key, "m").status, setting.is_cut_repeated ? 200 : 502);
    }
}

TEST_F(FailoverRules, WhatMayHaveBegunIsSentOnlyOnceWhereThatIsConfigured) {
    ConfigText text = config();
    text.retries = "retries: {budget: 100%, minimum: 1000, repeat_started: false}\n";
    const Gateway gateway(text);
    const std::string sized =
        response_head(200, "Content-Type: application/json\r\nContent-Length: 100\r\n");
    struct Row {
        std::string name;
        Script script;
        bool is_repeated;
        bool is_streaming = false;
    };
    // An upstream that says that it did not, or that it is done with it, may be believed.
    const std::vector<Row> rows{
        {"no answer", Script().stall(), false},
        {"closed after the request", Script().cut(), false},
        {"reset after the request", Script().reset(), false},
        {"garbage", Script().send("garbage\r\n\r\n").stall(), false},
        {"JSON cut", Script().send(sized + "{").cut(), false},
        {"silence in JSON", Script().send(sized + "{").stall(), false},
        {"a stream cut before its first event", Script().send(sse_head()).cut(), false, true},
        {"429", Script().send(json_response(429, "{}")), true},
        {"503", Script().send(json_response(503, "{}")), true},
        {"529", Script().send(json_response(529, "{}")), true},
        {"401", Script().send(json_response(401, "{}")), true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const std::size_t before = count(second_);
        first_.answer(row.script);
        const Response response = gateway.send(chat_request(alice_key, "m", row.is_streaming));
        if (row.is_repeated) {
            expect_answer_of(response, "second", row.is_streaming);
        } else {
            EXPECT_GE(response.status, 502);
            EXPECT_EQ(attempts_of(response), 1);
            EXPECT_EQ(response.field("x-sluicegate-upstream"), "first");
        }
        EXPECT_EQ(count(second_), before + (row.is_repeated ? 1 : 0));
    }
    first_.refuse_connections();
    expect_answer_of(gateway.chat(alice_key, "m"), "second");
}

TEST_F(FailoverRules, ANumberOfAttemptsIsNotExceeded) {
    FakeUpstream third;
    sign(third, "third");
    first_.answer(Script().send(json_response(500, "{}")));
    second_.answer(Script().send(json_response(503, "{}")));
    for (const int most : {1, 2, 3}) {
        SCOPED_TRACE(most);
        ConfigText text = config();
        text.retries =
            "retries: {budget: 100%, minimum: 1000, max_attempts: " + std::to_string(most) + "}\n";
        text.upstreams += upstream_line("third", third.base_url());
        text.models =
            "  m: {route: [{upstream: first}],"
            " fallback: [{upstream: second}, {upstream: third}]}\n";
        const Gateway gateway(text);
        const std::size_t before = count(third);
        const Response response = gateway.chat(alice_key, "m");
        EXPECT_EQ(attempts_of(response), most);
        if (most == 3) {
            expect_answer_of(response, "third");
        } else {
            EXPECT_GE(response.status, 500);
            EXPECT_EQ(count(third), before);
        }
    }
}

TEST_F(FailoverRules, WithoutABudgetNothingIsRepeated) {
    ConfigText text = config();
    text.retries = "retries: {budget: 0%, minimum: 0}\n";
    const Gateway gateway(text);
    first_.answer(Script().send(json_response(500, "{}")));
    for (int i = 0; i < 20; ++i) {
        const Response response = gateway.chat(alice_key, "m");
        EXPECT_GE(response.status, 500);
        EXPECT_EQ(attempts_of(response), 1);
    }
    expect_untouched_second();
}

TEST_F(FailoverRules, ABudgetBoundsTheAmplification) {
    ConfigText text = config();
    text.retries = "retries: {budget: 10%, minimum: 0}\n";
    const Gateway gateway(text);
    first_.answer(Script().send(json_response(500, "{}")));
    run_load(gateway, {.clients = 4, .each = 100, .request = chat_request(alice_key, "m")},
             [](const Response&) {});
    EXPECT_EQ(count(first_), 400U);
    // 10 % of 400; what may be saved up for a burst is some more.
    EXPECT_LE(count(second_), 80U);
    EXPECT_GE(count(second_), 30U);
}

TEST_F(FailoverRules, AnEntryThatFailedInVainIsNotTriedAgain) {
    ConfigText text = config();
    text.models =
        "  same: {route: [{upstream: first}], fallback: [{upstream: first}, {upstream: second}]}\n"
        "  other: {route: [{upstream: first}],"
        " fallback: [{upstream: first, model: smaller}, {upstream: second}]}\n";
    const Gateway gateway(text);
    first_.answer(Script().send(json_response(500, "{}")));
    Response response = gateway.chat(alice_key, "same");
    expect_answer_of(response, "second");
    EXPECT_EQ(attempts_of(response), 2);
    EXPECT_EQ(count(first_), 1U);

    response = gateway.chat(alice_key, "other");
    expect_answer_of(response, "second");
    EXPECT_EQ(attempts_of(response), 3) << "another model of the same server may do";
    EXPECT_EQ(count(first_), 3U);

    first_.refuse_connections();
    first_.answer(Script().send(chat_answer()));
    const Gateway fresh(text);
    response = fresh.chat(alice_key, "other");
    expect_answer_of(response, "second");
    EXPECT_EQ(attempts_of(response), 2) << "who cannot be reached has no other model either";
}

TEST_F(FailoverRules, AClientThatLeavesDuringTheSecondAttemptEndsIt) {
    const Gateway gateway(config());
    for (const bool is_streaming : {false, true}) {
        for (const bool by_reset : {false, true}) {
            SCOPED_TRACE(std::string(is_streaming ? "stream" : "JSON") +
                         (by_reset ? ", RST" : ", FIN"));
            first_.answer(Script().send(json_response(500, "{}")));
            second_.answer(Script().wait(never_));
            const std::size_t before = count(second_);
            TestClient client = gateway.connect();
            client.send(chat_request(alice_key, "m", is_streaming));
            ASSERT_TRUE(second_.wait_for_requests(before + 1));
            const auto left = std::chrono::steady_clock::now();
            by_reset ? client.wire().reset() : client.wire().close();
            const auto connection = static_cast<std::size_t>(second_.requests().back().connection);
            ASSERT_TRUE(second_.wait_for_peer_close(connection));
            // The promise is 100 ms; the rest is for a machine that runs many tests at once.
            EXPECT_LE(second_.connections()[connection].closed - left, milliseconds(1000));
        }
    }
    EXPECT_TRUE(eventually([&] { return metric(gateway, "sluicegate_requests_in_flight") == 0; }));
}

TEST_F(FailoverRules, AClientThatLeftCausesNoFurtherAttempt) {
    const Gateway gateway(config());
    Signal failed;
    first_.answer(Script().wait(go_).send(json_response(500, "{}")).raise(failed));
    TestClient client = gateway.connect();
    client.send(chat_request(alice_key, "m"));
    ASSERT_TRUE(first_.wait_for_requests(1));
    client.wire().close();
    ASSERT_TRUE(first_.wait_for_peer_close(0));
    go_.raise();
    EXPECT_TRUE(eventually([&] { return metric(gateway, "sluicegate_requests_in_flight") == 0; }));
    expect_untouched_second();
}

TEST_F(FailoverRules, ARequestIsChargedOnceAndByTheGoodAnswerAlone) {
    const Gateway gateway(config("limits: {rpm: 10, tpm: 10000}, "));
    // The first counts its tokens and dies; no client saw them.
    for (const bool is_streaming : {false, true}) {
        first_.answer_next(
            is_streaming
                ? Script().send(sse_head()).cut()
                : Script().send(json_response(
                      500, R"({"usage":{"prompt_tokens":4000,"completion_tokens":4000}})")));
    }
    second_.answer_with([](const ReceivedRequest& request) {
        return Script().send(signed_answer("second", asks_for_stream(request), 100, 50));
    });
    const Response first = gateway.send(capped_chat(alice_key, "m", 200));
    expect_answer_of(first, "second");
    EXPECT_EQ(number_in(first, "x-ratelimit-remaining-requests"), 9);
    const Response second = gateway.send(capped_chat(alice_key, "m", 200, true));
    expect_answer_of(second, "second", true);
    EXPECT_EQ(number_in(second, "x-ratelimit-remaining-requests"), 8);
    EXPECT_TRUE(eventually([&] {
        return metric(gateway, "sluicegate_limiter_settled_tokens_total", {R"(model="m")"}) == 300;
    })) << metric(gateway, "sluicegate_limiter_settled_tokens_total", {R"(model="m")"});
    EXPECT_EQ(metric(gateway, "sluicegate_tokens_total", {R"(kind="input")"}), 200);
    EXPECT_EQ(metric(gateway, "sluicegate_tokens_total", {R"(kind="output")"}), 100);
    EXPECT_EQ(metric(gateway, "sluicegate_limiter_decisions_total", {R"(decision="admitted")"}), 2);
}

TEST_F(FailoverRules, WhatNobodyCouldTakeCostsNothing) {
    first_.refuse_connections();
    second_.refuse_connections();
    const Gateway gateway(config("limits: {rpm: 3}, "));
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(gateway.chat(alice_key, "m").status, 502);
    }
    first_.accept_connections();
    EXPECT_EQ(gateway.chat(alice_key, "m").status, 200);
}

TEST_F(FailoverRules, AKeptConnectionThatDiedIsReplacedBeforeTheNextIsAsked) {
    ConfigText text = config();
    text.threads = "1";
    const Gateway gateway(text);
    expect_success(gateway.chat(alice_key, "m"));
    first_.answer_next(Script().reset());
    const Response replaced = gateway.chat(alice_key, "m");
    expect_success(replaced);
    EXPECT_EQ(replaced.field("x-sluicegate-upstream"), "first");
    EXPECT_EQ(count(first_), 3U);
    first_.answer_next(Script().reset());
    first_.answer_next(Script().reset());
    expect_answer_of(gateway.chat(alice_key, "m"), "second");
    EXPECT_EQ(count(first_), 5U) << "once, not for ever";
    EXPECT_EQ(count(second_), 1U);
}

TEST_F(FailoverRules, ARequestKeepsTheRouteThatItBeganWith) {
    const ConfigText text = config();
    Gateway gateway(text);
    first_.answer_next(Script().wait(go_).send(json_response(500, "{}")));
    TestClient client = gateway.connect();
    client.send(chat_request(alice_key, "m"));
    ASSERT_TRUE(first_.wait_for_requests(1));
    FakeUpstream third;
    sign(third, "third");
    ConfigText next = text;
    next.upstreams = upstream_line("third", third.base_url());
    next.models = "  m: {route: [{upstream: third}]}\n";
    ASSERT_EQ(gateway.daemon().reload(next.text()).value("event", ""), "reloaded");
    go_.raise();
    expect_answer_of(client.read_response(), "second");
    expect_answer_of(gateway.chat(alice_key, "m"), "third");
}

TEST_F(FailoverRules, TheAccessLogNamesWhoAnsweredAndHowManyWereAsked) {
    Gateway gateway(config());
    first_.answer(Script().send(json_response(500, "{}")));
    const Response response = gateway.chat(alice_key, "m");
    expect_answer_of(response, "second");
    const auto line = gateway.daemon().wait_for_log([&](const nlohmann::json& entry) {
        return entry.value("event", "") == "access" &&
               entry.value("request_id", "") == response.field("x-request-id");
    });
    ASSERT_TRUE(line);
    EXPECT_EQ(line->value("upstream", ""), "second");
    EXPECT_EQ(line->value("attempts", 0), 2);
    EXPECT_EQ(line->value("status", 0), 200);
    EXPECT_EQ(line->value("outcome", ""), "ok");
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_errors_total", {R"(upstream="first")"}), 1);
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_errors_total", {R"(upstream="second")"}), 0);
}

TEST_F(FailoverRules, AnswersThatWereNeverRoutedNameNoUpstream) {
    const Gateway gateway(config("limits: {rpm: 1}, "));
    expect_success(gateway.chat(alice_key, "m"));
    const Response limited = gateway.chat(alice_key, "m");
    expect_rate_limited(limited, "rpm");
    EXPECT_FALSE(limited.head.has("x-sluicegate-upstream"));
    EXPECT_FALSE(limited.head.has("x-sluicegate-attempts"));
    const Response unknown = gateway.chat(alice_key, "no-such-model");
    EXPECT_EQ(unknown.status, 404);
    EXPECT_FALSE(unknown.head.has("x-sluicegate-attempts"));
}

TEST_F(FailoverRules, AnUpstreamCannotForgeWhatTheGatewayTells) {
    const Gateway gateway(config());
    first_.answer(Script().send(signed_answer("first", false, 1, 1,
                                              "x-sluicegate-upstream: forged\r\n"
                                              "x-sluicegate-attempts: 99\r\n")));
    const Response response = gateway.chat(alice_key, "m");
    expect_answer_of(response, "first");
    EXPECT_EQ(response.head.count("x-sluicegate-upstream"), 1U);
    EXPECT_EQ(response.field("x-sluicegate-upstream"), "first");
    EXPECT_EQ(response.head.count("x-sluicegate-attempts"), 1U);
    EXPECT_EQ(attempts_of(response), 1);
}

}  // namespace
}  // namespace sluicegate::support
