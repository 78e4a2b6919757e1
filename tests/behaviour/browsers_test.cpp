// Pages of other origins in browsers: preflights without a key, and the fields that let a page read
// every answer, whatever became of its request.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::support {
namespace {

const std::string app_origin = "Origin: https://app.example\r\n";

class Browsers : public testing::Test {
protected:
    ConfigText config(const std::string& origins =
                          "[https://app.example, 'https://*.apps.example', "
                          "'http://localhost:3000']") {
        ConfigText text(upstream_.base_url());
        text.max_body = "4KiB";
        if (!origins.empty()) text.server_lines = "  cors: {origins: " + origins + "}\n";
        return text;
    }
    static Response preflight(const Gateway& gateway, std::string_view target,
                              const std::string& origin, std::string_view method = "POST",
                              const std::string& fields = {}) {
        return gateway.send(request("OPTIONS", target,
                                    origin + "Access-Control-Request-Method: " +
                                        std::string(method) + "\r\n" + fields),
                            "OPTIONS");
    }
    /// A page may read every field that says something of the request.
    static void expect_exposed(const Response& response) {
        const std::string exposed = ", " + response.field("access-control-expose-headers") + ",";
        for (const auto& [name, value] : response.head.fields) {
            const std::string field = to_lower(name);
            const bool tells_of_request = field.starts_with("x-") ||
                                          field.starts_with("ratelimit") ||
                                          field.starts_with("retry") || field.starts_with("openai");
            if (!tells_of_request || field == "x-content-type-options" ||
                field == "x-accel-buffering") {
                continue;
            }
            EXPECT_NE(exposed.find(", " + field + ","), std::string::npos) << field;
        }
    }
    static void expect_readable(const Response& response,
                                std::string_view origin = "https://app.example") {
        EXPECT_EQ(response.field("access-control-allow-origin"), origin);
        EXPECT_EQ(response.field("vary"), "Origin");
        for (const std::string_view name :
             {"x-request-id", "retry-after", "retry-after-ms", "x-should-retry",
              "x-ratelimit-limit-requests", "x-ratelimit-remaining-tokens", "x-sluicegate-limit"}) {
            EXPECT_NE(response.field("access-control-expose-headers").find(name), std::string::npos)
                << name;
        }
        expect_exposed(response);
        EXPECT_EQ(response.field("access-control-allow-credentials"), "");
    }

