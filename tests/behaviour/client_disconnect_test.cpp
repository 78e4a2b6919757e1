// A client that leaves stops its upstream request, in every phase.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

/// Far more than the promised 100 ms, far less than any timeout that could hide behind it.
constexpr milliseconds soon{5000};

class ClientDisconnect : public testing::Test {
protected:
    Signal never_;
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};
};

TEST_F(ClientDisconnect, StopsTheUpstreamInEveryPhase) {
    const std::string json_head =
        response_head(200, "Content-Type: application/json\r\nContent-Length: 100\r\n");
    struct Row {
        std::string name;
        Script script;
        bool is_streaming;
        std::string until;  ///< what the client reads before it leaves
    };
    const std::vector<Row> rows{
        {"before the head", Script().wait(never_), true, ""},
        {"in the head", Script().send("HTTP/1.1 200 OK\r\nConte").wait(never_), true, ""},
        {"after the head", Script().send(sse_head()).wait(never_), true, ""},
        {"after an event", Script().send(sse_head() + chunk(chat_event("one"))).wait(never_), true,
         "one"},
        {"in an event",
         Script().send(sse_head() + chunk(chat_event("one")) + "50\r\ndata: {").wait(never_), true,
         "one"},
        {"in plain JSON", Script().send(json_head + "{\"a\":").wait(never_), false, ""},
        {"while events flow",
         Script().send(sse_head()).repeat(chunk(chat_event("one")), milliseconds(5)), true, "one"},
    };
    std::size_t connections = 0;
    for (const Row& row : rows) {
        for (const bool by_reset : {false, true}) {
            SCOPED_TRACE(row.name + (by_reset ? ", RST" : ", FIN"));
            upstream_.answer(row.script);
            const std::size_t from = gateway_.daemon().log_size();
            TestClient client = gateway_.connect();
            client.send(chat_request(alice_key, "m", row.is_streaming));
            ++connections;
            ASSERT_TRUE(upstream_.wait_for_requests(connections));
            if (!row.until.empty()) {
                static_cast<void>(client.read_head());
                ASSERT_TRUE(client.read_until(row.until));
            }
            by_reset ? client.wire().reset() : client.wire().close();
            EXPECT_TRUE(upstream_.wait_for_peer_close(connections - 1, Deadline(soon)));
            const auto line = gateway_.daemon().wait_for_event("access", from);
            ASSERT_TRUE(line);
            EXPECT_EQ(line->value("outcome", ""), "client_gone");
            EXPECT_EQ(line->value("status", 0), row.until.empty() ? 499 : 200)
                << "what the client has begun to read stays what it is";
        }
    }
}

TEST_F(ClientDisconnect, WhilePipelinedBytesWaitStopsTheUpstreamToo) {
    upstream_.answer(Script().wait(never_));
    TestClient client = gateway_.connect();
    client.send(chat_request(alice_key, "m") + chat_request(alice_key, "m"));
    ASSERT_TRUE(upstream_.wait_for_requests(1));
    client.wire().reset();
    EXPECT_TRUE(upstream_.wait_for_peer_close(0, Deadline(soon)));
}

TEST_F(ClientDisconnect, DuringTheUploadReachesNoUpstream) {
    TestClient client = gateway_.connect();
    const std::string bytes = chat_request(alice_key, "limited");
    client.send(std::string_view(bytes).substr(0, bytes.size() - 3));
    client.wire().close();
    for (int i = 0; i < 3; ++i) expect_success(gateway_.chat(alice_key, "limited"));
    EXPECT_EQ(upstream_.requests().size(), 3U) << "and it cost the user nothing";
}

TEST_F(ClientDisconnect, LeavesNoDescriptorBehind) {
    expect_success(gateway_.chat(alice_key, "m"));
    upstream_.answer(Script().send(sse_head()).repeat(chunk(chat_event("x")), milliseconds(1)));
    const std::size_t before = gateway_.daemon().open_descriptors();
    for (int i = 0; i < 100; ++i) {
        TestClient client = gateway_.connect();
        client.send(chat_request(alice_key, "m", true));
        if (i % 2 == 0) static_cast<void>(client.read_head());
        i % 3 == 0 ? client.wire().reset() : client.wire().close();
    }
    EXPECT_TRUE(eventually([&] { return gateway_.daemon().open_descriptors() <= before; }));
}

}  // namespace
}  // namespace sluicegate::support
