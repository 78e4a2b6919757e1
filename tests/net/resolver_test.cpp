#include "sluicegate/net/resolver.hpp"

#include "net/manual_clock.hpp"
#include "net/running_task.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluicegate::net {
namespace {

using namespace std::chrono_literals;
using Answer = Result<std::vector<TcpEndpoint>>;

// Deadlines of look-ups are real time: nothing here waits for one to pass.
const auto soon = [] { return std::chrono::steady_clock::now() + test::patience; };

TEST(Resolver, TakesAddressesAsTheyAre) {
    asio::io_context context;
    test::ManualClock clock;
    Resolver resolver(context, clock);
    for (const std::string host : {"127.0.0.1", "::1", "192.0.2.7", "2001:db8::1"}) {
        SCOPED_TRACE(host);
        // A deadline that has passed does not matter: there is nothing to wait for.
        Answer answer = test::run(context, resolver.resolve(host, 8080, Instant::min()));
        ASSERT_TRUE(answer);
        ASSERT_EQ(answer->size(), 1U);
        EXPECT_EQ(answer->front(), TcpEndpoint(asio::ip::make_address(host), 8080));
    }
}

TEST(Resolver, FindsThisHostAndGivesEachCallerItsPort) {
    asio::io_context context;
    test::ManualClock clock;
    Resolver resolver(context, clock);
    test::RunningTask<Answer> first(context, resolver.resolve("localhost", 1, soon()));
    test::RunningTask<Answer> second(context, resolver.resolve("localhost", 2, soon()));
    Answer one = first.take();
    Answer two = second.take();
    ASSERT_TRUE(one);
    ASSERT_TRUE(two);
    ASSERT_EQ(one->size(), two->size());
    EXPECT_TRUE(one->front().address().is_loopback());
    EXPECT_EQ(one->front().port(), 1);
    EXPECT_EQ(two->front().port(), 2);

    // Within its lifetime an answer is given at once, whatever the deadline.
    clock.advance(Resolver::answer_lifetime);
    EXPECT_TRUE(test::run(context, resolver.resolve("localhost", 3, Instant::min())));
}

TEST(Resolver, SaysThatANameDoesNotExist) {
    asio::io_context context;
    test::ManualClock clock;
    Resolver resolver(context, clock);
    Answer answer = test::run(context, resolver.resolve("nowhere.invalid", 80, soon()));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::upstream_unreachable);
    EXPECT_TRUE(answer.error().detail.starts_with("looking up nowhere.invalid: "));
}

TEST(Resolver, WaitsNoLongerThanItsCallerAllows) {
    asio::io_context context;
    test::ManualClock clock;
    Resolver resolver(context, clock);
    // Now and then a look-up may be faster than the reactor; not each time.
    for (int i = 0; i < 100; ++i) {
        const std::string host = "nowhere" + std::to_string(i) + ".invalid";
        const Answer answer = test::run(context, resolver.resolve(host, 80, Instant::min()));
        ASSERT_FALSE(answer);
        if (answer.error().kind == ErrorKind::upstream_connect_timeout) {
            context.restart();
            context.run();  // the look-up ends by itself
            return;
        }
    }
    FAIL() << "no look-up was given up";
}

TEST(Resolver, AnAnswerIsLookedUpAgainAfterItsLifetime) {
    asio::io_context context;
    test::ManualClock clock;
    Resolver resolver(context, clock);
    ASSERT_TRUE(test::run(context, resolver.resolve("localhost", 80, soon())));
    clock.advance(Resolver::answer_lifetime + 1ms);
    test::RunningTask<Answer> again(context, resolver.resolve("localhost", 80, soon()));
    EXPECT_TRUE(again.take());
}

}  // namespace
}  // namespace sluicegate::net
