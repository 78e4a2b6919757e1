// Clients that take their time: every phase of a request has a total deadline.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class RequestDeadlines : public testing::Test {
protected:
    RequestDeadlines() : gateway_(config()) {}
    ConfigText config() {
        ConfigText text(upstream_.base_url());
        text.timeouts = "{header: 700ms, body: 700ms, idle: 700ms, drain: 1s}";
        return text;
    }
    /// Sends a byte now and then until an answer or the end comes; a deadline that every byte
    /// renews would keep this going for ever.
    static Response trickle(TestClient& client, std::string_view bytes) {
        const Deadline deadline;
        for (const char c : bytes) {
            if (deadline.has_passed() || client.send(std::string(1, c)) == 0) break;
            if (client.wire().peer_has_closed()) break;
            let_time_pass(milliseconds(20));
        }
        EXPECT_FALSE(deadline.has_passed()) << "the trickle was never cut off";
        return client.read_response();
    }

    FakeUpstream upstream_;
    Gateway gateway_;
};

void expect_timeout(const Response& response) {
    if (response.status == 0) return;  // a late byte may turn the end into a reset
    expect_error(response, {.status = 408, .code = "request_timeout"});
    EXPECT_EQ(to_lower(response.field("connection")), "close");
    EXPECT_EQ(response.field("x-should-retry"), "false");
}

TEST_F(RequestDeadlines, AHeadThatStopsIs408) {
    TestClient client = gateway_.connect();
    client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n");
    const Response response = client.read_response();
    EXPECT_EQ(response.status, 408);
    expect_timeout(response);
    EXPECT_EQ(client.read_to_end(), ReadEnd::eof);
}

TEST_F(RequestDeadlines, AHeadThatTricklesIsCutOff) {
    TestClient client = gateway_.connect();
    expect_timeout(
        trickle(client, "POST /v1/chat/completions HTTP/1.1\r\nX: " + std::string(5000, 'x')));
}

TEST_F(RequestDeadlines, ABodyThatStopsIs408AndReachesNoUpstream) {
    TestClient client = gateway_.connect();
    const std::string bytes = chat_request(alice_key, "limited");
    client.send(std::string_view(bytes).substr(0, bytes.size() - 5));
    const Response response = client.read_response();
    EXPECT_EQ(response.status, 408);
    expect_timeout(response);
    EXPECT_EQ(client.read_to_end(), ReadEnd::eof);
    EXPECT_TRUE(upstream_.connections().empty());
}

TEST_F(RequestDeadlines, ABodyThatTricklesIsCutOff) {
    TestClient client = gateway_.connect();
    client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n" + bearer(alice_key) +
                "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n");
    expect_timeout(trickle(client, std::string(5000, ' ')));
    EXPECT_TRUE(upstream_.connections().empty());
}

TEST_F(RequestDeadlines, AnIdleConnectionIsClosedWithoutAWord) {
    TestClient fresh = gateway_.connect();
    EXPECT_EQ(fresh.read_raw(), "");
    EXPECT_EQ(fresh.read_to_end(), ReadEnd::eof);

    TestClient used = gateway_.connect();
    used.send(request("GET", "/v1/models", bearer(alice_key)));
    expect_success(used.read_response("GET"));
    EXPECT_EQ(used.read_raw(), "");
    EXPECT_EQ(used.read_to_end(), ReadEnd::eof);
}

TEST_F(RequestDeadlines, TheyDoNotCountWhileTheUpstreamWorks) {
    upstream_.answer(Script().pause(milliseconds(2000)).send(chat_answer()));
    expect_success(gateway_.chat(alice_key, "m"));
}

TEST_F(RequestDeadlines, HundredsOfSlowClientsLeaveOthersAlone) {
    std::vector<TestClient> slow;
    for (int i = 0; i < 300; ++i) {
        slow.push_back(gateway_.connect());
        slow.back().send("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX: ");
    }
    for (int i = 0; i < 20; ++i) expect_success(gateway_.chat(alice_key, "m"));
    for (TestClient& client : slow) EXPECT_NE(client.read_to_end(), ReadEnd::timeout);
}

}  // namespace
}  // namespace sluicegate::support
