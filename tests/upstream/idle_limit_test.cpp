#include "upstream/idle_limit.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace sluicegate::upstream {
namespace {

using namespace std::chrono_literals;

const Instant first_use{1h};

TEST(PromisedIdleTime, IsASecondLessThanTheTimeout) {
    struct Row {
        const char* value;
        std::optional<Milliseconds> promised;
    };
    const std::vector<Row> rows{
        {"timeout=5", 4s},
        {"timeout=5, max=100", 4s},
        {"max=100,timeout=75", 74s},
        {" Timeout = 60 ", 59s},
        {"timeout=1", 0s},
        {"timeout=0", 0s},
        {"timeout=4294967295", 4294967294s},
        {"timeout=4294967296", std::nullopt},
        {"timeout=-5", std::nullopt},
        {"timeout=5s", std::nullopt},
        {"timeout=", std::nullopt},
        {"timeout", std::nullopt},
        {"timeouts=5", std::nullopt},
        {"max=100", std::nullopt},
        {",,=,", std::nullopt},
        {"", std::nullopt},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.value);
        http::FieldTable fields;
        ASSERT_TRUE(fields.add("Keep-Alive", row.value));
        EXPECT_EQ(promised_idle_time(fields), row.promised);
    }
    EXPECT_EQ(promised_idle_time(http::FieldTable()), std::nullopt);
}

void close_twice(IdleLimit& limit, Milliseconds idle_for) {
    limit.server_closed(idle_for, first_use);
    limit.server_closed(idle_for, first_use);
}

TEST(IdleLimit, StaysBelowWhatTheServerWasSeenToAllow) {
    IdleLimit limit(30s);
    EXPECT_EQ(limit.current(), 30s);
    close_twice(limit, 5s);
    EXPECT_EQ(limit.current(), 4s);
    close_twice(limit, 20s);
    EXPECT_EQ(limit.current(), 4s) << "a longer time proves nothing";
    close_twice(limit, 3s);
    EXPECT_EQ(limit.current(), 2400ms);
}

TEST(IdleLimit, OneTimeTellsNothingAndTwoMustAgree) {
    struct Row {
        const char* name;
        std::vector<Milliseconds> seen;
        Milliseconds learned;
    };
    const std::vector<Row> rows{
        {"once", {5s}, 30s},
        {"twice the same", {5s, 5s}, 4s},
        {"seen a moment later", {5s, 6s}, 4s},
        {"seen a moment earlier", {6s, 5s}, 4s},
        {"as different as they may be", {5s, 7'250ms}, 4s},
        {"too different", {5s, 7'251ms}, 30s},
        {"a restart between", {5s, 20s, 5s}, 30s},
        {"and then again", {5s, 20s, 5s, 5s}, 4s},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        IdleLimit limit(30s);
        for (const Milliseconds idle_for : row.seen) limit.server_closed(idle_for, first_use);
        EXPECT_EQ(limit.current(), row.learned);
    }
}

TEST(IdleLimit, LearnsNothingBelowItsFloorOrAboveTheConfiguredLimit) {
    IdleLimit limit(30s);
    close_twice(limit, 10ms);
    EXPECT_EQ(limit.current(), IdleLimit::floor);
    IdleLimit short_limit(500ms);
    close_twice(short_limit, 10ms);
    EXPECT_EQ(short_limit.current(), 500ms);
    IdleLimit untouched(30s);
    close_twice(untouched, 38s);
    EXPECT_EQ(untouched.current(), 30s);
}

TEST(IdleLimit, ForgetsSlowly) {
    IdleLimit limit(10s);
    close_twice(limit, 5s);
    limit.forget(first_use + IdleLimit::forget_after - 1ms);
    EXPECT_EQ(limit.current(), 4s);
    limit.forget(first_use + IdleLimit::forget_after);
    EXPECT_EQ(limit.current(), 6s);
    limit.forget(first_use + IdleLimit::forget_after + 1s);
    EXPECT_EQ(limit.current(), 6s) << "one step at a time";
    limit.forget(first_use + 2 * IdleLimit::forget_after);
    EXPECT_EQ(limit.current(), 9s);
    limit.forget(first_use + 3 * IdleLimit::forget_after);
    EXPECT_EQ(limit.current(), 10s);
    limit.forget(first_use + 4 * IdleLimit::forget_after);
    EXPECT_EQ(limit.current(), 10s);
}

TEST(IdleLimit, KeepsWhatItHasLearnedWhenAnotherLimitIsConfigured) {
    IdleLimit limit(10s);
    limit.configure(20s);
    EXPECT_EQ(limit.current(), 20s);
    close_twice(limit, 5s);
    limit.configure(30s);
    EXPECT_EQ(limit.current(), 4s);
    limit.configure(2s);
    EXPECT_EQ(limit.current(), 2s);
}

}  // namespace
}  // namespace sluicegate::upstream
