#include "sluicegate/upstream/probe.hpp"

#include "upstream/rig.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sluicegate::upstream {
namespace {

using namespace std::chrono_literals;
using test::Rig;
using test::RunningTask;

const std::string question = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";

net::Task<Result<std::string>> answer_to_question(Exchange& exchange) {
    auto status = co_await probe(exchange, question, http::Method::get);
    if (!status) co_return std::move(status).failure();
    co_return std::to_string(*status) + " " + std::string(exchange.body());
}

/// A probe that goes on until its time is over, and what came of it.
class Asking {
public:
    explicit Asking(Rig& rig, Milliseconds timeout = 2s)
        : exchange_(std::make_unique<Exchange>(rig.pool(), rig.clock.now(), timeouts(timeout))),
          task_(rig.context, answer_to_question(*exchange_)) {}

    Exchange& exchange() { return *exchange_; }
    bool is_done() { return task_.is_done(); }
    /// "200 body", or why there is no answer; the connection is free then.
    std::string take() {
        const Result<std::string> answer = task_.take();
        exchange_.reset();
        return answer ? *answer : answer.error().detail;
    }

private:
    static config::UpstreamTimeouts timeouts(Milliseconds timeout) {
        return {
            .connect = timeout, .first_byte = timeout, .between_bytes = timeout, .total = timeout};
    }

    std::unique_ptr<Exchange> exchange_;
    RunningTask<Result<std::string>> task_;
};

TEST(Probe, TellsTheStatusAndTheBody) {
    struct Row {
        const char* name;
        std::string answer;
        std::string told;
        std::int64_t idle;  ///< connections that are left
    };
    const std::vector<Row> rows{
        {"200 without a body", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "200 ", 1},
        {"200 with a body", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbad!", "200 bad!", 1},
        {"204", "HTTP/1.1 204 No Content\r\n\r\n", "204 ", 1},
        {"503", "HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno", "503 no", 1},
        {"chunks", "HTTP/1.1 401 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
         "401 no", 1},
        {"302", "HTTP/1.1 302 No\r\ncontent-length: 0\r\n\r\n", "302 ", 1},
        {"not HTTP", "hello\r\n\r\n", "provider: the first bytes are not HTTP/1", 0},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Rig rig;
        Asking asking(rig);
        EXPECT_EQ(rig.peers[0].received(), question);
        rig.peers[0].send(row.answer);
        EXPECT_EQ(asking.take(), row.told);
        EXPECT_EQ(rig.connections("idle"), row.idle);
        EXPECT_EQ(rig.connections("active"), 0);
    }
}

TEST(Probe, ABodyBeyondTheBoundIsAFailure) {
    Rig rig;
    Asking asking(rig);
    rig.peers[0].send("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n");
    const std::string piece(16 * 1024, 'x');
    for (std::size_t sent = 0; sent < probe_body_bytes_max; sent += piece.size()) {
        ASSERT_FALSE(asking.is_done()) << sent << asking.take().substr(0, 100);
        rig.peers[0].send(piece);
        rig.pass(1ms);
    }
    EXPECT_EQ(asking.take(), "provider: more than 1048576 bytes in answer to a check");
    EXPECT_EQ(rig.connections("idle"), 0);
}

TEST(Probe, AnswersThatDoNotComeInTimeAreFailures) {
    Rig rig;
    Asking asking(rig, 500ms);
    rig.pass(500ms - net::Deadlines::tick_length);
    EXPECT_FALSE(asking.is_done());
    rig.pass(2 * net::Deadlines::tick_length);
    EXPECT_EQ(asking.take(), "provider: waiting for the answer");
    EXPECT_EQ(rig.connections("idle"), 0);
}

TEST(Probe, EndsAtOnceWhenItIsCancelled) {
    Rig rig;
    rig.exchange_once();
    Asking asking(rig);
    EXPECT_FALSE(asking.is_done());
    asking.exchange().cancel(ErrorKind::draining);
    EXPECT_TRUE(asking.is_done());
    static_cast<void>(asking.take());
    EXPECT_EQ(rig.peers.size(), 1U) << "it is not sent again";
    EXPECT_EQ(rig.connections("active"), 0);
}

TEST(Probe, ABodyThatDripsDoesNotHoldItBeyondItsTime) {
    Rig rig;
    Asking asking(rig, 500ms);
    rig.peers[0].send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n");
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(asking.is_done());
        rig.peers[0].send("x");
        rig.pass(100ms);
    }
    EXPECT_EQ(asking.take(), "provider: waiting for the answer");
    EXPECT_EQ(rig.connections("idle"), 0);
}

TEST(Probe, UsesIdleConnectionsAndSeesThroughStaleOnes) {
    Rig rig;
    rig.exchange_once();
    static_cast<void>(rig.peers[0].received());
    Asking first(rig);
    EXPECT_EQ(rig.peers[0].received(), question);
    rig.peers[0].send(test::short_answer);
    EXPECT_EQ(first.take(), "200 ok");

    Asking second(rig);
    EXPECT_EQ(rig.peers[0].received(), question);
    rig.peers[0].close();
    EXPECT_FALSE(second.is_done());
    ASSERT_EQ(rig.peers.size(), 2U);
    EXPECT_EQ(rig.peers[1].received(), question);
    rig.peers[1].send(test::short_answer);
    EXPECT_EQ(second.take(), "200 ok");
}

}  // namespace
}  // namespace sluicegate::upstream
