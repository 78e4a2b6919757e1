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

}  // namespace
}  // namespace sluicegate::net
