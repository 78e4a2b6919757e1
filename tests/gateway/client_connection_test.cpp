#include "gateway/in_process_gateway.hpp"

#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>

namespace sluicegate::gateway {
namespace {

using namespace std::chrono_literals;
using test::InProcessGateway;
using testing::HasSubstr;

const std::string models =
    "GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-alice\r\n\r\n";

TEST(ClientConnection, AHeadThatTricklesIsAnswered408AtItsDeadline) {
    InProcessGateway gateway;
    test::RawPeer& client = gateway.connect();
    client.send("GET /v1/models HTTP/1.1\r\nx: ");
    gateway.settle();
    for (int i = 0; i < 9; ++i) {
        gateway.pass(1s);
        client.send("x");
    }
    gateway.pass(999ms);
    EXPECT_EQ(client.received(), "");
    gateway.pass(1ms + net::Deadlines::tick_length);
    const std::string reply = client.received();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 408 Request Timeout\r\n")) << reply;
    EXPECT_THAT(reply, HasSubstr("\r\nx-should-retry: false\r\n"));
    EXPECT_TRUE(client.has_ended());
}

/// Calls `act` from the context, but only after `hops` other handlers of its own.
void post_later(net::asio::io_context& context, int hops, std::function<void()> act) {
    net::asio::post(context, [&context, hops, act = std::move(act)] {
        if (hops == 0) {
            act();
        } else {
            post_later(context, hops - 1, act);
        }
    });
}

TEST(ClientConnection, BytesThatArriveTogetherWithTheDeadlineDoNotLiftIt) {
    // A read that finds its bytes waiting has ended before the connection hears of it. A deadline
    // that comes in between has nothing to cancel, and must hold all the same.
    for (int hops = 0; hops < 5; ++hops) {
        SCOPED_TRACE(hops);
        InProcessGateway gateway;
        test::RawPeer& client = gateway.connect();
        client.send("GET /v1/models HTTP/1.1\r\nx: ");
        gateway.settle();
        client.send(std::string(client::Connection::buffer_bytes + 1000, 'x'));
        gateway.clock.advance(10s + net::Deadlines::tick_length);
        post_later(gateway.io(), hops, [&] { gateway.deadlines().tick(gateway.clock.now()); });
        gateway.settle();
        const std::string reply = client.received();
        EXPECT_TRUE(reply.starts_with("HTTP/1.1 408 Request Timeout\r\n")) << reply;
    }
}

TEST(ClientConnection, ASilentOneIsClosedWithoutAWord) {
    InProcessGateway gateway;
    test::RawPeer& client = gateway.connect();
    gateway.settle();
    gateway.pass(10s + net::Deadlines::tick_length);
    EXPECT_EQ(client.received(), "");
    EXPECT_TRUE(client.has_ended());
}

TEST(ClientConnection, StaysBetweenTwoRequestsForTheIdleTimeout) {
    InProcessGateway gateway;
    test::RawPeer& client = gateway.connect();
    client.send(models);
    gateway.settle();
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 200 OK\r\n"));
    gateway.pass(74s);
    client.send(models + models);
    gateway.settle();
    const std::string two = client.received();
    EXPECT_NE(two.find("HTTP/1.1 200 OK", 1), std::string::npos) << "both are answered: " << two;
    gateway.pass(75s + net::Deadlines::tick_length);
    EXPECT_TRUE(client.has_ended());
}

}  // namespace
}  // namespace sluicegate::gateway