    FakeUpstream upstream_;
};

TEST_F(Browsers, APreflightNeedsNoKeyAndSaysWhatMayBeSent) {
    const Gateway gateway(config());
    struct Row {
        std::string_view target, method;
    };
    for (const Row& row : std::vector<Row>{{"/v1/chat/completions", "POST"},
                                           {"/v1/completions", "POST"},
                                           {"/v1/responses", "POST"},
                                           {"/v1/embeddings", "POST"},
                                           {"/v1/moderations", "POST"},
                                           {"/v1/rerank", "POST"},
                                           {"/v1/images/generations", "POST"},
                                           {"/v1/images/edits", "POST"},
                                           {"/v1/audio/speech", "POST"},
                                           {"/v1/audio/transcriptions", "POST"},
                                           {"/v1/models", "GET"},
                                           {"/v1/models/m", "GET"},
                                           {"/chat/completions", "POST"},
                                           {"/v1/unknown", "DELETE"}}) {
        SCOPED_TRACE(row.target);
        const Response response =
            preflight(gateway, row.target, app_origin, row.method,
                      "Access-Control-Request-Headers: authorization,content-type, "
                      "x-stainless-timeout\r\n");
        EXPECT_EQ(response.status, 204);
        EXPECT_TRUE(response.is_complete);
        EXPECT_EQ(response.body, "");
        EXPECT_EQ(response.field("content-length"), "");
        EXPECT_EQ(response.field("access-control-allow-origin"), "https://app.example");
        EXPECT_EQ(response.field("access-control-max-age"), "600");
        EXPECT_NE(response.field("access-control-allow-methods").find(row.method),
                  std::string::npos);
        EXPECT_EQ(response.field("access-control-allow-headers"),
                  "authorization,content-type, x-stainless-timeout");
        EXPECT_NE(response.field("x-request-id"), "");
    }
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(Browsers, AnOriginThatIsNotListedGetsNothing) {
    const Gateway gateway(config());
    for (const std::string origin :
         {"https://evil.example", "http://app.example", "null", "https://app.example.evil.test",
          "https://app.example:8443", "https://apps.example", "http://localhost",
          "https://app.example https://app.example"}) {
        SCOPED_TRACE(origin);
        const std::string field = "Origin: " + origin + "\r\n";
        const Response response = preflight(gateway, "/v1/chat/completions", field);
        expect_error(response,
                     {.status = 403, .type = "permission_error", .code = "origin_not_allowed"});
        EXPECT_EQ(response.field("access-control-allow-origin"), "");
        EXPECT_EQ(response.field("access-control-allow-methods"), "");
        // The request itself is served, as for any program; the browser keeps the answer.
        const Response answer =
            gateway.send(post_json("/v1/chat/completions", alice_key, chat_body("m"), field));
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.field("access-control-allow-origin"), "");
        EXPECT_EQ(answer.field("vary"), "Origin");
    }
    const Response twice = preflight(gateway, "/v1/models", app_origin + app_origin, "GET");
    EXPECT_EQ(twice.status, 403);
}

TEST_F(Browsers, PatternsAndOtherFormsOfOrigins) {
    const Gateway gateway(config());
    for (const std::string origin :
         {"https://a.apps.example", "https://b.c.apps.example", "http://localhost:3000"}) {
        const Response response =
            preflight(gateway, "/v1/models", "Origin: " + origin + "\r\n", "GET");
        EXPECT_EQ(response.status, 204);
        EXPECT_EQ(response.field("access-control-allow-origin"), origin);
    }
    const Gateway any(config("['*']"));
    for (const std::string origin : {"https://whatever.example", "null", "file://"}) {
        const Response response = preflight(any, "/v1/models", "Origin: " + origin + "\r\n", "GET");
        EXPECT_EQ(response.status, 204);
        EXPECT_EQ(response.field("access-control-allow-origin"), "*");
    }
    const Gateway sandboxed(config("['null']"));
    EXPECT_EQ(preflight(sandboxed, "/v1/models", "Origin: null\r\n", "GET").status, 204);
    EXPECT_EQ(preflight(sandboxed, "/v1/models", app_origin, "GET").status, 403);
}

TEST_F(Browsers, EveryAnswerCanBeRead) {
    Gateway gateway(config());
    const std::string json = "Content-Type: application/json\r\n";
    const auto chat = [&](std::string_view key, std::string_view model, bool is_streaming = false) {
        return post_json("/v1/chat/completions", key, chat_body(model, is_streaming), app_origin);
    };
    struct Row {
        std::string name, method, bytes;
        int status;
    };
    const std::string large(5000, 'x');
    const std::vector<Row> rows{
        {"answer", "POST", chat(alice_key, "m"), 200},
        {"models", "GET", request("GET", "/v1/models", bearer(alice_key) + app_origin), 200},
        {"HEAD", "HEAD", request("HEAD", "/v1/models", bearer(alice_key) + app_origin), 200},
        {"no key", "POST",
         request("POST", "/v1/chat/completions", json + app_origin, chat_body("m")), 401},
        {"wrong key", "POST", chat("sk-wrong", "m"), 401},
        {"wrong address", "POST", chat(elsewhere_key, "m"), 403},
        {"no such model", "POST", chat(alice_key, "none"), 404},
        {"no such URL", "POST", request("POST", "/v1/none", bearer(alice_key) + app_origin, "{}"),
         404},
        {"method", "GET", request("GET", "/v1/chat/completions", bearer(alice_key) + app_origin),
         405},
        {"OPTIONS without a question", "OPTIONS", request("OPTIONS", "/v1/models", app_origin),
         405},
        {"too large", "POST", post_json("/v1/chat/completions", alice_key, large, app_origin), 413},
        {"no JSON", "POST", post_json("/v1/chat/completions", alice_key, "{", app_origin), 400},
        {"forbidden by a limit", "POST", chat(alice_key, "forbidden"), 429},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Response response = gateway.send(row.bytes, row.method);
        EXPECT_EQ(response.status, row.status);
        expect_readable(response);
    }
    upstream_.answer(Script().send(json_response(503, R"({"error":{"message":"busy"}})")));
    const Response busy = gateway.send(chat(alice_key, "m"));
    EXPECT_EQ(busy.status, 503);
    expect_readable(busy);
    upstream_.answer(Script().send(
        json_response(400, R"({"error":{"message":"no"}})", "Access-Control-Allow-Origin: *\r\n")));
    const Response rejected = gateway.send(chat(alice_key, "m"));
    EXPECT_EQ(rejected.status, 400);
    expect_readable(rejected);
    upstream_.answer(
        Script().send(sse_head() + chunk(chat_event("one")) + chunk(done_event) + chunk("")));
    const Response stream = gateway.send(chat(alice_key, "m", true));
    EXPECT_EQ(stream.status, 200);
    expect_readable(stream);
    upstream_.answer(Script().send(sse_head() + chunk(chat_event("one"))).cut());
    const Response cut = gateway.send(chat(alice_key, "m", true));
    EXPECT_EQ(cut.status, 200);
    EXPECT_NE(cut.body.find("upstream_closed"), std::string::npos);
    expect_readable(cut);
}

TEST_F(Browsers, EveryLimitThatRefusesCanBeRead) {
    ConfigText text = config();
    text.limiter_lines = "  ietf_fields: true\n";
    text.models +=
        "  busy: {limits: {concurrency: 1, rpd: 9, tpd: 90000}, route: [{upstream: up}]}\n"
        "  few: {limits: {tpm: 100}, route: [{upstream: up}]}\n";
    const Gateway gateway(text);
    const auto ask = [](std::string_view model, std::string_view more = "") {
        return post_json(
            "/v1/chat/completions", alice_key,
            R"({"model":")" + std::string(model) + R"(","messages":[])" + std::string(more) + "}",
            app_origin);
    };
    Signal go;
    upstream_.answer_next(Script().wait(go).send(chat_answer()));
    TestClient holder = gateway.connect();
    holder.send(ask("busy"));
    ASSERT_TRUE(upstream_.wait_for_requests(1));
    const Response busy = gateway.send(ask("busy"));
    EXPECT_EQ(busy.field("x-sluicegate-limit"), "concurrency");
    EXPECT_EQ(busy.field("x-ratelimit-limit-concurrency"), "1");
    EXPECT_EQ(busy.field("x-ratelimit-remaining-concurrency"), "0");
    expect_readable(busy);
    go.raise();
    expect_readable(holder.read_response());
    const Response vain = gateway.send(ask("few", R"(,"max_tokens":5000)"));
    EXPECT_EQ(vain.status, 429);
    EXPECT_NE(vain.field("x-sluicegate-requested-tokens"), "");
    expect_readable(vain);
}

TEST_F(Browsers, WithoutTheKeyNothingIsSaid) {
    Gateway gateway(config(""));
    const Response response = preflight(gateway, "/v1/chat/completions", app_origin);
    EXPECT_EQ(response.status, 405);
    for (const Response& answer :
         {response,
          gateway.send(post_json("/v1/chat/completions", alice_key, chat_body("m"), app_origin))}) {
        EXPECT_EQ(answer.field("access-control-allow-origin"), "");
        EXPECT_EQ(answer.field("vary"), "");
    }
    gateway.daemon().reload(config().text());
    EXPECT_EQ(preflight(gateway, "/v1/chat/completions", app_origin).status, 204);
}

TEST_F(Browsers, NamesOfFieldsThatAreNoneAreNotRepeated) {
    const Gateway gateway(config());
    for (const std::string names : {"authorization;x", "a b", "<script>", ",", "\"x\""}) {
        const Response response = preflight(gateway, "/v1/chat/completions", app_origin, "POST",
                                            "Access-Control-Request-Headers: " + names + "\r\n");
        EXPECT_EQ(response.status, 204) << names;
        EXPECT_EQ(response.field("access-control-allow-headers"), "") << names;
    }
}

TEST_F(Browsers, AConnectionGoesOnAfterAPreflight) {
    const Gateway gateway(config());
    TestClient client = gateway.connect();
    for (int i = 0; i < 3; ++i) {
        client.send(request("OPTIONS", "/v1/chat/completions",
                            app_origin + "Access-Control-Request-Method: POST\r\n") +
                    post_json("/v1/chat/completions", alice_key, chat_body("m"), app_origin));
        EXPECT_EQ(client.read_response("OPTIONS").status, 204);
        expect_success(client.read_response());
    }
}

}  // namespace
}  // namespace sluicegate::support
