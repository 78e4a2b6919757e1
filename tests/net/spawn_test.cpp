#include "sluicegate/net/spawn.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace sluicegate::net {
namespace {

Task<void> throw_exception() {
    throw std::runtime_error("on purpose");
    co_return;
}
Task<void> throw_something_else() {
    throw 42;
    co_return;
}
Task<void> end_well(bool& has_run) {
    has_run = true;
    co_return;
}

TEST(Spawn, CountsAnExceptionThatEscapesAndGoesOn) {
    asio::io_context context;
    const std::uint64_t before = escaped_exceptions();
    bool has_run = false;
    spawn(context, throw_exception(), "first");
    spawn(context, throw_something_else(), "second");
    spawn(context, end_well(has_run), "third");
    context.run();
    EXPECT_EQ(escaped_exceptions(), before + 2);
    EXPECT_TRUE(has_run);
}

TEST(Spawn, EndsOnlyTheTurnThatThrows) {
    const std::uint64_t before = escaped_exceptions();
    int turns = 0;
    for (int i = 0; i < 3; ++i) {
        guarded("a turn", [&] {
            ++turns;
            if (i < 2) throw std::runtime_error("on purpose");
        });
    }
    EXPECT_EQ(turns, 3);
    EXPECT_EQ(escaped_exceptions(), before + 2);
}

TEST(Spawn, LetsAVitalTaskEndInOrder) {
    asio::io_context context;
    bool has_run = false;
    spawn_vital(context, end_well(has_run), "vital");
    context.run();
    EXPECT_TRUE(has_run);
}

TEST(SpawnDeathTest, EndsTheProcessWithAVitalTask) {
    EXPECT_EXIT(
        {
            asio::io_context context;
            spawn_vital(context, throw_exception(), "vital");
            context.run();
        },
        testing::ExitedWithCode(vital_task_status), "");
}

}  // namespace
}  // namespace sluicegate::net
