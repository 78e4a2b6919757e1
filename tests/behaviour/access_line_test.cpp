// What the access log says of requests that were refused, and of clients that leave.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class AccessLine : public testing::Test {
protected:
    /// The first access line from `from` on.
    nlohmann::json line(std::size_t from) {
        const auto found = gateway_.daemon().wait_for_event("access", from);
        EXPECT_TRUE(found) << gateway_.daemon().log();
        return found.value_or(nlohmann::json::object());
    }
    /// The line of one request that is refused.
    nlohmann::json refused(const std::string& bytes) {
        const std::size_t from = gateway_.daemon().log_size();
        static_cast<void>(gateway_.send(bytes));
        return line(from);
    }

    // Signals outlive the upstream that waits for them.
    Signal never_;
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};
};

std::string text_of(const nlohmann::json& line, const std::string& name) {
    return line.contains(name) ? line.at(name).get<std::string>() : std::string();
}

struct Refusal {
    std::string name;
    std::string request;
    int status;
    std::string method;
    std::string path;
    std::string model{};
};

std::vector<Refusal> refusals() {
    const std::string chat = "/v1/chat/completions";
    const std::string key = bearer(alice_key);
    return {
        {"no key", request("GET", "/v1/models?x=1", ""), 401, "GET", "/v1/models"},
        {"a wrong key", post_json(chat, "sk-wrong-key-of-somebody", chat_body("m")), 401, "POST",
         chat},
        {"an unknown path", request("GET", "/v2/nothing?q=hidden-part", key), 404, "GET",
         "/v2/nothing"},
        {"an unknown path, posted", post_json("/v1/messages", alice_key, chat_body("m")), 404,
         "POST", "/v1/messages"},
        {"a wrong method", request("PUT", chat, key), 405, "PUT", chat},
        {"an unknown model", post_json(chat, alice_key, chat_body("no-such")), 404, "POST", chat,
         "no-such"},
        {"a model of others", post_json(chat, narrow_key, chat_body("m")), 404, "POST", chat, "m"},
        {"a model by its URL", request("GET", "/v1/models/gone", key), 404, "GET",
         "/v1/models/gone", "gone"},
        {"Azure's path",
         post_json("/openai/deployments/gone/chat/completions?api-version=1", alice_key,
                   R"({"messages":[]})"),
         404, "POST", "/openai/deployments/gone/chat/completions", "gone"},
        {"two models",
         post_json("/openai/deployments/other/chat/completions", alice_key, chat_body("m")), 400,
         "POST", "/openai/deployments/other/chat/completions", "m"},
        {"broken JSON", post_json(chat, alice_key, "{"), 400, "POST", chat},
        {"too large",
         "POST " + chat + " HTTP/1.1\r\nHost: x\r\n" + key + "Content-Type: application/json\r\n" +
             "Content-Length: 999999999\r\n\r\n",
         413, "POST", chat},
        {"a long path", request("GET", "/" + std::string(2000, 'p'), key), 404, "GET",
         "/" + std::string(255, 'p')},
        {"a head that cannot be read",
         "GET /v1/models?x HTTP/1.1\r\nHost: x\r\nBad Field: y\r\n\r\n", 400, "GET", "/v1/models"},
        {"a large head",
         "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nX-Long: " + std::string(200'000, 'x') +
             "\r\n\r\n",
         431, "POST", "/v1/embeddings"},
        {"an unknown version", "GET /v1/models HTTP/3.0\r\nHost: x\r\n\r\n", 400, "GET",
         "/v1/models"},
        {"quotes and bytes", "GET /v1/\"\\\x7f\xff HTTP/1.1\r\nHost: x\r\nBad Field: y\r\n\r\n",
         400, "GET", "/v1/\"\\\x7f\xef\xbf\xbd"},
        {"no HTTP", "\x16\x03\x01 hello\r\n\r\n", 400, "", ""},
    };
}

TEST_F(AccessLine, SaysWhatWasAskedForWhenThatWasRefused) {
    for (const Refusal& row : refusals()) {
        SCOPED_TRACE(row.name);
        // A daemon each: lines of strangers are summed up.
        Gateway gateway{ConfigText(upstream_.base_url())};
        TestClient client = gateway.connect();
        client.send(row.request);
        EXPECT_EQ(client.read_response().status, row.status);
        client.wire().close();
        const auto line = gateway.daemon().wait_for_event("access");
        ASSERT_TRUE(line) << gateway.daemon().log();
        EXPECT_EQ(line->at("status"), row.status);
        EXPECT_EQ(text_of(*line, "method"), row.method);
        EXPECT_EQ(text_of(*line, "path"), row.path);
        EXPECT_EQ(text_of(*line, "asked_model"), row.model);
        EXPECT_EQ(gateway.daemon().log().find("hidden-part"), std::string::npos);
    }
}

TEST_F(AccessLine, SaysItOfALimitToo) {
    for (int i = 0; i < 3; ++i) expect_success(gateway_.chat(alice_key, "limited"));
    static_cast<void>(gateway_.chat(alice_key, "limited"));
    const auto found = gateway_.daemon().wait_for_log(
        [](const nlohmann::json& told) { return told.value("status", 0) == 429; });
    ASSERT_TRUE(found);
    const nlohmann::json& line = *found;
    EXPECT_EQ(text_of(line, "method"), "POST");
    EXPECT_EQ(text_of(line, "path"), "/v1/chat/completions");
    EXPECT_EQ(text_of(line, "model"), "limited");
}

TEST_F(AccessLine, SaysNothingOfItWhereAllWentWell) {
    const std::size_t from = gateway_.daemon().log_size();
    expect_success(gateway_.chat(alice_key, "m"));
    const nlohmann::json told = line(from);
    EXPECT_EQ(told.at("outcome"), "ok");
    for (const char* const name : {"method", "path", "asked_model"}) {
        EXPECT_FALSE(told.contains(name)) << name;
    }
}

TEST_F(AccessLine, KeepsTheKeyOfAPathToItself) {
    const std::string key(alice_key);
    const nlohmann::json told = refused(request("GET", "/v1/" + key + "/x", bearer(key)));
    EXPECT_EQ(told.at("status"), 404);
    EXPECT_FALSE(told.contains("path"));
    EXPECT_EQ(gateway_.daemon().log().find(key), std::string::npos);
}

// The answer to a refused upload is given while the upload still comes in, over the bytes of the
// head.
TEST_F(AccessLine, HoldsNothingOfAnUploadThatWasRefused) {
    const std::string fields =
        bearer("sk-wrong-key-of-somebody") + "User-Agent: agent/1\r\nContent-Length: 60000\r\n";
    const std::size_t from = gateway_.daemon().log_size();
    TestClient client = gateway_.connect();
    client.send(request("POST", "/v1/chat/completions", fields));
    EXPECT_EQ(client.read_head().status, 401);
    client.send(std::string(60'000, 'Z'));
    client.wire().close();
    const nlohmann::json told = line(from);
    EXPECT_EQ(text_of(told, "user_agent"), "agent/1");
    EXPECT_EQ(text_of(told, "path"), "/v1/chat/completions");
    EXPECT_EQ(gateway_.daemon().log().find("ZZZZ"), std::string::npos);
}

TEST_F(AccessLine, AStreamThatHasBegunStays200WhenItsClientLeaves) {
    const Script begun = Script().send(sse_head() + chunk(chat_event("one"))).wait(never_);
    for (int i = 0; i < 12; ++i) {
        const bool by_reset = i % 2 == 0;
        const std::size_t from = gateway_.daemon().log_size();
        upstream_.answer_next(begun);
        TestClient client = gateway_.connect();
        client.send(chat_request(alice_key, "m", true));
        EXPECT_EQ(client.read_head().status, 200);
        EXPECT_TRUE(client.read_until("one"));
        by_reset ? client.wire().reset() : client.wire().close();
        const nlohmann::json told = line(from);
        EXPECT_EQ(told.at("status"), 200);
        EXPECT_EQ(told.at("outcome"), "client_gone");
    }
    EXPECT_EQ(metric(gateway_, "sluicegate_requests_total",
                     {"status=\"200\"", "outcome=\"client_gone\""}),
              12.0);
    EXPECT_EQ(metric(gateway_, "sluicegate_requests_total", {"status=\"499\""}), 0.0);
}

TEST_F(AccessLine, AClientThatLeavesBeforeItsAnswerIs499) {
    for (const bool is_streaming : {false, true}) {
        for (const std::string& sent : {std::string(), sse_head()}) {
            SCOPED_TRACE((is_streaming ? "stream " : "JSON ") + std::to_string(sent.size()));
            const std::size_t from = gateway_.daemon().log_size();
            const std::size_t before = upstream_.requests().size();
            Script script;
            if (!sent.empty()) script.send(sent);
            upstream_.answer_next(script.wait(never_));
            TestClient client = gateway_.connect();
            client.send(chat_request(alice_key, "m", is_streaming));
            EXPECT_TRUE(upstream_.wait_for_requests(before + 1));
            client.wire().close();
            const nlohmann::json told = line(from);
            EXPECT_EQ(told.at("status"), 499);
            EXPECT_EQ(told.at("outcome"), "client_gone");
        }
    }
    EXPECT_EQ(metric(gateway_, "sluicegate_requests_total",
                     {"status=\"499\"", "outcome=\"client_gone\""}),
              4.0);
}

TEST_F(AccessLine, AClientThatLeavesAfterTheLastEventIsOk) {
    const std::size_t from = gateway_.daemon().log_size();
    upstream_.answer_next(Script()
                              .send(sse_head() + chunk(chat_event("one") + std::string(done_event)))
                              .wait(never_));
    TestClient client = gateway_.connect();
    client.send(chat_request(alice_key, "m", true));
    EXPECT_EQ(client.read_head().status, 200);
    EXPECT_TRUE(client.read_until("[DONE]"));
    client.wire().close();
    const nlohmann::json told = line(from);
    EXPECT_EQ(told.at("status"), 200);
    EXPECT_EQ(told.at("outcome"), "ok");
}

}  // namespace
}  // namespace sluicegate::support
