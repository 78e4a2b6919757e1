#include "sluicegate/limit/journal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <thread>
#include <vector>

namespace sluicegate::limit {
namespace {

std::vector<Charged> read(const std::vector<JournalRecord>& ring, std::uint64_t from) {
    std::vector<Charged> read;
    Journal::visit(ring, from, [&](const Charged& charged) { read.push_back(charged); });
    return read;
}

std::uint64_t lost(const std::vector<JournalRecord>& ring, std::uint64_t from) {
    return Journal::visit(ring, from, [](const Charged&) {});
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
    ring[1].seal.store(0);                  // killed before its last store
    ring[3].seal.store(~std::uint64_t{0});  // garbage
    EXPECT_EQ(read(ring, 0), (std::vector{charge(1), charge(3)}));
    EXPECT_EQ(Journal::end_of(ring), 3U);
    EXPECT_EQ(lost(ring, 0), 2U);
    Journal::remove_damaged(ring);
    EXPECT_EQ(read(ring, 0), (std::vector{charge(1), charge(3)}));
    EXPECT_EQ(lost(ring, 3), 0U);
}

TEST(Journal, BelievesNoRecordThatWasOverwritten) {
    constexpr std::size_t records = 64;
    constexpr std::size_t bytes = sizeof(JournalRecord);
    struct Row {
        const char* name;
        std::function<void(std::byte*)> damage;  ///< of the record that it gets
    };
    std::mt19937_64 random(7);
    const Row rows[] = {
        {"zeros", [](std::byte* record) { std::memset(record, 0, bytes); }},
        {"ones", [](std::byte* record) { std::memset(record, 0xFF, bytes); }},
        {"text", [](std::byte* record) { std::memset(record, 'x', bytes); }},
        {"noise",
         [&](std::byte* record) {
             for (std::size_t i = 0; i < bytes; ++i) record[i] = static_cast<std::byte>(random());
         }},
        {"one bit of the tokens", [](std::byte* record) { record[16] ^= std::byte{1}; }},
        {"one bit of the user", [](std::byte* record) { record[4] ^= std::byte{1}; }},
        {"one bit of the time", [](std::byte* record) { record[12] ^= std::byte{0x10}; }},
        {"one bit of the turn", [](std::byte* record) { record[28] ^= std::byte{2}; }},
        {"one bit of the checksum", [](std::byte* record) { record[24] ^= std::byte{1}; }},
        {"half of it", [](std::byte* record) { std::memset(record + 8, 0, bytes / 2); }},
        {"the record before it",
         [](std::byte* record) { std::memcpy(record, record - bytes, bytes); }},
        {"tokens of another",
         [](std::byte* record) { std::memcpy(record + 16, record - bytes + 16, 8); }},
    };
    for (const std::uint64_t first : {0U, 100U}) {
        for (const Row& row : rows) {
            SCOPED_TRACE(row.name);
            std::vector<JournalRecord> ring(records);
            Journal journal(ring, first);
            std::vector<std::uint64_t> expected;
            for (std::uint64_t i = 0; i < 40; ++i) {
                journal.append(charge(1000 + i));
                if (i != 20) expected.push_back(1000 + i);
            }
            row.damage(reinterpret_cast<std::byte*>(&ring[(first + 20) % records]));
            std::vector<std::uint64_t> tokens;
            for (const Charged& each : read(ring, first)) tokens.push_back(each.tokens);
            std::ranges::sort(tokens);
            EXPECT_EQ(tokens, expected);
            EXPECT_EQ(lost(ring, first), 1U);
            EXPECT_EQ(Journal::end_of(ring), first + 40);
        }
    }
}

TEST(Journal, SaysHowManyRecordsALaterTurnHasOverwritten) {
    std::vector<JournalRecord> ring(8);
    Journal journal(ring, 0);
    for (std::uint64_t i = 0; i < 11; ++i) journal.append(charge(i));
    EXPECT_EQ(lost(ring, 0), 3U);
    EXPECT_EQ(lost(ring, 3), 0U);
    EXPECT_EQ(lost(ring, 11), 0U);
}

TEST(Journal, ReadsARingThatHadNoChecksums) {
    std::vector<JournalRecord> ring(8);
    const std::uint64_t from = 5;
    {
        Journal journal(ring, from);
        for (std::uint64_t i = 0; i < 6; ++i) journal.append(charge(i));
    }
    const std::vector<Charged> before = read(ring, from);
    ASSERT_EQ(before.size(), 6U);
    // As format 1 wrote them; one was upgraded already.
    for (std::uint64_t i = 1; i < 6; ++i) ring[(from + i) % 8].seal.store(from + i + 1);
    ring[4].seal.store(78);  // of no record
    Journal::upgrade(ring);
    EXPECT_EQ(read(ring, from), before);
    EXPECT_EQ(Journal::end_of(ring), 11U);
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
