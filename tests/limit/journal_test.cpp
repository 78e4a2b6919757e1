#include "sluicegate/limit/journal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

namespace sluicegate::limit {
namespace {

std::vector<Charged> read(const std::vector<JournalRecord>& ring, std::uint64_t from) {
    std::vector<Charged> read;
    Journal::visit(ring, from, [&](const Charged& charged) { read.push_back(charged); });
    return read;
}

Charged charge(std::uint64_t tokens) {
    return {.user = UserId{7},
            .model = ModelId{9},
            .clock_ms = 123'456'789'012,
            .tokens = tokens,
            .is_request = true,
            .per_minute = true};
}

TEST(Journal, GivesBackWhatWasAppended) {
    std::vector<JournalRecord> ring(8);
    Journal journal(ring, 0);
    const Charged request = charge(1'000'000'000);
    const Charged more{.user = UserId{0xFFFF'FFFF},
                       .model = ModelId{0xFFFF'FFFE},
                       .clock_ms = (std::uint64_t{1} << 48U) - 1,
                       .tokens = 3,
                       .per_day = true};
    journal.append(request);
    journal.append(more);
    EXPECT_EQ(read(ring, 0), (std::vector{request, more}));
    EXPECT_EQ(read(ring, 1), std::vector{more});
    EXPECT_TRUE(read(ring, 2).empty());
    EXPECT_EQ(journal.next(), 2U);
    EXPECT_EQ(Journal::end_of(ring), 2U);
}

TEST(Journal, HoldsNothingInZeroedMemory) {
    const std::vector<JournalRecord> ring(8);
    EXPECT_TRUE(read(ring, 0).empty());
    EXPECT_EQ(Journal::end_of(ring), 0U);
}

TEST(Journal, KeepsTheLatestTurnOfTheRing) {
    std::vector<JournalRecord> ring(8);
    Journal journal(ring, 0);
    for (std::uint64_t i = 0; i < 21; ++i) journal.append(charge(i));
    std::vector<std::uint64_t> tokens;
    for (const Charged& each : read(ring, 0)) tokens.push_back(each.tokens);
    std::sort(tokens.begin(), tokens.end());
    EXPECT_EQ(tokens, (std::vector<std::uint64_t>{13, 14, 15, 16, 17, 18, 19, 20}));
    EXPECT_EQ(Journal::end_of(ring), 21U);
}

TEST(Journal, GoesOnBehindWhatAnotherProcessWrote) {
    std::vector<JournalRecord> ring(8);
    Journal(ring, 0).append(charge(1));
    Journal next(ring, Journal::end_of(ring));
    next.append(charge(2));
    EXPECT_EQ(read(ring, 0), (std::vector{charge(1), charge(2)}));
}

TEST(Journal, PassesOverRecordsThatAreNotWhole) {
    std::vector<JournalRecord> ring(8);
    Journal journal(ring, 0);
    journal.append(charge(1));
    journal.append(charge(2));
    journal.append(charge(3));
    ring[1].number.store(0);  // killed before its last store
    ring[3].number.store((~std::uint64_t{0} & ~std::uint64_t{7}) + 4);  // garbage
    ring[2].number.store(2 + 8);                                        // a number of another place
    EXPECT_EQ(read(ring, 0), std::vector{charge(1)});
    EXPECT_EQ(Journal::end_of(ring), 1U);
}

TEST(Journal, LeavesRecordsAsTheyAreWhenItTouchesThem) {
    std::vector<JournalRecord> ring(1024);
    Journal journal(ring, 0);
    for (std::uint64_t i = 0; i < 1500; ++i) journal.append(charge(i));
    const std::vector<Charged> before = read(ring, 0);
    journal.touch_ahead(1'000'000);
    EXPECT_EQ(read(ring, 0), before);
    EXPECT_EQ(journal.next(), 1500U);
}

TEST(Journal, LosesNothingThatThreadsAppend) {
    constexpr std::uint64_t each = 20'000;
    std::vector<JournalRecord> ring(1U << 17U);
    Journal journal(ring, 5);
    std::vector<std::jthread> workers;
    for (std::uint32_t thread = 0; thread < 4; ++thread) {
        workers.emplace_back([&journal, thread] {
            for (std::uint64_t i = 0; i < each; ++i) {
                journal.append({.user = UserId{thread}, .tokens = i, .per_minute = true});
            }
        });
    }
    workers.clear();
    std::vector<std::uint64_t> next(4);
    Journal::visit(ring, 5, [&](const Charged& charged) {
        // The numbers of one thread rise, so its records come in order.
        EXPECT_EQ(charged.tokens, next[static_cast<std::size_t>(charged.user)]++);
    });
    EXPECT_EQ(next, (std::vector<std::uint64_t>(4, each)));
}

}  // namespace
}  // namespace sluicegate::limit
