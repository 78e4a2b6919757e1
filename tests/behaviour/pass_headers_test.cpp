// Headers of a client that the operator lets through to an upstream.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluicegate::support {
namespace {

Gateway gateway_that_passes(const FakeUpstream& upstream, const std::string& names) {
    return Gateway(ConfigText(upstream.base_url(), "pass_headers: [" + names + "]"));
}

std::string chat_with_fields(std::string_view fields) {
    return post_json("/v1/chat/completions", alice_key, chat_body("m"), fields);
}

TEST(PassHeaders, NamesAndBeginningsReachTheUpstream) {
    FakeUpstream upstream;
    const Gateway gateway =
        gateway_that_passes(upstream, "\"X-OpenRouter-*\", Anthropic-Beta, baggage, x-session-id");
    expect_success(gateway.send(chat_with_fields(
        "x-openrouter-title: t\r\nX-OpenRouter-Categories: a, b\r\nanthropic-beta: b\r\n"
        "Baggage: a=b\r\nbaggage: c=d\r\nX-Session-Id: s\r\nX-Other: o\r\nopenai-beta: v\r\n")));
    const ReceivedRequest received = upstream.requests().at(0);
    const auto& head = received.head;
    EXPECT_EQ(head.value("x-openrouter-title"), "t");
    EXPECT_EQ(head.value("x-openrouter-categories"), "a, b");
    EXPECT_EQ(head.value("anthropic-beta"), "b");
    EXPECT_EQ(head.count("baggage"), 2U);
    EXPECT_EQ(head.value("x-session-id"), "s");
    EXPECT_EQ(head.count("x-other"), 0U);
    EXPECT_EQ(head.count("openai-beta"), 1U);
    EXPECT_TRUE(head.value("user-agent").starts_with("sluicegate/"));
}

TEST(PassHeaders, CredentialsAndTheConnectionNeverPass) {
    FakeUpstream upstream;
    const Gateway gateway = gateway_that_passes(upstream, "\"*\"");
    const std::string key(alice_key);
    expect_success(gateway.send(chat_with_fields(
        "x-api-key: " + key + "\r\napi_key: other\r\nX_Api_Key: other\r\nCookie: a=b\r\n" +
        "X-Auth: Bearer " + key + "\r\nProxy-Authorization: Basic eA==\r\nTE: trailers\r\n" +
        "X-Hop: h\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\n" +
        "Upgrade: h2c\r\nAccept-Encoding: gzip\r\nIdempotency-Key: i\r\nX-Request-Id: mine\r\n" +
        "X-Fine: f\r\nAccept: */*\r\n")));
    const ReceivedRequest received = upstream.requests().at(0);
    for (const std::string_view name :
         {"x-api-key", "api_key", "x_api_key", "cookie", "x-auth", "proxy-authorization", "te",
          "x-hop", "keep-alive", "upgrade"}) {
        EXPECT_EQ(received.head.count(name), 0U) << name;
    }
    EXPECT_EQ(received.head.value("x-fine"), "f");
    for (const std::string_view name :
         {"authorization", "accept", "accept-encoding", "host", "content-type", "content-length",
          "idempotency-key", "x-request-id", "user-agent"}) {
        EXPECT_EQ(received.head.count(name), 1U) << name;
    }
    EXPECT_EQ(received.head.value("authorization"), "Bearer " + std::string(upstream_key));
    EXPECT_NE(received.head.value("x-request-id"), "mine");
    EXPECT_EQ(upstream.connections().at(0).received.find(key), std::string::npos);
}

TEST(PassHeaders, TheUserAgentIsTheClientsOrOurOwn) {
    FakeUpstream upstream;
    const Gateway gateway = gateway_that_passes(upstream, "user-agent");
    expect_success(gateway.send(chat_with_fields("User-Agent: codex_exec/0.171\r\n")));
    expect_success(gateway.send(chat_with_fields("")));
    EXPECT_EQ(upstream.requests().at(0).head.value("user-agent"), "codex_exec/0.171");
    EXPECT_EQ(upstream.requests().at(0).head.count("user-agent"), 1U);
    EXPECT_TRUE(upstream.requests().at(1).head.value("user-agent").starts_with("sluicegate/"));
}

TEST(PassHeaders, TheUserAgentStandsInTheAccessLineAndIsBounded) {
    const FakeUpstream upstream;
    Gateway gateway{ConfigText(upstream.base_url())};
    expect_success(gateway.send(chat_with_fields("User-Agent: a \"quoted\" one\\ \xff\r\n")));
    expect_success(gateway.send(chat_with_fields("User-Agent: " + std::string(500, 'u') + "\r\n")));
    EXPECT_EQ(gateway.get("/no/such", "User-Agent: lost/1\r\n").status, 404);
    const std::string expected[] = {
        R"("user_agent":"a \"quoted\" one\\ )",
        R"("user_agent":")" + std::string(128, 'u') + "\"",
        R"("user_agent":"lost/1")",
    };
    // Two workers write these lines: they come in any order.
    for (const std::string& text : expected) {
        EXPECT_TRUE(eventually([&] {
            return gateway.daemon().log().find(text) != std::string::npos;
        })) << text;
    }
    const std::string log = gateway.daemon().log();
    EXPECT_EQ(log.find(std::string(129, 'u')), std::string::npos);
}

}  // namespace
}  // namespace sluicegate::support
