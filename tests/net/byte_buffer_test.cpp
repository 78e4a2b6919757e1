#include "sluicegate/net/byte_buffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace sluicegate::net {
namespace {

void append(ByteBuffer& buffer, std::string_view bytes) {
    const auto room = buffer.make_room(bytes.size());
    ASSERT_GE(room.size(), bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
    buffer.commit(bytes.size());
}

TEST(ByteBuffer, TakesNoMemoryBeforeTheFirstByte) {
    ByteBuffer buffer(1000);
    EXPECT_TRUE(buffer.empty());
    EXPECT_TRUE(buffer.room().empty());
    EXPECT_EQ(buffer.unread(), "");
    EXPECT_GE(buffer.make_room(1).size(), 1000U);
}

TEST(ByteBuffer, MovesNothingWhileThereIsRoomAtTheEnd) {
    ByteBuffer buffer(100);
    append(buffer, "0123456789");
    const char* first = buffer.unread().data();
    append(buffer, std::string(90, 'x'));
    EXPECT_EQ(buffer.unread().data(), first);
    EXPECT_TRUE(buffer.room().empty());
}

TEST(ByteBuffer, UsesConsumedBytesAgainBeforeItTakesMore) {
    ByteBuffer buffer(100);
    append(buffer, std::string(100, 'x'));
    const char* first = buffer.unread().data();
    buffer.consume(60);
    append(buffer, std::string(60, 'y'));
    EXPECT_EQ(buffer.unread().data(), first);
    EXPECT_EQ(buffer.unread(), std::string(40, 'x') + std::string(60, 'y'));
}

TEST(ByteBuffer, GivesMemoryBackOnlyWhenNothingIsUnread) {
    ByteBuffer buffer(16);
    append(buffer, std::string(1000, 'x'));
    buffer.shrink();
    EXPECT_EQ(buffer.size(), 1000U);
    buffer.consume(1000);
    EXPECT_GE(buffer.room().size(), 1000U);
    buffer.shrink();
    EXPECT_TRUE(buffer.room().empty());
    EXPECT_LT(buffer.make_room(1).size(), 1000U);
}

TEST(ByteBuffer, HoldsWhatAStringWouldHold) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        ByteBuffer buffer(1 + random() % 64);
        std::string oracle;
        for (int step = 0; step < 5000; ++step) {
            switch (random() % 6) {
                case 0:
                case 1: {
                    std::string bytes(random() % 70, '\0');
                    for (char& byte : bytes) byte = static_cast<char>(random() % 256);
                    append(buffer, bytes);
                    oracle += bytes;
                    break;
                }
                case 2: {
                    const std::size_t count = random() % (oracle.size() + 1);
                    buffer.consume(count);
                    oracle.erase(0, count);
                    break;
                }
                case 3: {
                    const std::size_t count = oracle.size() - random() % (oracle.size() / 8 + 1);
                    buffer.truncate(count);
                    oracle.resize(count);
                    break;
                }
                case 4:
                    if (oracle.size() > 500) {
                        buffer.consume(oracle.size());
                        oracle.clear();
                    }
                    break;
                default: buffer.shrink();
            }
            ASSERT_EQ(buffer.unread(), oracle) << "step " << step;
            ASSERT_EQ(buffer.size(), oracle.size());
            ASSERT_EQ(buffer.empty(), oracle.empty());
            ASSERT_EQ(std::string_view(buffer.data(), buffer.size()), oracle);
        }
        // The bytes behind the last one are there for readers that take a block at a time.
        append(buffer, std::string(buffer.make_room(1).size(), 'x'));
        std::string padding(ByteBuffer::padding, '\0');
        std::copy_n(buffer.data() + buffer.size(), padding.size(), padding.begin());
        EXPECT_TRUE(buffer.room().empty());
    }
}

TEST(ByteBuffer, ClaimsWhatItTakesBeyondItsInitialCapacity) {
    MemoryBudget budget(1000);
    {
        ByteBuffer buffer(100, budget);
        EXPECT_GE(buffer.try_make_room(100).size(), 100U);
        EXPECT_EQ(budget.used(), 0U);
        buffer.commit(100);
        EXPECT_EQ(buffer.try_make_room(1).size(), 100U);
        EXPECT_EQ(budget.used(), 100U);
        buffer.commit(100);
        EXPECT_EQ(buffer.try_make_room(900).size(), 900U);
        EXPECT_EQ(budget.used(), 1000U) << "all of it";
        EXPECT_EQ(buffer.try_make_room(901).size(), 900U) << "what there is";
        buffer.commit(900);
        EXPECT_TRUE(buffer.try_make_room(1).empty());
        EXPECT_EQ(buffer.size(), 1100U) << "nothing is lost";
        buffer.consume(1);
        EXPECT_EQ(buffer.try_make_room(2).size(), 1U) << "room that was used up is room";
        buffer.clear();
        EXPECT_EQ(budget.used(), 0U);
        EXPECT_EQ(buffer.try_make_room(500).size(), 500U);
        EXPECT_EQ(budget.used(), 400U);
    }
    EXPECT_EQ(budget.used(), 0U);
}

TEST(ByteBuffer, TakesWhatItNeedsWhereTwiceAsMuchIsNotLeft) {
    MemoryBudget budget(1500);
    ByteBuffer buffer(0, budget);
    ASSERT_EQ(buffer.try_make_room(1000).size(), 1000U);
    buffer.commit(1000);
    EXPECT_EQ(buffer.try_make_room(10).size(), 10U);
    EXPECT_EQ(budget.used(), 1010U);
}

TEST(ByteBuffer, GivesBackWhatIsFreeBehindItsBytes) {
    MemoryBudget budget(10000);
    ByteBuffer buffer(10, budget);
    const std::string bytes(700, 'x');
    std::copy(bytes.begin(), bytes.end(), buffer.try_make_room(2000).begin());
    buffer.commit(bytes.size());
    buffer.consume(100);
    buffer.fit();
    EXPECT_EQ(buffer.unread(), std::string(600, 'x'));
    EXPECT_EQ(budget.used(), 590U);
}

}  // namespace
}  // namespace sluicegate::net
