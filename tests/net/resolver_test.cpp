#include "sluicegate/net/resolver.hpp"

#include "net/manual_clock.hpp"
#include "net/running_task.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluicegate::net {
namespace {

using namespace std::chrono_literals;
using Answer = Result<std::vector<TcpEndpoint>>;
using test::RunningTask;

/// The system's resolver as the test wants it: look-ups wait until they are answered.
class FakeSystem {
public:
    [[nodiscard]] LookUp look_up() const {
        return [state = state_](const std::string& host) {
            std::unique_lock lock(state->mutex);
            ++state->asked;
            state->changed.wait(lock, [&] { return state->answers > 0; });
            --state->answers;
            if (host == "throws.test") throw std::runtime_error("out of everything");
            return state->answer;
        };
    }
    /// Lets `count` look-ups return with these addresses, or fail when there are none.
    void answer(const std::vector<std::string>& addresses, int count = 1) {
        const std::lock_guard lock(state_->mutex);
        state_->answer = {};
        for (const std::string& address : addresses) {
            state_->answer.addresses.push_back(asio::ip::make_address(address));
        }
        if (addresses.empty()) state_->answer.error = "no such name";
        state_->answers += count;
        state_->changed.notify_all();
    }
    [[nodiscard]] int asked() const {
        const std::lock_guard lock(state_->mutex);
        return state_->asked;
    }

private:
    struct State {
        std::mutex mutex;
        std::condition_variable changed;
        HostAddresses answer;
        int answers = 0;
        int asked = 0;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

class ResolverTest : public testing::Test {
protected:
    /// One call with a wait of its own.
    struct Call {
        Call(ResolverTest& test, const std::string& host, std::uint16_t port = 80)
            : wait(test.context, test.deadlines),
              task(test.context, test.resolver.resolve(host, port, wait)) {}
        Wait wait;
        RunningTask<Answer> task;
    };
    std::string first_address(const std::string& host = "api.test") {
        Call call(*this, host);
        const Answer answer = call.task.take();
        return answer ? answer->front().address().to_string() : answer.error().detail;
    }
    [[nodiscard]] bool wait_until_asked(int times) {
        return test::run_until(context, [&] { return system.asked() >= times; });
    }
    /// Waits for the result of a look-up while no other task waits.
    [[nodiscard]] bool takes_an_answer() {
        const auto guard = asio::make_work_guard(context);
        context.restart();
        return context.run_one_for(test::patience) == 1;
    }
    [[nodiscard]] bool wait_for_refresh(const std::string& address) {
        return test::run_until(context, [&] { return first_address() == address; });
    }

    asio::io_context context;
    test::ManualClock clock;
    Deadlines deadlines{clock.now()};
    FakeSystem system;
    Resolver resolver{context, clock, system.look_up()};
};

TEST_F(ResolverTest, TakesAddressesAsTheyAre) {
    for (const std::string host : {"127.0.0.1", "::1", "192.0.2.7", "2001:db8::1"}) {
        SCOPED_TRACE(host);
        Call call(*this, host, 8080);
        ASSERT_TRUE(call.task.is_done()) << "there is nothing to wait for";
        const Answer answer = call.task.take();
        ASSERT_TRUE(answer);
        EXPECT_EQ(*answer, std::vector{TcpEndpoint(asio::ip::make_address(host), 8080)});
    }
    EXPECT_EQ(system.asked(), 0);
}

TEST_F(ResolverTest, CallersShareALookUpAndGetTheirPorts) {
    Call first(*this, "api.test", 1);
    Call second(*this, "api.test", 2);
    system.answer({"2001:db8::1", "192.0.2.1"});
    const Answer one = first.task.take();
    const Answer two = second.task.take();
    ASSERT_TRUE(one);
    ASSERT_TRUE(two);
    EXPECT_EQ(*one, (std::vector<TcpEndpoint>{{asio::ip::make_address("2001:db8::1"), 1},
                                              {asio::ip::make_address("192.0.2.1"), 1}}));
    EXPECT_EQ(two->front().port(), 2);
    EXPECT_EQ(system.asked(), 1);
}

TEST_F(ResolverTest, AnswersAreKeptForTheirLifetime) {
    system.answer({"192.0.2.1"});
    EXPECT_EQ(first_address(), "192.0.2.1");
    clock.advance(Resolver::answer_lifetime);
    Call call(*this, "api.test");
    EXPECT_TRUE(call.task.is_done());
    EXPECT_EQ(system.asked(), 1);
}

TEST_F(ResolverTest, AnOldAnswerIsServedWhileANewOneIsLookedUp) {
    system.answer({"192.0.2.1"});
    EXPECT_EQ(first_address(), "192.0.2.1");
    clock.advance(Resolver::answer_lifetime + 1ms);
    for (int i = 0; i < 3; ++i) {
        Call call(*this, "api.test");
        ASSERT_TRUE(call.task.is_done()) << "no request waits for a known name";
        EXPECT_EQ(call.task.take()->front().address().to_string(), "192.0.2.1");
    }
    ASSERT_TRUE(wait_until_asked(2));
    system.answer({"192.0.2.2"});
    EXPECT_TRUE(wait_for_refresh("192.0.2.2"));
    EXPECT_EQ(system.asked(), 2);
}

TEST_F(ResolverTest, AnswersOutliveAFailingResolverForAWhile) {
    system.answer({"192.0.2.1"});
    EXPECT_EQ(first_address(), "192.0.2.1");
    clock.advance(Resolver::answer_lifetime + 1ms);
    for (int asked = 2; asked < 6; ++asked) {
        EXPECT_EQ(first_address(), "192.0.2.1");
        ASSERT_TRUE(wait_until_asked(asked)) << "it is tried again and again";
        system.answer({});
        ASSERT_TRUE(takes_an_answer());
        clock.advance(Resolver::failure_lifetime);
    }
    clock.advance(Resolver::stale_lifetime);
    Call call(*this, "api.test");
    EXPECT_FALSE(call.task.is_done()) << "too old to be served";
    system.answer({});
    const Answer answer = call.task.take();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::upstream_unreachable);
    EXPECT_EQ(answer.error().detail, "looking up api.test: no such name");
}

TEST_F(ResolverTest, AFailureIsRememberedForAMoment) {
    system.answer({});
    EXPECT_EQ(first_address(), "looking up api.test: no such name");
    clock.advance(Resolver::failure_lifetime - 1ms);
    EXPECT_EQ(first_address(), "looking up api.test: no such name");
    EXPECT_EQ(system.asked(), 1);
    clock.advance(1ms);
    system.answer({"192.0.2.1"});
    EXPECT_EQ(first_address(), "192.0.2.1");
    EXPECT_EQ(system.asked(), 2);
}

TEST_F(ResolverTest, WhoHasNoTimeLeftIsWokenAndTheLookUpGoesOn) {
    Call call(*this, "api.test");
    Call patient(*this, "api.test");
    EXPECT_FALSE(call.task.is_done());
    call.wait.wake();
    const Answer answer = call.task.take();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::upstream_connect_timeout);
    EXPECT_FALSE(patient.task.is_done());
    system.answer({"192.0.2.1"});
    EXPECT_TRUE(patient.task.take());
    EXPECT_EQ(system.asked(), 1);
}

TEST_F(ResolverTest, TheDeadlineOfACallEndsItAlone) {
    Call patient(*this, "api.test");
    Wait wait(context, deadlines);
    RunningTask<Answer> task(context, resolver.resolve("api.test", 80, wait, clock.now() + 1s));
    clock.advance(1s + Deadlines::tick_length);
    deadlines.tick(clock.now());
    const Answer answer = task.take();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::upstream_connect_timeout);
    EXPECT_FALSE(patient.task.is_done());
    system.answer({"192.0.2.1"});
    EXPECT_TRUE(patient.task.take());
}

