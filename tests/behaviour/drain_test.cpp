// SIGTERM: no new requests; running ones may end, up to a deadline.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <system_error>
#include <vector>

namespace sluicegate::support {
namespace {

class Drain : public testing::Test {
protected:
    ConfigText config(const std::string& drain) {
        ConfigText text(upstream_.base_url());
        text.timeouts = "{header: 20s, body: 20s, idle: 75s, drain: " + drain + "}";
        return text;
    }
    /// A stream that has begun and waits for go_.
    TestClient running_stream(const Gateway& gateway) {
        upstream_.answer(Script()
                             .send(sse_head() + chunk(chat_event("one")))
                             .wait(go_)
                             .send(chunk(chat_event("two")) + chunk(done_event) + chunk("")));
        TestClient client = gateway.connect();
        client.send(chat_request(alice_key, "m", true));
        EXPECT_EQ(client.read_head().status, 200);
        EXPECT_TRUE(client.read_until("one"));
        return client;
    }
    /// Until new connections are refused, or told to go away.
    static bool refuses_new_requests(const Gateway& gateway) {
        const Deadline deadline;
        while (!deadline.has_passed()) {
            try {
                TestClient client = gateway.connect();
                client.send(request("GET", "/v1/models", bearer(alice_key)));
                const int status = client.read_response("GET").status;
                if (status == 0 || status == 503) return true;
            } catch (const std::system_error&) {
                return true;
            }
        }
        return false;
    }

