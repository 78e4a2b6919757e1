#include "sluicegate/net/listener.hpp"

#include "sluicegate/net/spawn.hpp"

#include "net/raw_peer.hpp"
#include "net/running_task.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluicegate::net {
namespace {

using testing::HasSubstr;

TEST(Listener, GetsAPortFromTheSystemAndNamesIt) {
    asio::io_context context;
    Listener listener(context);
    ASSERT_TRUE(listener.bind("127.0.0.1", 0, Sharing::first));
    EXPECT_NE(listener.port(), 0);
    EXPECT_EQ(listener.address(), "127.0.0.1:" + std::to_string(listener.port()));
    listener.close();
}

TEST(Listener, RefusesAPortThatAnyoneElseListensOn) {
    asio::io_context context;
    Listener other(context);
    ASSERT_TRUE(other.bind("127.0.0.1", 0, Sharing::first));
    Listener listener(context);
    const auto bound = listener.bind("127.0.0.1", other.port(), Sharing::first);
    ASSERT_FALSE(bound);
    EXPECT_THAT(bound.error().detail, HasSubstr("cannot listen on " + other.address()));
    EXPECT_THAT(bound.error().detail, HasSubstr("another program uses this port"));
}

TEST(Listener, SharesAPortWithFurtherOnes) {
    asio::io_context context;
    Listener first(context);
    Listener further(context);
    ASSERT_TRUE(first.bind("127.0.0.1", 0, Sharing::first));
    ASSERT_TRUE(further.bind("127.0.0.1", first.port(), Sharing::further));
    EXPECT_EQ(further.port(), first.port());
}

TEST(Listener, RefusesAHostThatIsNoAddress) {
    asio::io_context context;
    Listener listener(context);
    const auto bound = listener.bind("localhost", 0, Sharing::first);
    ASSERT_FALSE(bound);
    EXPECT_THAT(bound.error().detail, HasSubstr("localhost: not an IP address"));
}

TEST(Listener, RefusesAnAddressOfAnotherHost) {
    asio::io_context context;
    Listener listener(context);
    const auto bound = listener.bind("192.0.2.1", 0, Sharing::first);
    ASSERT_FALSE(bound);
    EXPECT_THAT(bound.error().detail, HasSubstr("cannot listen on 192.0.2.1:0: "));
}

TEST(Listener, HandsEverySocketOverUntilItIsClosed) {
    asio::io_context context;
    Listener listener(context);
    ASSERT_TRUE(listener.bind("127.0.0.1", 0, Sharing::first));
    std::vector<Socket> accepted;
    auto keep = [&](Socket socket) { accepted.push_back(std::move(socket)); };
    spawn(context, listener.run(keep), "listener");

    std::vector<test::RawPeer> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(test::connect_to(listener.port()));
    ASSERT_TRUE(test::run_until(context, [&] { return accepted.size() == 5; }));
    clients[0].send("x");
    char byte = 0;
    ErrorCode error;
    EXPECT_EQ(accepted[0].read_some(asio::buffer(&byte, 1), error), 1U) << error.message();

    const std::uint16_t port = listener.port();
    listener.close();
    context.restart();
    context.run();  // ends: nothing waits any longer
    EXPECT_THROW(test::connect_to(port), std::system_error);
}

TEST(Listener, GoesOnAfterAConnectionThatCannotBeServed) {
    asio::io_context context;
    Listener listener(context);
    ASSERT_TRUE(listener.bind("127.0.0.1", 0, Sharing::first));
    std::vector<Socket> accepted;
    bool is_first = true;
    auto keep = [&](Socket socket) {
        if (std::exchange(is_first, false)) throw std::runtime_error("on purpose");
        accepted.push_back(std::move(socket));
    };
    const std::uint64_t before = escaped_exceptions();
    spawn(context, listener.run(keep), "listener");

    test::RawPeer refused = test::connect_to(listener.port());
    const test::RawPeer served = test::connect_to(listener.port());
    ASSERT_TRUE(test::run_until(context, [&] { return accepted.size() == 1; }));
    EXPECT_TRUE(refused.has_ended());
    EXPECT_EQ(escaped_exceptions(), before + 1);
    listener.close();
}

}  // namespace
}  // namespace sluicegate::net
