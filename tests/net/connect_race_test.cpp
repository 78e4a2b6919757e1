#include "sluicegate/net/connect_race.hpp"

#include "net/manual_clock.hpp"
#include "net/raw_listener.hpp"
#include "net/running_task.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::net {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;
using test::RawListener;
using test::RunningTask;
using test::SilentListener;

class ConnectRaceTest : public testing::Test {
protected:
    static tcp::endpoint at(const std::string& address, std::uint16_t port) {
        return {asio::ip::make_address(address), port};
    }
    /// Time goes by, and what it sets off.
    void pass(Milliseconds time) {
        clock.advance(time);
        deadlines.tick(clock.now());
        test::settle(context);
    }
    static std::string address_of(Result<Socket>& connected) {
        if (!connected) return connected.error().detail;
        const auto peer = connected->remote_endpoint();
        tcp::endpoint endpoint;
        std::memcpy(endpoint.data(), peer.data(), peer.size());
        return endpoint.address().to_string();
    }

    asio::io_context context;
    test::ManualClock clock;
    Deadlines deadlines{clock.now()};
    RawListener first{"127.0.0.1"};
    std::uint16_t port = first.port();
};

TEST_F(ConnectRaceTest, TheFirstAddressIsTakenWhenItAnswers) {
    RawListener second("127.0.0.2", port);
    ConnectRace race(context, deadlines, {at("127.0.0.1", port), at("127.0.0.2", port)});
    auto connected = test::run(context, race.run());
    EXPECT_EQ(address_of(connected), "127.0.0.1");
    EXPECT_EQ(race.losers(), std::vector<tcp::endpoint>());
    EXPECT_TRUE(first.accept());
    EXPECT_FALSE(second.accept()) << "it was not needed";
}

TEST_F(ConnectRaceTest, ARefusalLeadsToTheNextAtOnce) {
    RawListener third("127.0.0.3", port);
    const std::vector refusing{at("127.0.0.4", port), at("127.0.0.5", port)};
    ConnectRace race(context, deadlines, {refusing[0], refusing[1], at("127.0.0.3", port)});
    auto connected = test::run(context, race.run());
    EXPECT_EQ(address_of(connected), "127.0.0.3") << "the clock has not moved";
    EXPECT_EQ(race.losers(), refusing);
}

TEST_F(ConnectRaceTest, AllRefusalsAreTold) {
    ConnectRace race(context, deadlines, {at("127.0.0.4", port), at("127.0.0.5", port)});
    auto connected = test::run(context, race.run());
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().kind, ErrorKind::upstream_unreachable);
    EXPECT_EQ(connected.error().detail,
              "connecting to 127.0.0.4: Connection refused; to 127.0.0.5: Connection refused");
    EXPECT_EQ(race.losers().size(), 2U);
}

TEST_F(ConnectRaceTest, SilenceCostsTheStaggerAndNoMore) {
    const SilentListener silent("127.0.0.2", port);
    ConnectRace race(context, deadlines, {at("127.0.0.2", port), at("127.0.0.1", port)});
    RunningTask<Result<Socket>> task(context, race.run());
    pass(ConnectRace::stagger - 1ms);
    EXPECT_FALSE(first.accept());
    EXPECT_FALSE(task.is_done());
    pass(1ms + Deadlines::tick_length);
    auto connected = task.take();
    EXPECT_EQ(address_of(connected), "127.0.0.1");
    EXPECT_EQ(race.losers(), std::vector{at("127.0.0.2", port)}) << "it was overtaken";
}

TEST_F(ConnectRaceTest, OneThatAnswersLateMayStillWin) {
    SilentListener late("127.0.0.2", port);
    const SilentListener silent("127.0.0.3", port);
    ConnectRace race(context, deadlines, {at("127.0.0.2", port), at("127.0.0.3", port)});
    RunningTask<Result<Socket>> task(context, race.run());
    pass(ConnectRace::stagger + Deadlines::tick_length);
    EXPECT_FALSE(task.is_done());
    while (late.listener().accept()) {
    }
    auto connected = task.take();  // the kernel tries again after a second
    EXPECT_EQ(address_of(connected), "127.0.0.2");
    EXPECT_EQ(race.losers(), std::vector<tcp::endpoint>());
}

TEST_F(ConnectRaceTest, CancelEndsItAndNothingStaysBehind) {
    const SilentListener silent("127.0.0.2", port);
    const SilentListener also_silent("127.0.0.3", port);
    {
        ConnectRace race(context, deadlines, {at("127.0.0.2", port), at("127.0.0.3", port)});
        RunningTask<Result<Socket>> task(context, race.run());
        pass(ConnectRace::stagger + Deadlines::tick_length);
        EXPECT_FALSE(task.is_done());
        race.cancel();
        auto connected = task.take();
        ASSERT_FALSE(connected);
        EXPECT_EQ(connected.error().detail,
                  "connecting to 127.0.0.2: no answer; to 127.0.0.3: no answer");
        EXPECT_EQ(race.losers(), std::vector{at("127.0.0.2", port)});
    }
    context.restart();
    EXPECT_GT(context.run(), 0U) << "the attempts end once their sockets are closed";
}

TEST_F(ConnectRaceTest, CancelBeforeItsStartIsKept) {
    ConnectRace race(context, deadlines, {at("127.0.0.1", port)});
    race.cancel();
    EXPECT_FALSE(test::run(context, race.run()));
    EXPECT_FALSE(first.accept());
}

}  // namespace
}  // namespace sluicegate::net
