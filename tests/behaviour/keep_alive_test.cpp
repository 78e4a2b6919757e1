// Comments that keep a silent stream alive: between events only, and before the first one only when
// the upstream's head is known or the silence has become long (docs/streaming.md, "Silence").
#include "behaviour/harness.hpp"
#include "support/certificates.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

ConfigText keep_alive_config(const FakeUpstream& upstream, const std::string& streams,
                             const std::string& options = {}) {
    ConfigText text(upstream.base_url(), options);
    text.streams = "streams: {" + streams + "}\n";
    return text;
}

/// Without the comments, each of which must be whole lines between two events.
std::string without_comments(const std::string& body) {
    std::string out;
    std::size_t at = 0;
    while (at < body.size()) {
        const bool is_at_boundary = out.empty() || out.ends_with("\n\n");
        const std::size_t end = body.find('\n', at);
        if (body[at] == ':' && end != std::string::npos) {
            EXPECT_TRUE(is_at_boundary) << "a comment inside an event: " << body;
            at = end + 1;
            if (at < body.size() && body[at] == '\n') ++at;
            continue;
        }
        const std::size_t next = end == std::string::npos ? body.size() : end + 1;
        out += body.substr(at, next - at);
        at = next;
    }
    return out;
}

std::size_t comments_in(const std::string& body) {
    std::size_t count = body.starts_with(":") ? 1 : 0;
    for (std::size_t at = 0; (at = body.find("\n:", at)) != std::string::npos; ++at) ++count;
    return count;
}

// Signals outlive the upstream that waits for them.
class KeepAlive : public testing::Test {
protected:
    Signal go_;
    Signal then_;
    Signal never_;
    FakeUpstream upstream_;
    const std::string events_ = chat_event("one") + chat_event("two") + std::string(done_event);
};

TEST_F(KeepAlive, CommentsFillASilenceBetweenEvents) {
    const Gateway gateway(keep_alive_config(upstream_, "keep_alive: 1s"));
    upstream_.answer(Script()
                         .send(sse_head() + chunk(chat_event("one")))
                         .wait(go_)
                         .send(chunk(chat_event("two") + std::string(done_event)) + chunk("")));
    TestClient client = gateway.connect();
    client.send(chat_request(alice_key, "m", true));
    EXPECT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_until("one"));
    ASSERT_TRUE(client.read_until("\n\n:")) << "a comment, and after an event";
    go_.raise();
    const Response response = client.read_rest();
    expect_success(response);
    EXPECT_GE(comments_in(response.body), 1U);
    EXPECT_EQ(without_comments(response.body), events_);
}

TEST_F(KeepAlive, NeverInsideAnEvent) {
    const Gateway gateway(keep_alive_config(upstream_, "keep_alive: 1s"));
    const std::string second = chat_event("two");
    upstream_.answer(Script()
                         .send(sse_head() + chunk(chat_event("one") + second.substr(0, 40)))
                         .pause(milliseconds(2500))
                         .send(chunk(second.substr(40, 30)))
                         .pause(milliseconds(1200))
                         .send(chunk(second.substr(70, second.size() - 71)))
                         .pause(milliseconds(1200))
                         .send(chunk("\n" + std::string(done_event)) + chunk("")));
    const Response response = gateway.stream(alice_key, "m");
    expect_success(response);
    EXPECT_EQ(without_comments(response.body), events_);
}

TEST_F(KeepAlive, BeforeTheFirstEventOnlyOnceTheHeadIsThere) {
    const Gateway gateway(keep_alive_config(upstream_, "keep_alive: 1s"));
    // Longer than the interval without a head: nothing is said, and the failure is a status.
    upstream_.answer(Script().pause(milliseconds(2200)).send(json_response(400, "{}")));
    EXPECT_EQ(gateway.stream(alice_key, "m").status, 400);

    upstream_.answer(Script().send(sse_head()).wait(go_).send(chunk(events_) + chunk("")));
    TestClient client = gateway.connect();
    client.send(chat_request(alice_key, "m", true));
    EXPECT_EQ(client.read_head().status, 200) << "the head alone lets comments begin";
    ASSERT_TRUE(client.read_until(":"));
    go_.raise();
    const Response response = client.read_rest();
    expect_success(response);
    EXPECT_GE(comments_in(response.body), 1U);
    EXPECT_EQ(without_comments(response.body), events_);
}

TEST_F(KeepAlive, CanBeSwitchedOff) {
    const Gateway gateway(keep_alive_config(upstream_, "keep_alive: off"));
    upstream_.answer(Script()
                         .send(sse_head() + chunk(chat_event("one")))
                         .pause(milliseconds(2500))
                         .send(chunk(chat_event("two") + std::string(done_event)) + chunk("")));
    EXPECT_EQ(gateway.stream(alice_key, "m").body, events_);
}

TEST_F(KeepAlive, CommentsRenewNoDeadlineOfTheUpstream) {
    const Gateway gateway(
        keep_alive_config(upstream_, "keep_alive: 1s", "timeouts: {between_bytes: 2500ms}"));
    upstream_.answer(Script().send(sse_head() + chunk(chat_event("one"))).wait(never_));
    const Response response = gateway.stream(alice_key, "m");
    EXPECT_FALSE(response.is_complete);
    EXPECT_GE(comments_in(response.body), 1U);
    EXPECT_NE(response.body.find("upstream_idle_timeout"), std::string::npos) << response.body;
}

