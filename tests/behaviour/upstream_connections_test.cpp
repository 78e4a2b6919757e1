// The pool of upstream connections: what is used again, what is not, and the one retry.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class UpstreamConnections : public testing::Test {
protected:
    UpstreamConnections() : gateway_(config()) {}
    ConfigText config() {
        ConfigText text(upstream_.base_url());
        text.threads = "1";  // one worker, one pool
        return text;
    }

    Signal go_;
    FakeUpstream upstream_;
    Gateway gateway_;
};

TEST_F(UpstreamConnections, AreUsedAgain) {
    for (int i = 0; i < 10; ++i) expect_success(gateway_.chat(alice_key, "m"));
    EXPECT_EQ(upstream_.connections().size(), 1U);
}

TEST(UpstreamPool, KeepsWhatSteadyLoadNeedsUnlessANumberBoundsIt) {
    constexpr std::size_t clients = 40;
    for (const std::size_t kept : {clients, std::size_t{5}}) {
        SCOPED_TRACE(kept);
        FakeUpstream upstream;
        ConfigText config(
            upstream.base_url(),
            kept == clients ? std::string() : "pool: {max_idle: " + std::to_string(kept) + "}");
        config.threads = "1";
        const Gateway gateway(config);
        std::size_t expected = clients;
        for (int round = 1; round <= 3; ++round) {
            Signal go;
            upstream.answer(Script().wait(go).send(chat_answer()));
            std::vector<TestClient> all;
            for (std::size_t i = 0; i < clients; ++i) {
                all.push_back(gateway.connect());
                all.back().send(chat_request(alice_key, "m"));
            }
            const auto sent = static_cast<std::size_t>(round) * clients;
            ASSERT_TRUE(upstream.wait_for_requests(sent));
            EXPECT_EQ(upstream.connections().size(), expected);
            go.raise();
            for (TestClient& client : all) expect_success(client.read_response());
            expected += clients - kept;
        }
    }
}

TEST_F(UpstreamConnections, AreUsedAgainAfterEveryFraming) {
    const std::string type = "Content-Type: application/json\r\n";
    for (const std::string& answer :
         {json_response(200, "{}"),
          response_head(200, type + "Transfer-Encoding: chunked\r\n") + chunk("{}") + chunk(""),
          sse_head() + chunk(done_event) + chunk(""),
          json_response(400, R"({"error":{"message":"x","type":"y","param":null,"code":null}})")}) {
        upstream_.answer(Script().send(answer));
        static_cast<void>(
            gateway_.send(chat_request(alice_key, "m", answer.starts_with(sse_head()))));
    }
    upstream_.answer(Script().send(chat_answer()));
    expect_success(gateway_.chat(alice_key, "m"));
    EXPECT_EQ(upstream_.connections().size(), 1U);
}

TEST_F(UpstreamConnections, AreNotUsedAgainWhenTheUpstreamSaysSo) {
    struct Row {
        std::string name, answer;
    };
    const std::vector<Row> rows{
        {"Connection: close", chat_answer(1, 1, "Connection: close\r\n")},
        {"HTTP/1.0", std::string(chat_answer()).replace(0, 8, "HTTP/1.0")},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const std::size_t before = upstream_.connections().size();
        upstream_.answer(Script().send(row.answer));
        expect_success(gateway_.chat(alice_key, "m"));
        expect_success(gateway_.chat(alice_key, "m"));
        EXPECT_GE(upstream_.connections().size(), before + (before == 0 ? 2 : 1));
    }
}

TEST_F(UpstreamConnections, OneThatWasClosedMeanwhileIsNotUsed) {
    upstream_.answer(Script().send(chat_answer()).close());
    for (int i = 0; i < 5; ++i) expect_success(gateway_.chat(alice_key, "m"));
    EXPECT_EQ(upstream_.connections().size(), 5U);
    EXPECT_EQ(upstream_.requests().size(), 5U);
}

TEST_F(UpstreamConnections, OneThatWasResetMeanwhileIsNotUsed) {
    upstream_.answer(Script().send(chat_answer()).wait(go_).reset());
    expect_success(gateway_.chat(alice_key, "m"));
    go_.raise();
    ASSERT_TRUE(upstream_.wait_for(0, [](const auto& record) { return record.is_over; }));
    upstream_.answer(Script().send(chat_answer()));
    expect_success(gateway_.chat(alice_key, "m"));
    EXPECT_EQ(upstream_.requests().size(), 2U);
}

TEST_F(UpstreamConnections, OneWithStrayBytesIsNotUsed) {
    const std::string stray = json_response(200, R"({"stolen":"answer"})");
    upstream_.answer_next(Script().send(chat_answer() + stray));
    const Response first = gateway_.chat(alice_key, "m");
    expect_success(first);
    EXPECT_EQ(first.body.find("stolen"), std::string::npos);
    const Response second = gateway_.chat(bob_key, "m");
    expect_success(second);
    EXPECT_EQ(second.body.find("stolen"), std::string::npos);
    EXPECT_EQ(upstream_.connections().size(), 2U);
}

