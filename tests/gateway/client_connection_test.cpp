#include "sluicegate/net/tls.hpp"

#include "gateway/in_process_gateway.hpp"
#include "net/certificates.hpp"

#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace sluicegate::gateway {
namespace {

using namespace std::chrono_literals;
using test::chat_request;
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

TEST(ClientConnection, ATlsClientThatTricklesARecordAroundTheDeadlineIsEnded) {
    const test::TemporaryFolder folder;
    const test::Authority authority(folder, "authority");
    const test::CertificateFiles files = authority.issue("usual", {});
    const auto tls = net::make_server_tls(
        {.certificate_file = files.certificate, .private_key_file = files.key});
    ASSERT_TRUE(tls);
    for (int hops = 0; hops < 6; ++hops) {
        SCOPED_TRACE(hops);
        InProcessGateway gateway({}, *tls);
        test::TlsPeer client = gateway.connect_tls();
        for (int i = 0; i < 5; ++i) {
            static_cast<void>(client.shake_hands());
            gateway.settle();
        }
        const std::string record = client.record_of("GET /v1/models HTTP/1.1\r\n");
        gateway.pass(9'900ms);
        // Each byte ends a read of the socket, and the tick falls into the moments behind it.
        for (std::size_t i = 0; i < 6 && !client.raw().has_ended(); ++i) {
            client.raw().send(record.substr(i, 1));
            gateway.clock.advance(net::Deadlines::tick_length);
            post_later(gateway.io(), hops, [&] { gateway.deadlines().tick(gateway.clock.now()); });
            gateway.settle();
        }
        EXPECT_TRUE(client.raw().has_ended());
    }
}

TEST(ClientConnection, IsGivenTimeAsLongAsItReadsAndNoLonger) {
    InProcessGateway gateway;
    test::RawPeer& client = gateway.connect();
    client.send(chat_request());
    gateway.settle();
    const std::string body =
        R"({"choices":[{"message":{"content":"a"}}],"a":")" + std::string(6'000'000, 'x') + "\"}";
    const std::string answer =
        test::answer_with("200 OK", "content-type: application/json\r\n", body);
    for (std::size_t at = 0; at < answer.size(); at += 50'000) {
        gateway.upstreams[0].send(answer.substr(at, 50'000));
        gateway.settle();
    }
    std::string some(50'000, '\0');
    const auto read = [&] {
        return ::recv(client.descriptor(), some.data(), some.size(), MSG_DONTWAIT);
    };
    // 40 times 10 s: far longer than the 75 s that it may read nothing.
    for (int i = 0; i < 40; ++i) {
        gateway.pass(10s);
        ASSERT_GT(read(), 0) << i;
    }
    for (int i = 0; i < 12; ++i) gateway.pass(10s);
    std::size_t left = 0;
    while (!client.has_ended() && left < 100) ++left;
    EXPECT_TRUE(client.has_ended());
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
