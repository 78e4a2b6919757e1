// What passes between client and upstream, both ways: an allow-list, nothing else.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class Headers : public testing::Test {
protected:
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};
};

TEST_F(Headers, OnlyTheAllowListReachesTheUpstream) {
    const std::string fields =
        "Content-Type: application/json\r\n"
        "Accept: application/json\r\n"
        "OpenAI-Beta: assistants=v2\r\n"
        "Idempotency-Key: idem-1\r\n"
        "X-Client-Request-Id: client-1\r\n"
        "Cookie: session=secret-cookie\r\n"
        "OpenAI-Organization: org-client\r\n"
        "OpenAI-Project: proj-client\r\n"
        "X-Forwarded-For: 1.2.3.4\r\n"
        "X-Forwarded-Host: evil.test\r\n"
        "X-Real-IP: 1.2.3.4\r\n"
        "Forwarded: for=1.2.3.4\r\n"
        "Origin: http://page.test\r\n"
        "Referer: http://page.test/x\r\n"
        "Proxy-Authorization: Basic c2VjcmV0\r\n"
        "Keep-Alive: timeout=5\r\n"
        "TE: trailers\r\n"
        "X-Stainless-Lang: js\r\n"
        "X-Should-Retry: false\r\n"
        "Range: bytes=0-1\r\n"
        "X-Custom: anything\r\n"
        "X-Hop: nominated\r\n"
        "Connection: keep-alive, X-Hop, Idempotency-Key-Not, Content-Type-Not\r\n";
    expect_success(gateway_.send(
        request("POST", "/v1/chat/completions", bearer(alice_key) + fields, chat_body("m"))));
    const ReceivedRequest received = upstream_.requests().at(0);

    const std::set<std::string> allowed{"host",
                                        "authorization",
                                        "content-type",
                                        "content-length",
                                        "accept",
                                        "user-agent",
                                        "accept-encoding",
                                        "openai-beta",
                                        "connection",
                                        "x-request-id",
                                        "x-client-request-id",
                                        "idempotency-key",
                                        "content-language"};
    for (const auto& [name, value] : received.head.fields) {
        EXPECT_TRUE(allowed.contains(to_lower(name))) << name << ": " << value;
        EXPECT_EQ(received.head.count(name), 1U) << name;
    }
    EXPECT_EQ(received.head.value("host"), "127.0.0.1:" + std::to_string(upstream_.port()));
    EXPECT_EQ(received.head.value("authorization"), "Bearer " + std::string(upstream_key));
    EXPECT_EQ(received.head.value("content-type"), "application/json");
    EXPECT_EQ(received.head.value("accept"), "application/json");
    EXPECT_EQ(received.head.value("openai-beta"), "assistants=v2");
    EXPECT_EQ(received.head.value("idempotency-key").size(), 64U);
    EXPECT_EQ(received.head.value("x-client-request-id"), "client-1");
    EXPECT_EQ(to_lower(received.head.value("accept-encoding")), "identity");
    const std::string all = upstream_.connections().at(0).received;
    for (const std::string_view secret : {alice_key, std::string_view("secret-cookie"),
                                          std::string_view("1.2.3.4"), std::string_view("evil")}) {
        EXPECT_EQ(all.find(secret), std::string::npos) << secret;
    }
}

TEST_F(Headers, ConnectionNominatesNothingThatTheGatewayNeeds) {
    const Response response = gateway_.send(request(
        "POST", "/v1/chat/completions",
        bearer(alice_key) + "Content-Type: application/json\r\n"
                            "Connection: authorization, content-length, content-type, host\r\n",
        chat_body("m")));
    expect_success(response);
    const ReceivedRequest received = upstream_.requests().at(0);
    EXPECT_EQ(received.body, chat_body("m"));
    EXPECT_EQ(received.head.value("authorization"), "Bearer " + std::string(upstream_key));
    EXPECT_EQ(received.head.value("content-type"), "application/json");
}

TEST_F(Headers, OnlyTheAllowListReachesTheClient) {
    upstream_.answer(Script().send(chat_answer(1, 1,
                                               "Set-Cookie: __cf_bm=secret-cookie; Path=/\r\n"
                                               "OpenAI-Organization: org-secret\r\n"
                                               "OpenAI-Project: proj-secret\r\n"
                                               "OpenAI-Processing-Ms: 12\r\n"
                                               "OpenAI-Version: 2020-10-01\r\n"
                                               "X-RateLimit-Limit-Requests: 9999\r\n"
                                               "x-ratelimit-remaining-tokens: 8888\r\n"
                                               "Retry-After: 77\r\n"
                                               "X-Request-Id: req-of-the-upstream\r\n"
                                               "Server: cloudflare\r\n"
                                               "CF-Ray: 1\r\n"
                                               "Via: 1.1 proxy\r\n"
                                               "Alt-Svc: h3=\":443\"\r\n"
                                               "Strict-Transport-Security: max-age=1\r\n"
                                               "Access-Control-Allow-Origin: *\r\n"
                                               "X-Hop: nominated\r\n"
                                               "Connection: keep-alive, X-Hop\r\n"
                                               "Keep-Alive: timeout=5\r\n")));
    const Response response = gateway_.chat(alice_key, "limited");
    expect_success(response);
    for (const std::string name :
         {"set-cookie", "openai-organization", "openai-project", "x-ratelimit-remaining-tokens",
          "retry-after", "cf-ray", "via", "alt-svc", "strict-transport-security", "x-hop",
          "access-control-allow-origin", "keep-alive"}) {
        EXPECT_FALSE(response.head.has(name)) << name << ": " << response.field(name);
    }
    EXPECT_NE(response.field("server"), "cloudflare");
    EXPECT_EQ(response.field("x-ratelimit-limit-requests"), "3");
    EXPECT_EQ(response.head.count("x-ratelimit-limit-requests"), 1U);
    EXPECT_EQ(response.head.count("x-request-id"), 1U);
    EXPECT_NE(response.field("x-request-id"), "req-of-the-upstream");
    EXPECT_EQ(response.field("x-upstream-request-id"), "req-of-the-upstream");
    EXPECT_EQ(response.field("openai-processing-ms"), "12");
    EXPECT_EQ(response.field("openai-version"), "2020-10-01");
    EXPECT_EQ(response.field("content-type"), "application/json");
    EXPECT_EQ(response.field("cache-control"), "no-store");
    EXPECT_TRUE(chat_answer().ends_with("\r\n\r\n" + response.body)) << response.body;
}

