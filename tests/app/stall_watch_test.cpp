#include "app/stall_watch.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace sluicegate::app {
namespace {

class StallWatchTest : public testing::Test {
protected:
    /// Looks every look_every for that long; workers whose number is in `ticking` tick meanwhile.
    std::vector<StallWatch::Change> pass(Milliseconds time,
                                         const std::vector<std::size_t>& ticking) {
        std::vector<StallWatch::Change> changes;
        for (Milliseconds passed{0}; passed < time; passed += StallWatch::look_every) {
            now_ += StallWatch::look_every;
            for (const std::size_t worker : ticking) ++*ticks_[worker];
            for (const StallWatch::Change& change : watch_.look(now_, ticks_)) {
                changes.push_back(change);
            }
        }
        return changes;
    }

    Instant now_ = Instant(std::chrono::hours(1));
    std::vector<std::optional<std::uint64_t>> ticks_{1, 1};
    StallWatch watch_;
};

TEST_F(StallWatchTest, SeesAWorkerThatDoesNotTickForTheThreshold) {
    EXPECT_TRUE(pass(Milliseconds(60'000), {0, 1}).empty());
    EXPECT_TRUE(pass(StallWatch::threshold - StallWatch::look_every, {0}).empty());
    const auto begun = pass(StallWatch::look_every, {0});
    ASSERT_EQ(begun.size(), 1U);
    EXPECT_EQ(begun[0].worker, 1U);
    EXPECT_TRUE(begun[0].is_stalled);
    EXPECT_EQ(begun[0].lasted, StallWatch::threshold);
    EXPECT_TRUE(pass(Milliseconds(5'000), {0}).empty()) << "said once";
    ASSERT_EQ(watch_.stalls().size(), 1U);
    EXPECT_EQ(watch_.stalls()[0].worker, 1U);
    EXPECT_EQ(watch_.stalls()[0].lasted, Milliseconds(10'000));

    const auto ended = pass(StallWatch::look_every, {0, 1});
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_FALSE(ended[0].is_stalled);
    EXPECT_TRUE(watch_.stalls().empty());
}

TEST_F(StallWatchTest, CountsOnlyTheTimeInWhichItLooked) {
    EXPECT_TRUE(pass(Milliseconds(1'000), {0, 1}).empty());
    now_ += std::chrono::hours(1);  // the process was stopped
    EXPECT_TRUE(pass(Milliseconds(4'000), {}).empty());
    EXPECT_EQ(pass(Milliseconds(1'000), {}).size(), 2U);
}

TEST_F(StallWatchTest, DoesNotWaitForAWorkerThatHasEnded) {
    EXPECT_TRUE(pass(Milliseconds(1'000), {0, 1}).empty());
    ticks_[1].reset();
    EXPECT_TRUE(pass(Milliseconds(60'000), {0}).empty());
}

TEST_F(StallWatchTest, ForgetsAStallThatEndsWithItsWorker) {
    EXPECT_EQ(pass(Milliseconds(10'000), {0}).size(), 1U);
    ticks_[1].reset();
    EXPECT_EQ(pass(StallWatch::look_every, {0}).size(), 1U);
    EXPECT_TRUE(watch_.stalls().empty());
}

}  // namespace
}  // namespace sluicegate::app
