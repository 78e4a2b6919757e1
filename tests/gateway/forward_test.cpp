/// What an upstream gets of a client's request, and what becomes of the client's leaving.

#include "gateway/in_process_gateway.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::gateway {
namespace {

using namespace std::chrono_literals;
using test::answer_with;
using test::chat_request;
using test::InProcessGateway;
using testing::HasSubstr;
using testing::Not;

std::string forwarded(const std::string& request) {
    InProcessGateway gateway;
    gateway.connect().send(request);
    gateway.settle();
    return gateway.upstreams.empty() ? std::string("nothing") : gateway.upstreams[0].received();
}

TEST(Forward, DropsQueryParametersThatCouldCarryAKey) {
    struct Row {
        std::string_view query;
        std::string target;
    };
    const std::vector<Row> rows{
        {"", "/v1/chat/completions"},
        {"?", "/v1/chat/completions"},
        {"?beta=true", "/v1/chat/completions?beta=true"},
        {"?a=1&b=2&c", "/v1/chat/completions"},
        {"?key=sk-alice", "/v1/chat/completions"},
        {"?a=1&key=sk-alice&beta=2", "/v1/chat/completions?beta=2"},
        {"?API-KEY=x&Api_Key=y&access_token=z&beta=1", "/v1/chat/completions?beta=1"},
        {"?%6bey=sk-alice&api%2Dkey=sk-alice", "/v1/chat/completions"},
        {"?key", "/v1/chat/completions"},
        {"?&&beta=1&&", "/v1/chat/completions?beta=1"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.query);
        const std::string text = forwarded(chat_request({.query = row.query}));
        EXPECT_TRUE(text.starts_with("POST " + row.target + " HTTP/1.1\r\n")) << text;
    }
}

TEST(Forward, WritesTheRequestAnew) {
    const std::string text = forwarded(chat_request(
        {.fields = "cookie: session=1\r\nconnection: x-secret\r\nx-secret: 1\r\n"
                   "x-forwarded-for: 10.0.0.1\r\nopenai-organization: org\r\n"
                   "OpenAI-Beta: assistants=v2\r\nidempotency-key: mine\r\nte: trailers\r\n"}));
    EXPECT_THAT(text, HasSubstr("\r\nhost: api.test\r\n"));
    EXPECT_THAT(text, HasSubstr("\r\nauthorization: Bearer sk-provider\r\n"));
    EXPECT_THAT(text, HasSubstr("\r\naccept-encoding: identity\r\n"));
    EXPECT_THAT(text, HasSubstr("\r\nopenai-beta: assistants=v2\r\n"));
    for (const char* kept : {"sk-alice", "mine", "cookie", "x-secret", "x-forwarded-for", "org",
                             "trailers", "connection"}) {
        EXPECT_THAT(text, Not(HasSubstr(kept)));
    }
    const std::string body = R"({"messages":[],"model":"chat-large"})";
    EXPECT_TRUE(
        text.ends_with("\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body))
        << text;
}

TEST(Forward, TriesOnceMoreWhenAnIdleConnectionHasEnded) {
    InProcessGateway gateway;
    test::RawPeer& client = gateway.connect();
    const std::string answer =
        answer_with("200 OK", "content-type: application/json\r\n", test::chat_answer);
    client.send(chat_request());
    gateway.settle();
    gateway.upstreams[0].send(answer);
    gateway.settle();
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 200 OK\r\n"));

    client.send(chat_request());
    gateway.settle();
    ASSERT_EQ(gateway.upstreams.size(), 1U) << "the connection is used again";
    gateway.upstreams[0].close();
    gateway.settle();
    ASSERT_EQ(gateway.upstreams.size(), 2U);
    gateway.upstreams[1].close();
    gateway.settle();
    EXPECT_EQ(gateway.upstreams.size(), 2U) << "and not again";
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 502 Bad Gateway\r\n"));
}

constexpr std::string_view stream_body = R"({"messages":[],"model":"chat","stream":true})";
constexpr std::string_view refused_options = R"({"error":{"message":"no stream_options here"}})";

TEST(Forward, AStaleConnectionIsReplacedAfterRefusedStreamOptionsToo) {
    InProcessGateway gateway;
    test::RawPeer& client = gateway.connect();
    client.send(chat_request({.body = stream_body}));
    gateway.settle();
    gateway.pass(2s);  // longer than a connection counts as stale
    static_cast<void>(gateway.upstreams[0].received());
    gateway.upstreams[0].send(
        answer_with("400 Bad Request", "content-type: application/json\r\n", refused_options));
    gateway.settle();
    ASSERT_EQ(gateway.upstreams.size(), 1U);
    EXPECT_TRUE(gateway.upstreams[0].received().starts_with("POST")) << "asked again without them";
    gateway.upstreams[0].close();
    gateway.settle();
    ASSERT_EQ(gateway.upstreams.size(), 2U);
    EXPECT_TRUE(gateway.upstreams[1].received().starts_with("POST"));
}

TEST(Forward, ARequestThatAnUpstreamHasSeenCountsThoughItsSecondConnectionFails) {
    InProcessGateway gateway({.rpm = 1, .tpm = {}, .concurrency = {}});
    test::RawPeer& client = gateway.connect();
    client.send(chat_request({.body = stream_body}));
    gateway.settle();
    gateway.refuses_connections = true;
    gateway.upstreams[0].send(answer_with("400 Bad Request",
                                          "content-type: application/json\r\nconnection: close\r\n",
                                          refused_options));
    gateway.settle();
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 502 Bad Gateway\r\n"));
    client.send(chat_request());
    gateway.settle();
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 429 Too Many Requests\r\n"));
}

TEST(Forward, AClientThatLeavesEndsItsRequestUpstreamInEveryPhase) {
    const std::string head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
        "transfer-encoding: chunked\r\n\r\n";
    const std::string event(test::text_event);
    for (const std::string& answer :
         {std::string(), std::string("HTTP/1.1 200"), head, head + event}) {
        SCOPED_TRACE(answer);
        InProcessGateway gateway;
        test::RawPeer& client = gateway.connect();
        client.send(chat_request({.body = test::stream_body}));
        gateway.settle();
        ASSERT_EQ(gateway.upstreams.size(), 1U);
        gateway.upstreams[0].send(answer);
        gateway.settle();
        EXPECT_FALSE(gateway.upstreams[0].has_ended());
        client.close();
        gateway.settle();
        EXPECT_TRUE(gateway.upstreams[0].has_ended()) << "the reactor tells, not a tick";
    }
}

TEST(Forward, AClientThatLeftBeforeItsRequestIsSentCostsTheUpstreamNothing) {
    InProcessGateway gateway;
    test::RawPeer& client = gateway.connect();
    const std::string answer =
        answer_with("200 OK", "content-type: application/json\r\n", test::chat_answer);
    client.send(chat_request());
    gateway.settle();
    gateway.upstreams[0].send(answer);
    gateway.settle();
    static_cast<void>(gateway.upstreams[0].received());
    client.send(chat_request() + chat_request());
    client.close();
    gateway.settle();
    std::string sent;
    for (test::RawPeer& upstream : gateway.upstreams) {
        sent += upstream.received();
        EXPECT_TRUE(upstream.has_ended());
    }
    EXPECT_EQ(sent.find("POST", 1), std::string::npos) << "at most the first of them: " << sent;
}

}  // namespace
}  // namespace sluicegate::gateway
