// What a client is told when an upstream answers with an error, or with something that is none.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

std::string leak() {
    return "its words, key " + std::string(upstream_key);
}

std::string openai_error(const std::string& code = "some_code") {
    return R"({"error":{"message":")" + leak() + R"(","type":"some_type","param":null,"code":")" +
           code + "\"}}";
}

class UpstreamErrors : public testing::Test {
protected:
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};

    Response chat_on(const std::string& answer) {
        upstream_.answer(Script().send(answer));
        return gateway_.chat(alice_key, "m");
    }
};

TEST_F(UpstreamErrors, BecomeTheGatewaysOwn) {
    struct Row {
        std::string name, answer;
        ExpectedError expected;
    };
    const std::string type = "server_error";
    const std::vector<Row> rows{
        {"401",
         json_response(401, openai_error()),
         {.status = 502, .type = type, .code = "upstream_auth_error"}},
        {"403",
         json_response(403, openai_error()),
         {.status = 502, .type = type, .code = "upstream_auth_error"}},
        {"402",
         json_response(402, openai_error()),
         {.status = 503, .type = type, .code = "upstream_quota_exhausted"}},
        {"429 quota",
         json_response(429, R"({"error":{"message":"its words","type":"insufficient_quota",)"
                            R"("param":null,"code":"insufficient_quota"}})"),
         {.status = 503, .type = type, .code = "upstream_quota_exhausted"}},
        {"429",
         json_response(429, openai_error("rate_limit_exceeded")),
         {.status = 429,
          .type = "rate_limit_error",
          .code = "upstream_rate_limited",
          .message = "The upstream provider is rate limiting requests."}},
        {"503",
         json_response(503, openai_error()),
         {.status = 503, .type = type, .code = "upstream_overloaded"}},
        {"529",
         json_response(529, openai_error()),
         {.status = 503, .type = type, .code = "upstream_overloaded"}},
        {"301",
         response_head(301, "Location: http://other.test/\r\nContent-Length: 0\r\n"),
         {.status = 502, .type = type, .code = "upstream_bad_response"}},
        {"307",
         response_head(307, "Location: /v1/chat/completions\r\nContent-Length: 0\r\n"),
         {.status = 502, .type = type, .code = "upstream_bad_response"}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const std::size_t before = upstream_.requests().size();
        const Response response = chat_on(row.answer);
        expect_error(response, row.expected);
        EXPECT_EQ(response.body.find(upstream_key), std::string::npos);
        const bool repeats = row.expected.code == "upstream_overloaded";
        EXPECT_EQ(response.body.find("words") != std::string::npos, repeats);
        EXPECT_FALSE(response.head.has("location"));
        EXPECT_EQ(upstream_.requests().size(), before + 1) << "no redirect is followed";
        const bool no_retry_helps = row.expected.code == "upstream_auth_error" ||
                                    row.expected.code == "upstream_quota_exhausted";
        EXPECT_EQ(response.field("x-should-retry") == "false", no_retry_helps);
    }
}

TEST_F(UpstreamErrors, AServerErrorStaysAServerErrorAndKeepsItsWords) {
    for (const std::string& answer : {json_response(500, openai_error()),
                                      response(500, "text/html", "<html>" + leak() + "</html>"),
                                      response(502, "text/html", "<html>" + leak() + "</html>"),
                                      response(500, "text/plain", leak())}) {
        SCOPED_TRACE(answer);
        const Response response = chat_on(answer);
        EXPECT_GE(response.status, 500);
        EXPECT_LE(response.status, 503);
        EXPECT_EQ(response.field("content-type").substr(0, 16), "application/json");
        EXPECT_EQ(response.body.find(upstream_key), std::string::npos) << response.body;
        EXPECT_NE(response.body.find("its words, key "), std::string::npos) << response.body;
        EXPECT_EQ(response.body.find('<'), std::string::npos) << response.body;
        const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
        ASSERT_TRUE(body.is_object());
        EXPECT_EQ(body["error"].value("type", ""), "server_error");
        EXPECT_EQ(response.head.count("x-request-id"), 1U);
    }
}

TEST_F(UpstreamErrors, ARateLimitSaysWhenToComeBackInPlainNames) {
    const Response given = chat_on(json_response(429, openai_error(),
                                                 "Retry-After: 7\r\n"
                                                 "x-ratelimit-limit-requests: 5000\r\n"
                                                 "x-ratelimit-remaining-tokens: 1\r\n"));
    EXPECT_EQ(given.field("retry-after"), "7");
    EXPECT_FALSE(given.head.has("x-ratelimit-limit-requests"));
    EXPECT_FALSE(given.head.has("x-ratelimit-remaining-tokens"));
    EXPECT_FALSE(given.head.has("x-sluicegate-limit")) << "that names our own limits";
}

TEST_F(UpstreamErrors, ARateLimitAlwaysSaysWhenToComeBack) {
    struct Row {
        std::string fields;
        std::string retry_after;
    };
    // The upstream cools down in between, so each has a gateway of its own.
    for (const Row& row : std::vector<Row>{
             {"", "1"}, {"retry-after-ms: 2500\r\n", "3"}, {"Retry-After: soon\r\n", "1"}}) {
        SCOPED_TRACE(row.fields);
        const Gateway gateway(ConfigText(upstream_.base_url()));
        upstream_.answer(Script().send(json_response(429, openai_error(), row.fields)));
        EXPECT_EQ(gateway.chat(alice_key, "m").field("retry-after"), row.retry_after);
    }
}

TEST_F(UpstreamErrors, WhatTheClientCausedIsPassedOnInOneShape) {
    struct Row {
        std::string name;
        int status;
        std::string content_type, body, message, code;
    };
    const std::string json = "application/json";
    const std::vector<Row> rows{
        {"OpenAI", 400, json,
         R"({"error":{"message":"bad temperature","type":"invalid_request_error",)"
         R"("param":"temperature","code":"bad_value"}})",
         "bad temperature", "bad_value"},
        {"vLLM, numeric code", 400, json,
         R"({"error":{"message":"too long","type":"BadRequestError","param":null,"code":400}})",
         "too long", "400"},
        {"vLLM, flat", 400, json,
         R"({"object":"error","message":"too long","type":"BadRequestError","param":null,)"
         R"("code":40001})",
         "too long", "40001"},
        {"TGI", 422, json, R"({"error":"too many tokens","error_type":"validation"})",
         "too many tokens", ""},
        {"Gemini", 400, json,
         R"([{"error":{"code":400,"message":"unknown name","status":"INVALID_ARGUMENT"}}])",
         "unknown name", ""},
        {"FastAPI", 422, json, R"({"detail":[{"msg":"field required","loc":["body"]}]})", "", ""},
        {"HTML", 400, "text/html", "<html><body>bad</body></html>", "", ""},
        {"413", 413, json, openai_error(), "", ""},
        {"404", 404, json,
         R"({"error":{"message":"no file","type":"t","param":"file_id","code":null}})", "no file",
         ""},
        {"409", 409, json, openai_error(), "", ""},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Response response =
            chat_on(support::response(row.status, row.content_type, row.body));
        EXPECT_EQ(response.status, row.status);
        EXPECT_TRUE(response.is_complete);
        EXPECT_EQ(response.field("content-type").substr(0, 16), "application/json");
        EXPECT_EQ(response.body.find('<'), std::string::npos) << response.body;
        const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
        ASSERT_TRUE(body.is_object() && body.contains("error")) << response.body;
        EXPECT_EQ(body["error"].size(), 4U) << response.body;
        EXPECT_TRUE(body["error"]["message"].is_string());
        EXPECT_TRUE(body["error"]["type"].is_string()) << response.body;
        if (!row.message.empty()) {
            EXPECT_EQ(body["error"].value("message", ""), row.message);
        }
        if (!row.code.empty()) {
            EXPECT_EQ(body["error"].value("code", nlohmann::json()), row.code);
        }
        EXPECT_FALSE(response.head.has("x-should-retry"));
    }
}

TEST_F(UpstreamErrors, OurKeyReachesNoClientThoughTheUpstreamRepeatsIt) {
    const std::string error = R"({"error":{"message":"got authorization: Bearer )" +
                              std::string(upstream_key) + R"(","type":"server_error"}})";
    const std::string kept = "got authorization: Bearer ***";
    const Response rejection = chat_on(json_response(400, error));
    EXPECT_EQ(rejection.status, 400);
    EXPECT_NE(rejection.body.find(kept), std::string::npos) << rejection.body;
    EXPECT_EQ(rejection.body.find(upstream_key), std::string::npos);

    upstream_.answer(Script().send(response(200, "text/event-stream", "data: " + error + "\n\n")));
    const Response failure = gateway_.send(chat_request(alice_key, "m", true));
    EXPECT_EQ(failure.status, 502);
    EXPECT_NE(failure.body.find(kept), std::string::npos) << failure.body;
    EXPECT_EQ(failure.body.find(upstream_key), std::string::npos);
}