TEST_F(ResolverTest, AnExceptionIsAFailure) {
    system.answer({"192.0.2.1"});
    EXPECT_EQ(first_address("throws.test"), "looking up throws.test: out of everything");
}

TEST_F(ResolverTest, LookUpsThatHangDelayOnlyWhatExceedsTheThreads) {
    std::vector<std::unique_ptr<Call>> calls;
    for (int i = 0; i < 6; ++i) {
        calls.push_back(std::make_unique<Call>(*this, "host" + std::to_string(i) + ".test"));
    }
    ASSERT_TRUE(wait_until_asked(4));
    EXPECT_EQ(system.asked(), 4);
    system.answer({"192.0.2.1"}, 6);
    for (const auto& call : calls) EXPECT_TRUE(call->task.take());
    EXPECT_EQ(system.asked(), 6);
}

TEST(Resolver, EndsWhileALookUpHangs) {
    FakeSystem system;
    {
        asio::io_context context;
        test::ManualClock clock;
        Resolver resolver(context, clock, system.look_up());
        Deadlines deadlines(clock.now());
        Wait wait(context, deadlines);
        RunningTask<Answer> task(context, resolver.resolve("api.test", 80, wait));
        ASSERT_TRUE(test::run_until(context, [&] { return system.asked() == 1; }));
        wait.wake();
        EXPECT_FALSE(task.take());
        context.restart();
        context.run();  // a look-up is no work that keeps a worker running
    }
    system.answer({"192.0.2.1"});  // to a thread without an owner
}

TEST(Resolver, EndsWhileAnAnswerIsOnItsWay) {
    FakeSystem system;
    asio::io_context context;
    test::ManualClock clock;
    auto resolver = std::make_unique<Resolver>(context, clock, system.look_up());
    Deadlines deadlines(clock.now());
    Wait wait(context, deadlines);
    RunningTask<Answer> task(context, resolver->resolve("api.test", 80, wait));
    wait.wake();
    EXPECT_FALSE(task.take());
    system.answer({"192.0.2.1"});
    resolver.reset();
    test::settle(context);
}

TEST(Resolver, FindsThisHostAndSaysThatANameDoesNotExist) {
    const HostAddresses here = look_up("localhost");
    ASSERT_FALSE(here.addresses.empty());
    EXPECT_TRUE(here.addresses.front().is_loopback());
    EXPECT_EQ(here.error, "");
    const HostAddresses nowhere = look_up("nowhere.invalid");
    EXPECT_TRUE(nowhere.addresses.empty());
    EXPECT_NE(nowhere.error, "");
}

}  // namespace
}  // namespace sluicegate::net
