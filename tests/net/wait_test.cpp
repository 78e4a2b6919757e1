#include "sluicegate/net/wait.hpp"

#include "net/manual_clock.hpp"
#include "net/running_task.hpp"

#include <gtest/gtest.h>

namespace sluicegate::net {
namespace {

using namespace std::chrono_literals;
using test::RunningTask;

class WaitTest : public testing::Test {
protected:
    void pass(Milliseconds time) {
        clock.advance(time);
        deadlines.tick(clock.now());
        test::settle(context);
    }

    asio::io_context context;
    test::ManualClock clock;
    Deadlines deadlines{clock.now()};
    Wait wait{context, deadlines};
};

TEST_F(WaitTest, EndsWhenItsTimeHasCome) {
    RunningTask<bool> task(context, wait.until(clock.now() + 1s));
    pass(999ms);
    EXPECT_FALSE(task.is_done());
    pass(1ms + Deadlines::tick_length);
    ASSERT_TRUE(task.is_done());
    EXPECT_FALSE(task.take());
}

TEST_F(WaitTest, EndsAtOnceWhenItIsWoken) {
    RunningTask<bool> task(context, wait.until(clock.now() + 1s));
    EXPECT_FALSE(task.is_done());
    wait.wake();
    ASSERT_TRUE(task.is_done());
    EXPECT_TRUE(task.take());
    RunningTask<bool> again(context, wait.until(clock.now() + 1h));
    pass(10s);
    EXPECT_FALSE(again.is_done()) << "the time of the first wait means nothing any more";
    wait.wake();
    EXPECT_TRUE(again.take());
}

TEST_F(WaitTest, KeepsAWakingThatCameBefore) {
    wait.wake();
    EXPECT_TRUE(test::run(context, wait.forever()));
    RunningTask<bool> task(context, wait.forever());
    EXPECT_FALSE(task.is_done()) << "it counts once";
    wait.wake();
    EXPECT_TRUE(task.take());
}

}  // namespace
}  // namespace sluicegate::net