TEST_F(UpstreamErrors, AnErrorToAStreamRequestIsAPlainError) {
    upstream_.answer(Script().send(json_response(429, openai_error())));
    expect_error(gateway_.send(chat_request(alice_key, "m", true)),
                 {.status = 429, .type = "rate_limit_error", .code = "upstream_rate_limited"});
}

TEST_F(UpstreamErrors, WhatIsNotHttpIsA502) {
    struct Row {
        std::string name, bytes;
    };
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const std::string json = "Content-Type: application/json\r\n";
    const std::vector<Row> rows{
        {"garbage", "\x16\x03\x01 garbage\r\n\r\n"},
        {"HTTP/0.9", "<html>hello</html>\r\n\r\n"},
        {"another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n"},
        {"status of two digits", "HTTP/1.1 20 OK\r\n\r\n"},
        {"status 999", "HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n"},
        {"two lengths", ok + json + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"},
        {"length and chunks", ok + json +
                                  "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                  chunk("{}") + chunk("")},
        {"length is no number", ok + json + "Content-Length: two\r\n\r\n{}"},
        {"another coding", ok + json + "Transfer-Encoding: gzip\r\n\r\n{}"},
        {"obs-fold", ok + json + "X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}"},
        {"space before the colon", ok + json + "Content-Length : 2\r\n\r\n{}"},
        {"NUL in a field",
         ok + json + std::string("X: a\0b\r\n", 8) + "Content-Length: 2\r\n\r\n{}"},
        {"oversize head", ok + "X: " + std::string(200'000, 'x') + "\r\n\r\n"},
        {"broken chunk", ok + json + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"},
        {"an upgrade without a request for it",
         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        upstream_.answer(Script().send(row.bytes).stall());
        expect_error(gateway_.chat(alice_key, "m"),
                     {.status = 502, .type = "server_error", .code = "upstream_bad_response"});
        EXPECT_TRUE(upstream_.wait_for_peer_close(upstream_.connections().size() - 1))
            << "such a connection is not kept";
    }
    upstream_.answer(Script().send(chat_answer()));
    expect_success(gateway_.chat(alice_key, "m"));
}

TEST_F(UpstreamErrors, InterimResponsesAreSwallowedButNotForEver) {
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    const Response good = chat_on("HTTP/1.1 100 Continue\r\n\r\n" + hints + chat_answer());
    expect_success(good);
    EXPECT_TRUE(good.interim.empty());
    EXPECT_FALSE(good.head.has("link"));

    upstream_.answer(Script().repeat(hints));
    expect_error(gateway_.chat(alice_key, "m"),
                 {.status = 502, .type = "server_error", .code = "upstream_bad_response"});
}

TEST_F(UpstreamErrors, ACompressedAnswerIsNeverMislabelled) {
    const std::string bytes(
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6"
        "\xa3\x02\x00\x00\x00",
        22);  // gzip of {}
    const Response response =
        chat_on(support::response(200, "application/json", bytes, "Content-Encoding: gzip\r\n"));
    if (response.status == 200) {
        const bool is_as_sent =
            response.body == bytes && response.field("content-encoding") == "gzip";
        const bool is_decoded = response.body == "{}" && !response.head.has("content-encoding");
        EXPECT_TRUE(is_as_sent || is_decoded);
    } else {
        expect_error(response,
                     {.status = 502, .type = "server_error", .code = "upstream_bad_response"});
    }
}

}  // namespace
}  // namespace sluicegate::support