TEST_F(KeepAlive, PlainAnswersGetNone) {
    const Gateway gateway(keep_alive_config(upstream_, "keep_alive: 1s, commit_after: 1s"));
    const std::string json = R"({"choices":[{"message":{"content":"a"}}]})";
    upstream_.answer(
        Script()
            .pause(milliseconds(1500))
            .send(response_head(200, "Content-Type: application/json\r\nContent-Length: 41\r\n"))
            .pause(milliseconds(1500))
            .send(json));
    const Response response = gateway.chat(alice_key, "m");
    expect_success(response);
    EXPECT_EQ(response.body, json);
}

TEST_F(KeepAlive, ALongSilenceCommitsTheAnswerAndThenAFailureIsAnEvent) {
    const Gateway gateway(keep_alive_config(upstream_, "keep_alive: 1s, commit_after: 1s",
                                            "timeouts: {first_byte: 60s}"));
    struct Row {
        std::string name;
        Script end;
        std::string code;
    };
    const std::vector<Row> rows{
        {"a good stream", Script().send(sse_head() + chunk(events_) + chunk("")), ""},
        {"closed", Script().cut(), "upstream_closed"},
        {"503", Script().send(json_response(503, "{}")), "upstream_overloaded"},
        {"429", Script().send(json_response(429, "{}")), "upstream_rate_limited"},
        {"401", Script().send(json_response(401, "{}")), "upstream_auth_error"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Signal go;
        Script script;
        script.wait(go);
        for (const Step& step : row.end.steps()) {
            if (step.kind == Step::Kind::send) script.send(step.bytes);
            if (step.kind == Step::Kind::cut) script.cut();
        }
        upstream_.answer(script);
        TestClient client = gateway.connect();
        client.send(chat_request(alice_key, "m", true));
        const Response head = client.read_head();
        EXPECT_EQ(head.status, 200) << "before the upstream has said anything";
        EXPECT_TRUE(head.field("content-type").starts_with("text/event-stream"));
        EXPECT_NE(head.field("x-request-id"), "");
        ASSERT_TRUE(client.read_until(":"));
        go.raise();
        const Response response = client.read_rest();
        EXPECT_GE(comments_in(response.body), 1U);
        if (row.code.empty()) {
            expect_success(response);
            EXPECT_EQ(without_comments(response.body), events_);
            continue;
        }
        EXPECT_FALSE(response.is_complete);
        EXPECT_EQ(response.body.find("[DONE]"), std::string::npos);
        const std::vector<std::string> events = events_of(without_comments(response.body));
        ASSERT_EQ(events.size(), 1U) << response.body;
        EXPECT_EQ(nlohmann::json::parse(events[0])["error"].value("code", ""), row.code);
        EXPECT_EQ(response.body.find(upstream_key), std::string::npos);
    }
}

TEST_F(KeepAlive, ACommittedAnswerThatTimesOutSaysSoInTheStream) {
    const Gateway gateway(
        keep_alive_config(upstream_, "commit_after: 1s", "timeouts: {first_byte: 1500ms}"));
    upstream_.answer(Script().wait(never_));
    const Response response = gateway.stream(alice_key, "m");
    ASSERT_EQ(response.status, 200);
    EXPECT_FALSE(response.is_complete);
    EXPECT_NE(response.body.find("\"upstream_timeout\""), std::string::npos) << response.body;
}

TEST_F(KeepAlive, ACommittedAnswerOfJsonBecomesAStream) {
    const Gateway gateway(keep_alive_config(upstream_, "commit_after: 1s"));
    upstream_.answer(Script().wait(go_).send(chat_answer()));
    TestClient client = gateway.connect();
    client.send(chat_request(alice_key, "m", true));
    EXPECT_EQ(client.read_head().status, 200);
    go_.raise();
    const Response response = client.read_rest();
    expect_success(response);
    EXPECT_NE(response.body.find("hello"), std::string::npos);
    EXPECT_TRUE(response.body.ends_with(done_event));
}

TEST_F(KeepAlive, AClientThatLeavesACommittedAnswerStopsTheUpstream) {
    const Gateway gateway(keep_alive_config(upstream_, "keep_alive: 1s, commit_after: 1s"));
    upstream_.answer(Script().wait(never_));
    TestClient client = gateway.connect();
    client.send(chat_request(alice_key, "m", true));
    EXPECT_EQ(client.read_head().status, 200);
    client.wire().close();
    EXPECT_TRUE(upstream_.wait_for_peer_close(0));
}

TEST_F(KeepAlive, WorksFromAnUpstreamUnderTls) {
    const CertificateAuthority authority;
    FakeUpstream upstream(server_context(authority.issue()));
    DaemonOptions options;
    options.files["ca.pem"] = authority.certificate();
    const Gateway gateway(keep_alive_config(upstream, "keep_alive: 1s", "tls: {ca_file: ca.pem}"),
                          options);
    upstream.answer(
        Script()
            .send(sse_head())
            .wait(go_)
            .send(chunk(chat_event("one")))
            .wait(then_)
            .send(chunk(chat_event("two") + usage_event(1, 2) + std::string(done_event)) +
                  chunk("")));
    TestClient client = gateway.connect();
    client.send(chat_request(alice_key, "m", true));
    EXPECT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_until(":"));
    go_.raise();
    ASSERT_TRUE(client.read_until("one"));
    ASSERT_TRUE(client.read_until("\n\n:"));
    then_.raise();
    const Response response = client.read_rest();
    expect_success(response);
    EXPECT_EQ(without_comments(response.body), events_);
}

}  // namespace
}  // namespace sluicegate::support