TEST_F(UpstreamConnections, OneWithLateStrayBytesIsNotUsed) {
    Signal sent;
    FakeUpstream upstream;
    ConfigText text(upstream.base_url());
    text.threads = "1";
    const Gateway gateway(text);
    upstream.answer_next(Script()
                             .send(chat_answer())
                             .wait(go_)
                             .send(json_response(200, R"({"stolen":"answer"})"))
                             .raise(sent));
    expect_success(gateway.chat(alice_key, "m"));
    go_.raise();
    ASSERT_TRUE(sent.wait());
    const Response second = gateway.chat(bob_key, "m");
    expect_success(second);
    EXPECT_EQ(second.body.find("stolen"), std::string::npos);
}

TEST_F(UpstreamConnections, ABodyWhereNoneMayBeIsStray) {
    upstream_.answer_next(Script().send("HTTP/1.1 204 No Content\r\n\r\n" +
                                        json_response(200, R"({"stolen":"answer"})")));
    static_cast<void>(gateway_.chat(alice_key, "m"));
    const Response second = gateway_.chat(bob_key, "m");
    expect_success(second);
    EXPECT_EQ(second.body.find("stolen"), std::string::npos);
}

TEST_F(UpstreamConnections, AUsedOneThatDiesBeforeItsAnswerIsReplacedOnce) {
    for (const bool by_reset : {true, false}) {
        SCOPED_TRACE(by_reset ? "RST" : "FIN");
        expect_success(gateway_.chat(alice_key, "m"));
        const std::size_t before = upstream_.requests().size();
        upstream_.answer_next(by_reset ? Script().reset() : Script().cut());
        expect_success(gateway_.chat(alice_key, "m"));
        EXPECT_EQ(upstream_.requests().size(), before + 2);

        upstream_.answer_next(Script().reset());
        upstream_.answer_next(Script().reset());
        expect_error(gateway_.chat(alice_key, "m"),
                     {.status = 502, .type = "server_error", .code = "upstream_closed"});
        EXPECT_EQ(upstream_.requests().size(), before + 4) << "once, not for ever";
    }
}

TEST_F(UpstreamConnections, AFreshOneThatDiesIsNotTriedAgain) {
    upstream_.answer(Script().reset());
    expect_error(gateway_.chat(alice_key, "m"),
                 {.status = 502, .type = "server_error", .code = "upstream_closed"});
    EXPECT_EQ(upstream_.requests().size(), 1U);
}

TEST_F(UpstreamConnections, AUsedOneThatDiesAfterAByteIsNotTriedAgain) {
    expect_success(gateway_.chat(alice_key, "m"));
    upstream_.answer_next(Script().send("HTTP/1.1 200 OK\r\n").reset());
    EXPECT_EQ(gateway_.chat(alice_key, "m").status, 502);
    EXPECT_EQ(upstream_.requests().size(), 2U);
}

TEST_F(UpstreamConnections, AnUpstreamThatAnswersEarlyIsHeard) {
    upstream_.answer_before_the_body();
    upstream_.answer(Script().send(json_response(413,
                                                 R"({"error":{"message":"too big","type":"t",)"
                                                 R"("param":null,"code":null}})",
                                                 "Connection: close\r\n")));
    const std::string body =
        R"({"model":"m","x":")" + std::string(std::size_t{4} << 20, 'x') + "\"}";
    const Response response = gateway_.send(post_json("/v1/chat/completions", alice_key, body));
    EXPECT_TRUE(response.status == 413 || response.status == 502) << response.status;
    EXPECT_TRUE(response.is_complete);
}

TEST_F(UpstreamConnections, ConcurrentRequestsGetTheirOwn) {
    upstream_.answer_with([this](const ReceivedRequest& received) {
        return Script().wait(go_).send(
            json_response(200, R"({"data":[],"asked":)" + received.body + "}"));
    });
    std::vector<TestClient> clients;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(gateway_.connect());
        clients.back().send(post_json("/v1/embeddings", alice_key,
                                      R"({"model":"m","input":")" + std::to_string(i) + "\"}"));
    }
    ASSERT_TRUE(upstream_.wait_for_requests(20));
    go_.raise();
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(clients[static_cast<std::size_t>(i)].read_response().body,
                  R"({"data":[],"asked":{"model":"m","input":")" + std::to_string(i) + "\"}}");
    }
}

TEST(UpstreamPool, ClosesAConnectionThatIsIdleTooLong) {
    const FakeUpstream upstream;
    const Gateway gateway(ConfigText(upstream.base_url(), "pool: {idle_timeout: 500ms}"));
    expect_success(gateway.chat(alice_key, "m"));
    EXPECT_TRUE(upstream.wait_for_peer_close(0));
    expect_success(gateway.chat(alice_key, "m"));
}

TEST(WeightedRoute, SharesRequestsExactly) {
    const FakeUpstream heavy;
    const FakeUpstream light;
    ConfigText config(heavy.base_url());
    config.threads = "1";
    config.upstreams += upstream_line("light", light.base_url());
    config.models +=
        "  split: {route: [{upstream: up, weight: 3}, {upstream: light, weight: 1, model: "
        "other}]}\n";
    const Gateway gateway(config);
    for (int i = 0; i < 40; ++i) expect_success(gateway.chat(alice_key, "split"));
    EXPECT_EQ(heavy.requests().size(), 30U);
    EXPECT_EQ(light.requests().size(), 10U);
    EXPECT_EQ(heavy.requests().at(0).body, chat_body("split"));
    EXPECT_EQ(light.requests().at(0).body, chat_body("other"));
}

}  // namespace
}  // namespace sluicegate::support