TEST_F(Headers, RequestIdsDifferAndTheUpstreamSeesTheSameOne) {
    std::set<std::string> ids;
    for (int i = 0; i < 20; ++i) ids.insert(gateway_.chat(alice_key, "m").field("x-request-id"));
    EXPECT_EQ(ids.size(), 20U);
    for (const ReceivedRequest& received : upstream_.requests()) {
        EXPECT_TRUE(ids.contains(received.head.value("x-request-id")));
    }
}

TEST_F(Headers, AStreamTellsProxiesNotToBufferOrChangeIt) {
    upstream_.answer(
        Script().send(sse_head() + chunk(chat_event("a")) + chunk(done_event) + chunk("")));
    const Response response = gateway_.send(chat_request(alice_key, "m", true));
    expect_success(response);
    EXPECT_TRUE(response.field("content-type").starts_with("text/event-stream"));
    EXPECT_NE(response.field("cache-control").find("no-transform"), std::string::npos);
    EXPECT_EQ(response.field("x-accel-buffering"), "no");
}

TEST_F(Headers, AnIdempotencyKeyIsBoundToItsUser) {
    const auto sent_by = [&](std::string_view key, const std::string& name,
                             const std::string& value) {
        const std::string body = chat_body("m");
        expect_success(gateway_.send(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n" + bearer(key) +
            "Content-Type: application/json\r\n" + name + ": " + value +
            "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
        return upstream_.requests().back().head.value("idempotency-key");
    };
    const std::string of_alice = sent_by(alice_key, "Idempotency-Key", "order-1");
    // printf 'alice\0order-1' | sha256sum
    EXPECT_EQ(of_alice, "bc7a282701c35affef69b3f84ce6818975b6132e5feee38e13851225475f4c7b");
    EXPECT_EQ(sent_by(alice_second_key, "idempotency-key", "order-1"), of_alice);
    EXPECT_EQ(sent_by(alice_key, "IDEMPOTENCY-KEY", "order-1"), of_alice);
    EXPECT_NE(sent_by(alice_key, "Idempotency-Key", "order-2"), of_alice);
    EXPECT_NE(sent_by(bob_key, "Idempotency-Key", "order-1"), of_alice);
    EXPECT_EQ(sent_by(bob_key, "X-Idempotency-Key", "order-1"), "");
}

TEST_F(Headers, OnlyTheQueryParametersOnTheListAreForwarded) {
    const std::string key(alice_key);
    expect_success(gateway_.send(
        post_json("/v1/responses?a=1&beta=true", alice_key, R"({"model":"m","input":"x"})")));
    EXPECT_EQ(upstream_.requests().at(0).target(), "/v1/responses?beta=true");
    static_cast<void>(gateway_.send(
        post_json("/v1/responses?%6bey=" + key + "&api%2Dkey=" + key + "&beta=1;key=" + key,
                  alice_key, R"({"model":"m","input":"x"})")));
    for (const ConnectionRecord& connection : upstream_.connections()) {
        EXPECT_EQ(connection.received.find(key), std::string::npos);
    }
}

TEST_F(Headers, NothingInARequestChoosesTheDestination) {
    FakeUpstream trap;
    const std::string authority = "127.0.0.1:" + std::to_string(trap.port());
    const std::string body = R"({"model":"m","server":")" + trap.base_url() + R"(","url":")" +
                             trap.base_url() + R"(","messages":[]})";
    const std::string bytes =
        "POST /v1/chat/completions HTTP/1.1\r\nHost: " + authority + "\r\n" + bearer(alice_key) +
        "Content-Type: application/json\r\nX-Forwarded-Host: " + authority +
        "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    expect_success(gateway_.send(bytes));
    static_cast<void>(gateway_.send(
        "POST http://" + authority + "/v1/chat/completions HTTP/1.1\r\nHost: " + authority +
        "\r\n" + bearer(alice_key) + "Content-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body));
    EXPECT_GE(upstream_.requests().size(), 1U);
    EXPECT_TRUE(trap.connections().empty());
}

}  // namespace
}  // namespace sluicegate::support
