#include "sluicegate/upstream/ask.hpp"

#include "upstream/rig.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>

namespace sluicegate::upstream {
namespace {

using namespace std::chrono_literals;
using test::Rig;
using test::RunningTask;
using Outcome = Result<Arrival>;

const std::string text = "POST / HTTP/1.1\r\nhost: x\r\n\r\n";

class AskTest : public testing::Test {
protected:
    RunningTask<Outcome> ask(Instant wake_at = Instant::max()) {
        return {rig.context, upstream::ask(exchange, {.text = pieces}, wake_at)};
    }
    static void expect_status(RunningTask<Outcome>& task, const Exchange& exchange,
                              unsigned status) {
        ASSERT_TRUE(task.is_done());
        const Outcome outcome = task.take();
        ASSERT_TRUE(outcome) << outcome.error().detail;
        ASSERT_EQ(*outcome, Arrival::complete);
        EXPECT_EQ(exchange.head().status, status);
    }
    static void expect_closed(RunningTask<Outcome>& task) {
        ASSERT_TRUE(task.is_done());
        const Outcome outcome = task.take();
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().kind, ErrorKind::upstream_closed);
    }

    Rig rig;
    std::array<net::asio::const_buffer, 1> pieces{net::asio::buffer(text)};
    Exchange exchange{rig.pool(), rig.clock.now()};
};

TEST_F(AskTest, MakesAConnectionWhereNoneIsIdle) {
    auto task = ask();
    EXPECT_FALSE(task.is_done());
    EXPECT_EQ(rig.peers[0].received(), text);
    rig.peers[0].send(test::short_answer);
    expect_status(task, exchange, 200);
    EXPECT_FALSE(exchange.is_reused());
}

TEST_F(AskTest, SendsAgainWhenAnIdleConnectionTurnsOutToHaveEnded) {
    rig.exchange_once();
    static_cast<void>(rig.peers[0].received());
    auto task = ask();
    EXPECT_EQ(rig.peers[0].received(), text);
    rig.pass(900ms);
    rig.peers[0].close();
    EXPECT_FALSE(task.is_done());
    ASSERT_EQ(rig.peers.size(), 2U);
    EXPECT_EQ(rig.peers[1].received(), text);
    rig.peers[1].close();
    expect_closed(task);
    EXPECT_EQ(rig.peers.size(), 2U) << "a new connection that ends is no stale one";
}

TEST_F(AskTest, DoesNotSendAgainWhatMayHaveBeenWorkedOn) {
    rig.exchange_once();
    auto task = ask();
    rig.pass(1001ms);
    rig.peers[0].close();
    expect_closed(task);
    EXPECT_EQ(rig.peers.size(), 1U);
    EXPECT_TRUE(exchange.was_sent());
}

TEST_F(AskTest, DoesNotSendAgainWhatWasAnsweredInPart) {
    rig.exchange_once();
    auto task = ask();
    rig.peers[0].send("HTTP");
    rig.peers[0].close();
    expect_closed(task);
    EXPECT_EQ(rig.peers.size(), 1U);
}

TEST_F(AskTest, GoesOnAfterASilence) {
    rig.exchange_once();
    for (int i = 0; i < 3; ++i) {
        auto task = ask(rig.clock.now() + 100ms);
        rig.pass(100ms + net::Deadlines::tick_length);
        ASSERT_TRUE(task.is_done());
        EXPECT_EQ(*task.take(), Arrival::silent);
    }
    auto task = ask();
    rig.peers[0].close();
    EXPECT_FALSE(task.is_done());
    ASSERT_EQ(rig.peers.size(), 2U) << "the connection was stale all the same";
    EXPECT_EQ(rig.peers[1].received(), text) << "sent once, however often it was asked";
    rig.peers[1].send(test::short_answer);
    expect_status(task, exchange, 200);
}

TEST_F(AskTest, SendsNothingOnceItIsCancelled) {
    rig.exchange_once();
    static_cast<void>(rig.peers[0].received());
    exchange.cancel(ErrorKind::client_gone);
    auto task = ask();
    ASSERT_TRUE(task.is_done());
    const Outcome outcome = task.take();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::client_gone);
    EXPECT_EQ(rig.peers.size(), 1U);
    EXPECT_EQ(rig.peers[0].received(), "");
    EXPECT_EQ(rig.connections("idle"), 1);
}

}  // namespace
}  // namespace sluicegate::upstream
