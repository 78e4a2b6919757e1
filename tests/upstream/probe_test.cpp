#include "sluicegate/upstream/probe.hpp"

#include "upstream/rig.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::upstream {
namespace {

using namespace std::chrono_literals;
using test::Rig;
using test::RunningTask;

const std::string question = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";

RunningTask<Result<void>> ask(Rig& rig, Milliseconds timeout = 2s) {
    return {rig.context, probe(rig.pool(), question, http::Method::get, timeout)};
}

TEST(Probe, WantsA2xxWhateverTheBodySays) {
    struct Row {
        const char* name;
        std::string answer;
        const char* reason;  ///< "" when the endpoint is healthy
        std::int64_t idle;   ///< connections that are left
    };
    const std::vector<Row> rows{
        {"200 without a body", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "", 1},
        {"200 with a body", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbad!", "", 1},
        {"204", "HTTP/1.1 204 No Content\r\n\r\n", "", 1},
        {"a body that is too long",
         "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + std::string(80'000, 'x'), "", 0},
        {"503", "HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno", "provider: answered 503", 1},
        {"302", "HTTP/1.1 302 No\r\ncontent-length: 0\r\n\r\n", "provider: answered 302", 1},
        {"401", "HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n", "provider: answered 401", 1},
        {"not HTTP", "hello\r\n\r\n", "provider: the first bytes are not HTTP/1", 0},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Rig rig;
        auto task = ask(rig);
        EXPECT_EQ(rig.peers[0].received(), question);
        rig.peers[0].send(row.answer);
        const Result<void> healthy = task.take();
        EXPECT_EQ(healthy ? "" : healthy.error().detail, row.reason);
        EXPECT_EQ(rig.connections("idle"), row.idle);
        EXPECT_EQ(rig.connections("active"), 0);
    }
}

TEST(Probe, AnswersThatDoNotComeInTimeAreFailures) {
    Rig rig;
    auto task = ask(rig, 500ms);
    rig.pass(500ms - net::Deadlines::tick_length);
    EXPECT_FALSE(task.is_done());
    rig.pass(2 * net::Deadlines::tick_length);
    const Result<void> healthy = task.take();
    ASSERT_FALSE(healthy);
    EXPECT_EQ(healthy.error().kind, ErrorKind::upstream_total_timeout);
    EXPECT_EQ(rig.connections("idle"), 0);
}

TEST(Probe, ABodyThatDripsDoesNotHoldItBeyondItsTime) {
    Rig rig;
    auto task = ask(rig, 500ms);
    rig.peers[0].send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n");
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(task.is_done());
        rig.peers[0].send("x");
        rig.pass(100ms);
    }
    EXPECT_TRUE(task.take()) << "its head was good";
    EXPECT_EQ(rig.connections("idle"), 0);
}

TEST(Probe, UsesIdleConnectionsAndSeesThroughStaleOnes) {
    Rig rig;
    rig.exchange_once();
    static_cast<void>(rig.peers[0].received());
    auto first = ask(rig);
    EXPECT_EQ(rig.peers[0].received(), question);
    rig.peers[0].send(test::short_answer);
    EXPECT_TRUE(first.take());

    auto second = ask(rig);
    EXPECT_EQ(rig.peers[0].received(), question);
    rig.peers[0].close();
    EXPECT_FALSE(second.is_done());
    ASSERT_EQ(rig.peers.size(), 2U);
    EXPECT_EQ(rig.peers[1].received(), question);
    rig.peers[1].send(test::short_answer);
    EXPECT_TRUE(second.take());
}

}  // namespace
}  // namespace sluicegate::upstream
