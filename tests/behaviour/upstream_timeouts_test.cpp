// Upstreams that keep silent: every wait has its own deadline.
#include "behaviour/harness.hpp"
#include "support/certificates.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

ConfigText timeouts_config(const FakeUpstream& upstream, const std::string& timeouts) {
    return ConfigText(upstream.base_url(), "timeouts: {" + timeouts + "}");
}

void expect_in_band_timeout(const Response& response, const std::string& code) {
    ASSERT_EQ(response.status, 200) << response.body;
    EXPECT_FALSE(response.is_complete);
    EXPECT_EQ(response.body.find("[DONE]"), std::string::npos);
    const nlohmann::json last =
        nlohmann::json::parse(events_of(response.body).back(), nullptr, false);
    ASSERT_TRUE(last.is_object() && last.contains("error")) << response.body;
    EXPECT_EQ(last["error"].value("code", ""), code);
    EXPECT_EQ(last["error"].value("type", ""), "server_error");
}

TEST(UpstreamTimeouts, NoFirstByteIs504AndNotToBeRetried) {
    Signal never;
    FakeUpstream upstream;
    const Gateway gateway(timeouts_config(upstream, "first_byte: 400ms"));
    for (const bool is_streaming : {false, true}) {
        const std::size_t connection = upstream.connections().size();
        upstream.answer(Script().wait(never));
        const Response response = gateway.send(chat_request(alice_key, "m", is_streaming));
        expect_error(response, {.status = 504,
                                .type = "server_error",
                                .code = "upstream_timeout",
                                .message = "The upstream did not answer in time."});
        EXPECT_EQ(response.field("x-should-retry"), "false");
        EXPECT_TRUE(upstream.wait_for_peer_close(connection));
    }
}

TEST(UpstreamTimeouts, HalfAHeadIsNoFirstByte) {
    Signal never;
    FakeUpstream upstream;
    const Gateway gateway(timeouts_config(upstream, "first_byte: 400ms"));
    upstream.answer(Script().send("HTTP/1.1 200 OK\r\nContent-").wait(never));
    EXPECT_EQ(gateway.chat(alice_key, "m").status, 504);
}

TEST(UpstreamTimeouts, ATricklingHeadIsCutOff) {
    FakeUpstream upstream;
    const Gateway gateway(timeouts_config(upstream, "first_byte: 500ms, total: 2s"));
    upstream.answer(Script().send("HTTP/1.1 200 OK\r\nX: ").repeat("x", milliseconds(30)));
    EXPECT_EQ(gateway.chat(alice_key, "m").status, 504);
}

TEST(UpstreamTimeouts, InterimResponsesDoNotRenewTheDeadline) {
    FakeUpstream upstream;
    const Gateway gateway(timeouts_config(upstream, "first_byte: 500ms"));
    upstream.answer(Script().repeat("HTTP/1.1 102 Processing\r\n\r\n", milliseconds(200)));
    const Response response = gateway.chat(alice_key, "m");
    EXPECT_TRUE(response.status == 504 || response.status == 502) << response.status;
}

TEST(UpstreamTimeouts, SilenceInAStreamIsAnErrorInTheStream) {
    Signal never;
    FakeUpstream upstream;
    const Gateway gateway(timeouts_config(upstream, "between_bytes: 400ms"));
    upstream.answer(Script().send(sse_head() + chunk(chat_event("one"))).wait(never));
    const Response response = gateway.send(chat_request(alice_key, "m", true));
    EXPECT_TRUE(response.body.starts_with(chat_event("one")));
    expect_in_band_timeout(response, "upstream_idle_timeout");
    EXPECT_TRUE(upstream.wait_for_peer_close(0));
}

TEST(UpstreamTimeouts, SilenceInAPlainAnswerIs504) {
    Signal never;
    FakeUpstream upstream;
    const Gateway gateway(timeouts_config(upstream, "between_bytes: 400ms"));
    upstream.answer(
        Script()
            .send(response_head(200, "Content-Type: application/json\r\nContent-Length: 9\r\n") +
                  "{\"a\"")
            .wait(never));
    expect_error(gateway.chat(alice_key, "m"),
                 {.status = 504, .type = "server_error", .code = "upstream_idle_timeout"});
}

TEST(UpstreamTimeouts, BytesRenewTheDeadlineBetweenThem) {
    FakeUpstream upstream;
    const Gateway gateway(timeouts_config(upstream, "between_bytes: 1500ms"));
    Script script;
    script.send(sse_head());
    for (int i = 0; i < 6; ++i) script.send(chunk(chat_event("x"))).pause(milliseconds(400));
    upstream.answer(script.send(chunk(done_event) + chunk("")));
    expect_success(gateway.send(chat_request(alice_key, "m", true)));
}

TEST(UpstreamTimeouts, TheTotalEndsAStreamThatNeverStops) {
    FakeUpstream upstream;
    const Gateway gateway(timeouts_config(upstream, "total: 1s"));
    upstream.answer(Script().send(sse_head()).repeat(chunk(chat_event("x")), milliseconds(20)));
    expect_in_band_timeout(gateway.send(chat_request(alice_key, "m", true)),
                           "upstream_total_timeout");
    EXPECT_TRUE(upstream.wait_for_peer_close(0));
}

TEST(UpstreamTimeouts, ARefusedConnectionIs502) {
    std::string nowhere;
    {
        const FakeUpstream gone;
        nowhere = gone.base_url();
    }
    const Gateway gateway{ConfigText(nowhere)};
    expect_error(gateway.chat(alice_key, "m"),
                 {.status = 502,
                  .type = "server_error",
                  .code = "upstream_unreachable",
                  .message = "Could not reach the upstream provider."});
}

TEST(UpstreamTimeouts, AnUnknownNameIs502) {
    const Gateway gateway{ConfigText("http://no-such-host.invalid:1/v1")};
    const Response response = gateway.chat(alice_key, "m");
    EXPECT_TRUE(response.status == 502 || response.status == 504) << response.status;
}

TEST(UpstreamTimeouts, AConnectThatHangsIs504) {
    // A full accept queue drops further SYNs.
    const ListeningSocket full(0);
    std::vector<Wire> waiting;
    try {
        for (int i = 0; i < 8; ++i) {
            waiting.push_back(Wire::connect(full.port(), Deadline(milliseconds(300))));
        }
        FAIL() << "the accept queue never filled";
    } catch (const std::runtime_error&) {
    }
    const Gateway gateway{ConfigText("http://127.0.0.1:" + std::to_string(full.port()) + "/v1",
                                     "timeouts: {connect: 500ms}")};
    expect_error(gateway.chat(alice_key, "m"),
                 {.status = 504, .type = "server_error", .code = "upstream_connect_timeout"});
}

TEST(UpstreamTimeouts, AHandshakeThatHangsIsAnError) {
    const CertificateAuthority authority;
    FakeUpstream upstream(server_context(authority.issue()));
    upstream.ignore_handshakes();
    const Gateway gateway{ConfigText(upstream.base_url(), "timeouts: {connect: 500ms}")};
    const Response response = gateway.chat(alice_key, "m");
    EXPECT_TRUE(response.status == 504 || response.status == 502) << response.status;
    EXPECT_TRUE(upstream.wait_for_peer_close(0));
}

}  // namespace
}  // namespace sluicegate::support
