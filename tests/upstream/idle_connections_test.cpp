#include "net/raw_listener.hpp"
#include "upstream/rig.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sluicegate::upstream {
namespace {

using namespace std::chrono_literals;
using test::Rig;

/// Time goes by as for a worker, which sweeps once a second.
void live(Rig& rig, Milliseconds time) {
    for (Milliseconds passed = 0ms; passed < time; passed += 1s) {
        rig.pass(1s);
        rig.pool()->sweep(rig.clock.now());
        test::settle(rig.context);
    }
}

void exchange_once(Rig& rig, const std::string& field) {
    Exchange exchange(rig.pool(), rig.clock.now());
    ASSERT_TRUE(rig.open(exchange, true));
    ASSERT_TRUE(rig.send(exchange));
    rig.peers.back().send("HTTP/1.1 200 OK\r\n" + field + "content-length: 0\r\n\r\n");
    ASSERT_TRUE(test::run(rig.context, exchange.receive_head()));
}

TEST(IdleConnections, OldOnesTakeNoFurtherRequest) {
    Rig rig;
    rig.settings.pool.age_max = 10s;
    rig.exchange_once();
    rig.pass(9'999ms);
    rig.exchange_once();
    EXPECT_EQ(rig.peers.size(), 1U);
    rig.pass(1ms);
    EXPECT_EQ(rig.connections("idle"), 1);
    rig.exchange_once();
    EXPECT_EQ(rig.peers.size(), 2U) << "its age counts from when it was made";
    EXPECT_TRUE(rig.peers[0].has_ended());
}

TEST(IdleConnections, TheLongestIdleOneGivesWayFirst) {
    Rig rig;
    const Instant start = rig.clock.now();
    {
        Exchange first(rig.pool(), start);
        ASSERT_TRUE(rig.open(first, false));
        ASSERT_TRUE(rig.send(first));
        rig.exchange_once();
        rig.pass(1s);
        rig.peers[0].send(test::short_answer);
        ASSERT_TRUE(test::run(rig.context, first.receive_head()));
        ASSERT_TRUE(test::run(rig.context, first.receive_body(1000)));
    }
    ASSERT_EQ(rig.connections("idle"), 2);
    EXPECT_EQ(rig.pool()->longest_idle_since(), start);
    rig.pool()->close_longest_idle();
    EXPECT_TRUE(rig.peers[1].has_ended());
    EXPECT_FALSE(rig.peers[0].has_ended());
    EXPECT_EQ(rig.connections("idle"), 1);
    for (int i = 0; i < 2; ++i) rig.pool()->close_longest_idle();
    EXPECT_EQ(rig.connections("idle"), 0);
    EXPECT_EQ(rig.pool()->longest_idle_since(), Instant::max());
}

TEST(IdleConnections, OldOnesAreNotKeptAndAreSwept) {
    Rig rig;
    rig.settings.pool.age_max = 10s;
    rig.exchange_once();
    {
        Exchange exchange(rig.pool(), rig.clock.now());
        ASSERT_TRUE(rig.open(exchange, true));
        rig.pass(10s);
        ASSERT_TRUE(rig.send(exchange));
        rig.peers[0].send(test::short_answer);
        ASSERT_TRUE(test::run(rig.context, exchange.receive_head()));
        ASSERT_TRUE(test::run(rig.context, exchange.receive_body(1000)));
    }
    EXPECT_EQ(rig.connections("idle"), 0);
    rig.exchange_once();
    live(rig, 9s);
    EXPECT_EQ(rig.connections("idle"), 1);
    live(rig, 1s);
    EXPECT_EQ(rig.connections("idle"), 0);
}

TEST(IdleConnections, AServersPromiseBoundsItsOwnConnection) {
    Rig rig;
    exchange_once(rig, "keep-alive: timeout=5, max=100\r\n");
    rig.pass(3'999ms);
    exchange_once(rig, "keep-alive: timeout=5, max=99\r\n");
    EXPECT_EQ(rig.peers.size(), 1U);
    rig.pass(4s);
    exchange_once(rig, "");
    EXPECT_EQ(rig.peers.size(), 2U);
    rig.pass(4s);
    exchange_once(rig, "");
    EXPECT_EQ(rig.peers.size(), 2U) << "the other connection was promised nothing";
}

TEST(IdleConnections, APromiseOfNothingOrConnectionCloseKeepsNone) {
    for (const char* field : {"keep-alive: timeout=1\r\n", "keep-alive: timeout=0\r\n",
                              "connection: close\r\n", "Connection: Keep-Alive, Close\r\n"}) {
        SCOPED_TRACE(field);
        Rig rig;
        exchange_once(rig, field);
        EXPECT_EQ(rig.connections("idle"), 0);
        EXPECT_TRUE(rig.peers[0].has_ended());
    }
}

TEST(IdleConnections, WhenTheServerClosesThemIsLearned) {
    Rig rig;
    for (std::size_t i = 0; i < 2; ++i) {
        rig.exchange_once();
        live(rig, 5s);
        rig.peers[i].shutdown_send();  // as uvicorn does after five seconds
        live(rig, 1s);
        EXPECT_EQ(rig.connections("idle"), 0) << "the sweep has noticed";
        EXPECT_TRUE(rig.peers[i].has_ended());
    }
    rig.exchange_once();
    rig.pass(4'799ms);
    rig.exchange_once();
    EXPECT_EQ(rig.peers.size(), 3U);
    rig.pass(4'800ms);
    rig.exchange_once();
    EXPECT_EQ(rig.peers.size(), 4U) << "given up before the server does";
}

TEST(IdleConnections, AServerThatClosesRightAfterItsAnswerTeachesNoTime) {
    Rig rig;
    live(rig, 3s);
    for (std::size_t i = 0; i < 4; ++i) {
        exchange_once(rig, "keep-alive: timeout=20, max=100\r\n");
        rig.pass(10ms);
        rig.peers[i].shutdown_send();  // as llama.cpp does after each stream
        live(rig, 1s);
        EXPECT_EQ(rig.connections("idle"), 0) << "the sweep has noticed";
    }
    rig.exchange_once();
    rig.pass(15s);
    rig.exchange_once();
    EXPECT_EQ(rig.peers.size(), 5U) << "connections are trusted as before";
}

TEST(IdleConnections, StrayBytesAreSweptAndTeachNothing) {
    Rig rig;
    for (std::size_t i = 0; i < 3; ++i) {
        rig.exchange_once();
        live(rig, 5s);
        rig.peers[i].send("x");
        live(rig, 1s);
        EXPECT_EQ(rig.connections("idle"), 0);
    }
    rig.exchange_once();
    rig.pass(29s);
    rig.exchange_once();
    EXPECT_EQ(rig.peers.size(), 4U);
}

TEST(IdleConnections, ARetiredPoolKeepsNoneAndServesOn) {
    Rig rig;
    rig.exchange_once();
    rig.pool()->retire();
    EXPECT_EQ(rig.connections("idle"), 0);
    EXPECT_TRUE(rig.peers[0].has_ended());
    rig.exchange_once();
    EXPECT_EQ(rig.peers.size(), 2U);
    EXPECT_EQ(rig.connections("idle"), 0);
}

class Prewarm : public testing::Test {
protected:
    Prewarm() { rig.settings.pool.prewarm = 6; }
    void sweep() {
        rig.pool()->sweep(rig.clock.now());
        test::settle(rig.context);
    }
    Rig rig;
};

TEST_F(Prewarm, ConnectionsAreReadyAndReplaced) {
    sweep();
    EXPECT_EQ(rig.connections("idle"), 6);
    EXPECT_EQ(rig.connects("plain"), 6);
    {
        Exchange exchange(rig.pool(), rig.clock.now());
        EXPECT_TRUE(exchange.take_idle());
        EXPECT_EQ(rig.connections("idle"), 5);
        sweep();
        EXPECT_EQ(rig.connections("idle"), 6);
    }
    rig.peers[0].close();
    sweep();
    EXPECT_EQ(rig.connections("idle"), 6);
    EXPECT_EQ(rig.peers.size(), 8U);
    live(rig, rig.settings.pool.idle_timeout);
    EXPECT_EQ(rig.connections("idle"), 6) << "old ones are replaced";
    EXPECT_EQ(rig.peers.size(), 14U);
}

TEST_F(Prewarm, ARetiredPoolMakesNone) {
    rig.pool()->retire();
    sweep();
    EXPECT_EQ(rig.peers.size(), 0U);
}

TEST_F(Prewarm, FailuresAreFollowedByLongerAndLongerPauses) {
    int attempts = 0;
    bool fails = true;
    const auto pool = std::make_shared<Pool>(
        rig.services(), rig.settings, 0, nullptr, [&]() -> Result<net::Socket> {
            ++attempts;
            if (fails) return fail(ErrorKind::upstream_unreachable, "no server there");
            test::ConnectedPair pair = test::unix_pair(rig.context);
            rig.peers.push_back(std::move(pair.peer));
            return std::move(pair.socket);
        });
    std::vector<int> attempted_in;  // seconds
    for (int second = 0; second < 130; ++second) {
        const int before = attempts;
        pool->sweep(rig.clock.now());
        test::settle(rig.context);
        EXPECT_LE(attempts - before, 4);
        if (attempts > before) attempted_in.push_back(second);
        rig.pass(1s);
    }
    EXPECT_EQ(attempted_in, (std::vector<int>{0, 1, 3, 7, 15, 31, 63, 123}));
    fails = false;
    rig.pass(1min);
    pool->sweep(rig.clock.now());
    test::settle(rig.context);
    EXPECT_EQ(pool->idle_count(), 6U);
    fails = true;
    pool->retire();
}

TEST_F(Prewarm, ASilentEndpointIsGivenUpAndRetiringEndsTheWait) {
    rig.settings.endpoints.front().host = "127.0.0.1";
    for (const bool is_retired : {false, true}) {
        SCOPED_TRACE(is_retired);
        const test::SilentListener silent("127.0.0.1");
        rig.settings.endpoints.front().port = silent.port();
        auto pool = std::make_shared<Pool>(rig.services(), rig.settings, 0, nullptr, nullptr);
        const std::weak_ptr<Pool> watched = pool;
        pool->sweep(rig.clock.now());
        test::settle(rig.context);
        pool.reset();
        EXPECT_FALSE(watched.expired()) << "connections are being made";
        if (is_retired) {
            watched.lock()->retire();
        } else {
            rig.pass(rig.settings.timeouts.connect + net::Deadlines::tick_length);
        }
        ASSERT_TRUE(test::run_until(rig.context, [&] { return watched.expired(); }));
    }
}

}  // namespace
}  // namespace sluicegate::upstream