    Signal go_;
    FakeUpstream upstream_;
};

TEST_F(Drain, LetsARunningStreamEndAndRefusesNewConnections) {
    Gateway gateway(config("20s"));
    TestClient client = running_stream(gateway);
    gateway.daemon().signal(SIGTERM);
    EXPECT_TRUE(refuses_new_requests(gateway));
    EXPECT_TRUE(gateway.daemon().is_running());
    go_.raise();
    const Response response = client.read_rest();
    expect_success(response);
    EXPECT_TRUE(response.body.ends_with(done_event));
    EXPECT_EQ(client.read_to_end(), ReadEnd::eof);
    EXPECT_EQ(gateway.daemon().wait_for_exit(), 0);
}

TEST_F(Drain, ClosesIdleConnectionsAtOnce) {
    Gateway gateway(config("20s"));
    TestClient idle = gateway.connect();
    TestClient used = gateway.connect();
    used.send(request("GET", "/v1/models", bearer(alice_key)));
    expect_success(used.read_response("GET"));
    // One that waits to be accepted is reset with its listener.
    ASSERT_TRUE(
        eventually([&] { return metric(gateway, "sluicegate_client_connections") == 2.0; }));
    gateway.daemon().signal(SIGTERM);
    EXPECT_EQ(idle.read_to_end(), ReadEnd::eof);
    EXPECT_EQ(used.read_to_end(), ReadEnd::eof);
    EXPECT_EQ(gateway.daemon().wait_for_exit(), 0);
}

// What the drain cuts is told as such, to the client, in the log and in the metrics.
TEST_F(Drain, TellsAStreamThatItIsCut) {
    for (const bool is_forced : {false, true}) {
        SCOPED_TRACE(is_forced ? "by a second signal" : "by the deadline");
        Gateway gateway(config(is_forced ? "1h" : "300ms"));
        TestClient client = running_stream(gateway);
        gateway.daemon().signal(SIGTERM);
        if (is_forced) {
            ASSERT_TRUE(gateway.daemon().wait_for_event("draining"));
            gateway.daemon().signal(SIGTERM);
        }
        const Response response = client.read_rest();
        EXPECT_FALSE(response.is_complete);
        EXPECT_NE(response.body.find("\"gateway_draining\""), std::string::npos) << response.body;
        EXPECT_EQ(response.body.find("[DONE]"), std::string::npos);
        client.wire().close();
        EXPECT_TRUE(gateway.daemon().wait_for_exit());
        const auto line = gateway.daemon().wait_for_event("access");
        ASSERT_TRUE(line);
        EXPECT_EQ(line->at("status"), 200);
        EXPECT_EQ(line->at("outcome"), "draining");
    }
}

TEST_F(Drain, TellsThoseThatWaitThatTheyAreCut) {
    struct Waiting {
        std::string name;
        std::string request;
    };
    const std::string upload = post_json("/v1/chat/completions", alice_key, chat_body("m"));
    const std::vector<Waiting> rows{
        {"for an answer", chat_request(alice_key, "m")},
        {"for the first event", chat_request(alice_key, "m", true)},
        {"for a place", chat_request(alice_key, "one")},
        {"for its own body", upload.substr(0, upload.size() - 5)},
    };
    for (const Waiting& row : rows) {
        SCOPED_TRACE(row.name);
        FakeUpstream upstream;
        upstream.answer(Script().wait(go_));
        ConfigText text(upstream.base_url());
        text.timeouts = "{header: 20s, body: 20s, idle: 75s, drain: 500ms}";
        text.upstreams += upstream_line("narrow", upstream.base_url(),
                                        "max_in_flight: 1, queue: {timeout: 60s, max_waiting: 9}");
        text.models += "  one: {route: [{upstream: narrow}]}\n";
        Gateway gateway(text);
        TestClient first = gateway.connect();
        if (row.name == "for a place") {
            first.send(chat_request(alice_key, "one"));
            ASSERT_TRUE(upstream.wait_for_requests(1));
        }
        TestClient client = gateway.connect();
        client.send(row.request);
        ASSERT_TRUE(eventually([&] {
            const double expected = row.name == "for a place" ? 2.0 : 1.0;
            return metric(gateway, "sluicegate_requests_in_flight") == expected;
        }));
        gateway.daemon().signal(SIGTERM);
        expect_error(client.read_response(),
                     {.status = 503, .type = "server_error", .code = "gateway_draining"});
        client.wire().close();
        if (row.name == "for a place") {
            EXPECT_EQ(first.read_response().status, 503);
        }
        first.wire().close();
        EXPECT_TRUE(gateway.daemon().wait_for_exit());
        const auto line = gateway.daemon().wait_for_event("access");
        ASSERT_TRUE(line) << gateway.daemon().log();
        EXPECT_EQ(line->at("status"), 503);
        EXPECT_EQ(line->at("outcome"), "draining");
        EXPECT_EQ(gateway.daemon().log().find("client_gone"), std::string::npos);
    }
}

TEST_F(Drain, EndsAtItsDeadlineWithoutMakingAStreamLookFinished) {
    Gateway gateway(config("500ms"));
    TestClient client = running_stream(gateway);
    gateway.daemon().signal(SIGTERM);
    const Response response = client.read_rest();
    EXPECT_FALSE(response.is_complete);
    EXPECT_EQ(response.body.find("[DONE]"), std::string::npos);
    EXPECT_TRUE(gateway.daemon().wait_for_exit());
}

TEST_F(Drain, ASecondSignalQuitsAtOnce) {
    Gateway gateway(config("1h"));
    TestClient client = running_stream(gateway);
    gateway.daemon().signal(SIGTERM);
    EXPECT_TRUE(refuses_new_requests(gateway));
    gateway.daemon().signal(SIGTERM);
    EXPECT_TRUE(gateway.daemon().wait_for_exit());
    EXPECT_FALSE(client.read_rest().is_complete);
}

TEST_F(Drain, IsSeenByTheReadinessCheck) {
    Gateway gateway(config("20s"));
    TestClient client = running_stream(gateway);
    EXPECT_EQ(gateway.admin("/readyz").status, 200);
    gateway.daemon().signal(SIGTERM);
    EXPECT_TRUE(refuses_new_requests(gateway));
    EXPECT_EQ(gateway.admin("/readyz").status, 503);
    EXPECT_EQ(gateway.admin("/livez").status, 200);
    go_.raise();
    EXPECT_TRUE(client.read_rest().is_complete);
}

TEST_F(Drain, InterruptDrainsToo) {
    Gateway gateway(config("20s"));
    gateway.daemon().signal(SIGINT);
    EXPECT_EQ(gateway.daemon().wait_for_exit(), 0);
}

}  // namespace
}  // namespace sluicegate::support
