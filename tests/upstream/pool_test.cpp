#include "upstream/rig.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sluicegate::upstream {
namespace {

using namespace std::chrono_literals;
using test::RawPeer;
using test::Rig;

/// Makes `count` connections, uses each once and gives all of them back.
void fill(Rig& rig, std::size_t count) {
    std::vector<std::unique_ptr<Exchange>> exchanges;
    for (std::size_t i = 0; i < count; ++i) {
        auto exchange = std::make_unique<Exchange>(rig.pool(), rig.clock.now());
        ASSERT_TRUE(rig.open(*exchange, false));
        ASSERT_TRUE(rig.send(*exchange));
        rig.peers.back().send(test::short_answer);
        ASSERT_TRUE(test::run(rig.context, exchange->receive_head()));
        ASSERT_TRUE(test::run(rig.context, exchange->receive_body(1000)));
        exchanges.push_back(std::move(exchange));
    }
    EXPECT_EQ(rig.connections("active"), static_cast<std::int64_t>(count));
    for (auto& exchange : exchanges) exchange.reset();
}

TEST(Pool, CarriesOneRequestAfterAnotherOverOneConnection) {
    Rig rig;
    for (int i = 0; i < 5; ++i) rig.exchange_once();
    EXPECT_EQ(rig.peers.size(), 1U);
    EXPECT_EQ(rig.peers[0].received(), "requestrequestrequestrequestrequest");
    EXPECT_EQ(rig.connections("idle"), 1);
    EXPECT_EQ(rig.connections("active"), 0);
}

TEST(Pool, ReusesAConnectionWhoseBodyWasNotLookedAt) {
    Rig rig;
    {
        Exchange exchange(rig.pool(), rig.clock.now());
        ASSERT_TRUE(rig.open(exchange, true));
        EXPECT_FALSE(exchange.is_reused());
        ASSERT_TRUE(rig.send(exchange));
        rig.peers[0].send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        ASSERT_TRUE(test::run(rig.context, exchange.receive_head()));
        EXPECT_TRUE(exchange.is_complete());
    }
    EXPECT_EQ(rig.connections("idle"), 1) << "an answer without a body is complete with its head";
    rig.exchange_once();
    EXPECT_EQ(rig.peers.size(), 1U);
}

TEST(Pool, ClosesAConnectionWhoseAnswerWasNotTaken) {
    struct Row {
        const char* name;
        const char* answer;
        bool receives_head;
    };
    const std::vector<Row> rows{
        {"nothing came", "", false},
        {"an answer came without a request", "HTTP/1.1 200 OK\r\n\r\n", false},
        {"the body is missing", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel", true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Rig rig;
        {
            Exchange exchange(rig.pool(), rig.clock.now());
            ASSERT_TRUE(rig.open(exchange, true));
            ASSERT_TRUE(rig.send(exchange));
            rig.peers[0].send(row.answer);
            if (row.receives_head) {
                ASSERT_TRUE(test::run(rig.context, exchange.receive_head()));
            }
        }
        EXPECT_EQ(rig.connections("idle"), 0);
        EXPECT_TRUE(rig.peers[0].has_ended());
    }
}

TEST(Pool, TakesTheMostRecentlyUsedOneFirst) {
    Rig rig;
    fill(rig, 3);
    EXPECT_EQ(rig.connections("idle"), 3);
    for (RawPeer& peer : rig.peers) EXPECT_EQ(peer.received(), "request");
    rig.exchange_once();
    EXPECT_EQ(rig.peers[0].received(), "");
    EXPECT_EQ(rig.peers[1].received(), "");
    EXPECT_EQ(rig.peers[2].received(), "request");
}

TEST(Pool, KeepsNoMoreThanItsBound) {
    for (const std::size_t bound : {0U, 1U, 2U}) {
        SCOPED_TRACE(bound);
        Rig rig;
        rig.settings.pool.idle_max = bound;
        fill(rig, 3);
        EXPECT_EQ(rig.connections("idle"), static_cast<std::int64_t>(bound));
        EXPECT_EQ(rig.connections("active"), 0);
        std::size_t open = 0;
        for (RawPeer& peer : rig.peers) open += peer.has_ended() ? 0 : 1;
        EXPECT_EQ(open, bound);
    }
}

TEST(Pool, KeepsAllThatASteadyLoadNeedsWithoutABound) {
    Rig rig;
    fill(rig, 64);
    EXPECT_EQ(rig.connections("idle"), 64);
    rig.pool()->sweep(rig.clock.now());
    EXPECT_EQ(rig.connections("idle"), 64);
    rig.exchange_once();
    EXPECT_EQ(rig.peers.size(), 64U) << "no further connection is made";
}

TEST(Pool, SweepsWhatWasIdleForTooLong) {
    Rig rig;
    rig.settings.pool.idle_timeout = 30s;
    rig.exchange_once();
    rig.pass(29'999ms);
    rig.pool()->sweep(rig.clock.now());
    EXPECT_EQ(rig.connections("idle"), 1);
    rig.pass(1ms);
    rig.pool()->sweep(rig.clock.now());
    EXPECT_EQ(rig.connections("idle"), 0);
    EXPECT_TRUE(rig.peers[0].has_ended());
}

TEST(Pool, SweepKeepsWhatWasUsedMeanwhile) {
    Rig rig;
    rig.settings.pool.idle_timeout = 30s;
    fill(rig, 2);
    rig.pass(20s);
    rig.exchange_once();  // with the last of them
    rig.pass(20s);
    rig.pool()->sweep(rig.clock.now());
    EXPECT_EQ(rig.connections("idle"), 1);
    EXPECT_TRUE(rig.peers[0].has_ended());
    EXPECT_FALSE(rig.peers[1].has_ended());
}

TEST(Pool, NeverUsesAConnectionOnWhichSomethingArrivedWhileItWasIdle) {
    struct Row {
        const char* name;
        void (*act)(test::RawPeer&);
    };
    const std::vector<Row> rows{
        {"the end", [](test::RawPeer& peer) { peer.shutdown_send(); }},
        {"closed", [](test::RawPeer& peer) { peer.close(); }},
        {"a reset", [](test::RawPeer& peer) { peer.reset(); }},
        {"stray bytes", [](test::RawPeer& peer) { peer.send("HTTP/1.1 200 OK\r\n"); }},
        {"408", [](test::RawPeer& peer) { peer.send("HTTP/1.1 408 Request Timeout\r\n\r\n"); }},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Rig rig;
        rig.connect = test::tcp_pair;
        rig.exchange_once();
        static_cast<void>(rig.peers[0].received());
        row.act(rig.peers[0]);
        Exchange exchange(rig.pool(), rig.clock.now());
        ASSERT_TRUE(rig.open(exchange, true));
        EXPECT_FALSE(exchange.is_reused());
        EXPECT_EQ(rig.peers.size(), 2U);
        EXPECT_EQ(rig.connections("idle"), 0);
        EXPECT_EQ(rig.connections("active"), 1);
    }
}

TEST(Pool, AConnectionThatEndsBeforeItsSecondAnswerIsToldFromAFreshOne) {
    Rig rig;
    rig.exchange_once();
    Exchange exchange(rig.pool(), rig.clock.now());
    ASSERT_TRUE(rig.open(exchange, true));
    EXPECT_TRUE(exchange.is_reused());
    rig.peers[0].close();
    EXPECT_TRUE(rig.send(exchange)) << "the answer will tell";
    const auto head = test::run(rig.context, exchange.receive_head());
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().kind, ErrorKind::upstream_closed);
    EXPECT_FALSE(exchange.has_answered());

    ASSERT_TRUE(rig.open(exchange, false));
    EXPECT_FALSE(exchange.is_reused());
    EXPECT_EQ(rig.peers.size(), 2U);
    ASSERT_TRUE(rig.send(exchange));
    EXPECT_TRUE(exchange.was_sent());
    rig.peers[1].send(test::short_answer);
    ASSERT_TRUE(test::run(rig.context, exchange.receive_head()));
    ASSERT_TRUE(test::run(rig.context, exchange.receive_body(1000)));
    EXPECT_EQ(exchange.body(), "ok");
}

TEST(Pool, AFailureToDialIsTheExchangesOwn) {
    Rig rig;
    auto pool = std::make_shared<Pool>(
        rig.services(), rig.settings, 0, nullptr, []() -> Result<net::Socket> {
            return fail(ErrorKind::upstream_unreachable, "out of descriptors");
        });
    Exchange exchange(pool, rig.clock.now());
    const auto opened = rig.open(exchange, true);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::upstream_unreachable);
    EXPECT_FALSE(exchange.was_sent());
    EXPECT_EQ(rig.connections("active"), 0);
}

TEST(Pool, TakesOtherSettingsAndKeepsWhatTheyAllow) {
    Rig rig;
    fill(rig, 3);
    ASSERT_EQ(rig.connections("idle"), 3);
    const Exchange running(rig.pool(), rig.clock.now());
    auto changed = std::make_shared<config::Upstream>(rig.settings);
    changed->pool.idle_max = 2;
    changed->in_flight_max = 7;
    rig.pool()->configure(changed);
    rig.pool()->sweep(rig.clock.now());
    EXPECT_EQ(rig.connections("idle"), 2);
    EXPECT_TRUE(rig.peers[0].has_ended()) << "the one that was idle longest";
    EXPECT_FALSE(rig.peers[2].has_ended());
    EXPECT_EQ(running.settings().in_flight_max, std::nullopt) << "it began with others";
    const Exchange next(rig.pool(), rig.clock.now());
    EXPECT_EQ(next.settings().in_flight_max, 7U);
}

}  // namespace
}  // namespace sluicegate::upstream
