#include "net/raw_listener.hpp"
#include "support/temporary_folder.hpp"
#include "upstream/rig.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

namespace sluicegate::upstream {
namespace {

using namespace std::chrono_literals;
using support::TemporaryFolder;
using test::RawListener;
using test::Rig;
using test::RunningTask;
using test::SilentListener;

/// A pool that leads to sockets of this process by a name, a path or a proxy.
class Connect : public testing::Test {
protected:
    Connect() {
        config::Endpoint& endpoint = rig.settings.endpoints.front();
        endpoint.host = "api.test";
        endpoint.port = first.port();
    }
    std::shared_ptr<Pool> make_pool() {
        return std::make_shared<Pool>(rig.services(), rig.settings, 0, nullptr, nullptr);
    }
    /// "" when a connection was made, else why not.
    std::string connect(const std::shared_ptr<Pool>& pool) {
        Exchange exchange(pool, rig.clock.now());
        const auto connected = test::run(rig.context, exchange.connect());
        return connected ? "" : connected.error().detail;
    }

    Rig rig;
    RawListener first{"127.0.0.1"};
};

TEST_F(Connect, AllAddressesOfANameAreUsedInTurn) {
    RawListener second("127.0.0.2", first.port());
    RawListener third("127.0.0.3", first.port());
    rig.addresses = {"127.0.0.2", "127.0.0.1", "127.0.0.3"};
    const auto pool = make_pool();
    for (int i = 0; i < 6; ++i) EXPECT_EQ(connect(pool), "");
    for (RawListener* listener : {&first, &second, &third}) {
        EXPECT_TRUE(listener->accept());
        EXPECT_TRUE(listener->accept());
        EXPECT_FALSE(listener->accept());
    }
    EXPECT_EQ(rig.connects("plain"), 6);
}

TEST_F(Connect, AnAddressThatFailedIsTriedLast) {
    RawListener second("127.0.0.2", first.port());
    rig.addresses = {"127.0.0.1", "127.0.0.2"};
    first.close();
    const auto pool = make_pool();
    EXPECT_EQ(connect(pool), "");
    const RawListener again("127.0.0.1", second.port());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(connect(pool), "");
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(second.accept());
    EXPECT_EQ(rig.connections("active"), 0);
}

TEST_F(Connect, AnAddressThatIsSilentIsOvertakenAndTriedLastFromThenOn) {
    const SilentListener silent("127.0.0.2", first.port());
    rig.addresses = {"127.0.0.2", "127.0.0.3"};
    RawListener third("127.0.0.3", first.port());
    const auto pool = make_pool();
    {
        Exchange exchange(pool, rig.clock.now());
        RunningTask<Result<void>> task(rig.context, exchange.connect());
        ASSERT_TRUE(test::run_until(rig.context, [&] {
            rig.pass(net::Deadlines::tick_length);
            return task.is_done();
        }));
        EXPECT_TRUE(task.take());
        EXPECT_TRUE(third.accept());
    }
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(connect(pool), "") << "the clock has not moved";
        EXPECT_TRUE(third.accept());
    }
}

TEST_F(Connect, TheDeadlineOfConnectingCoversTheName) {
    std::promise<void> end;
    const std::shared_future<void> is_over = end.get_future().share();
    net::Resolver hangs(rig.context, rig.clock, [is_over](const std::string&) {
        is_over.wait();
        return net::HostAddresses();
    });
    const Services services{rig.context, rig.clock, rig.deadlines, hangs, rig.registry, rig.memory};
    const auto pool = std::make_shared<Pool>(services, rig.settings, 0, nullptr, nullptr);
    for (const bool is_cancelled : {false, true}) {
        SCOPED_TRACE(is_cancelled);
        Exchange exchange(pool, rig.clock.now());
        RunningTask<Result<void>> task(rig.context, exchange.connect());
        EXPECT_FALSE(task.is_done());
        if (is_cancelled) {
            exchange.cancel(ErrorKind::client_gone);
        } else {
            rig.pass(rig.settings.timeouts.connect + net::Deadlines::tick_length);
        }
        ASSERT_TRUE(task.is_done()) << "at once";
        const auto connected = task.take();
        ASSERT_FALSE(connected);
        EXPECT_EQ(connected.error().kind,
                  is_cancelled ? ErrorKind::client_gone : ErrorKind::upstream_connect_timeout);
        EXPECT_EQ(connected.error().detail, "provider: looking up api.test");
    }
    end.set_value();
}

TEST_F(Connect, TheDeadlineOfConnectingCoversAllAddresses) {
    const SilentListener silent("127.0.0.2", first.port());
    rig.settings.endpoints.front().host = "127.0.0.2";
    rig.settings.timeouts.connect = 500ms;
    const auto pool = make_pool();
    Exchange exchange(pool, rig.clock.now());
    RunningTask<Result<void>> task(rig.context, exchange.connect());
    rig.pass(500ms - 1ms);
    EXPECT_FALSE(task.is_done());
    rig.pass(1ms + net::Deadlines::tick_length);
    const auto connected = task.take();
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().kind, ErrorKind::upstream_connect_timeout);
    EXPECT_FALSE(exchange.was_sent());
}

class UnixSocket : public Connect {
protected:
    UnixSocket() {
        rig.settings.endpoints.front().host = "localhost";
        rig.settings.endpoints.front().unix_socket = path;
    }
    TemporaryFolder folder;
    std::string path = folder.file("server.sock");
};

TEST_F(UnixSocket, CarriesRequests) {
    RawListener listener = RawListener::on_path(path);
    Exchange exchange(make_pool(), rig.clock.now());
    RunningTask<Result<std::string>> task(rig.context, test::fetch(exchange, true));
    auto peer = listener.accept();
    ASSERT_TRUE(peer);
    EXPECT_NE(peer->received(), "");
    peer->send(test::short_answer);
    const auto body = task.take();
    ASSERT_TRUE(body);
    EXPECT_EQ(*body, "ok");
    EXPECT_EQ(rig.connects("plain"), 1);
}

TEST_F(UnixSocket, SaysWhyItCannotBeReached) {
    EXPECT_EQ(connect(make_pool()),
              "provider: connecting to " + path + ": No such file or directory");
    RawListener::on_path(path).close();
    EXPECT_EQ(connect(make_pool()), "provider: connecting to " + path + ": Connection refused");
    const std::string long_path(200, 'x');
    rig.settings.endpoints.front().unix_socket = long_path;
    EXPECT_EQ(connect(make_pool()),
              "provider: connecting to " + long_path + ": the path is too long");
}

TEST_F(UnixSocket, WaitsForRoomInTheQueueWithinTheDeadline) {
    RawListener listener = RawListener::on_path(path, 0);
    const auto pool = make_pool();
    Exchange fills(pool, rig.clock.now());
    ASSERT_TRUE(test::run(rig.context, fills.connect()));
    {
        Exchange exchange(pool, rig.clock.now());
        RunningTask<Result<void>> task(rig.context, exchange.connect());
        rig.pass(1s);
        EXPECT_FALSE(task.is_done());
        EXPECT_TRUE(listener.accept());
        rig.pass(2 * net::Deadlines::tick_length);
        EXPECT_TRUE(task.take());
    }
    Exchange exchange(pool, rig.clock.now());
    RunningTask<Result<void>> task(rig.context, exchange.connect());
    rig.pass(rig.settings.timeouts.connect + net::Deadlines::tick_length);
    const auto connected = task.take();
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().kind, ErrorKind::upstream_connect_timeout);
}

}  // namespace
}  // namespace sluicegate::upstream
