#include "sluicegate/client/connection_places.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace sluicegate::client {
namespace {

class ConnectionPlacesTest : public testing::Test {
protected:
    ~ConnectionPlacesTest() override {
        for (ConnectionPlaces::Link& link : links) places.remove(link);
    }
    /// Null when there is no place.
    ConnectionPlaces::Link* connect(ConnectionPlaces::Owner& owner, std::uint8_t address = 1) {
        auto place = places.take({address});
        if (!place) return nullptr;
        places.add(links.emplace_back(), owner, std::move(*place));
        return &links.back();
    }

    ConnectionPlaces places{20};
    int wakes = 0;
    ConnectionPlaces::Owner one{places, [this] { ++wakes; }};
    ConnectionPlaces::Owner other{places, [this] { ++wakes; }};
    std::deque<ConnectionPlaces::Link> links;
};

TEST_F(ConnectionPlacesTest, ReservesATenthForThoseThatShowedAKey) {
    for (int i = 0; i < 18; ++i) ASSERT_NE(connect(one), nullptr);
    EXPECT_EQ(places.taken(), 18U);
    ASSERT_NE(connect(one), nullptr);
    EXPECT_EQ(places.taken(), 18U) << "a stranger gave way for it";
    EXPECT_EQ(one.next_to_end(), &links.front());
    EXPECT_EQ(one.next_to_end(), nullptr);
    places.note_known(links[5]);
    ASSERT_NE(connect(one), nullptr);
    EXPECT_EQ(places.taken(), 19U);
    EXPECT_EQ(one.next_to_end(), nullptr);
}

TEST_F(ConnectionPlacesTest, TheLongestIdleStrangerGivesWayOnWhicheverWorkerItIs) {
    for (int i = 0; i < 18; ++i) connect(i % 2 == 0 ? one : other);
    places.note_answered(links[0]);
    places.note_known(links[1]);
    connect(one);
    connect(one);
    EXPECT_EQ(one.next_to_end(), &links[2]);
    EXPECT_EQ(other.next_to_end(), nullptr) << "the first newcomer had a free place";
    connect(one);
    EXPECT_EQ(other.next_to_end(), &links[3]);
    EXPECT_EQ(wakes, 2);
}

TEST_F(ConnectionPlacesTest, RefusesWhereEveryConnectionHasShownAKey) {
    for (int i = 0; i < 20; ++i) {
        ConnectionPlaces::Link* const link = connect(one);
        ASSERT_NE(link, nullptr);
        places.note_known(*link);
    }
    EXPECT_EQ(connect(one), nullptr);
    places.remove(links[3]);
    EXPECT_NE(connect(one), nullptr);
}

TEST_F(ConnectionPlacesTest, AConnectionThatGaveWayFreesNothingWhenItEnds) {
    for (int i = 0; i < 19; ++i) connect(one);
    places.note_known(links[0]);
    places.remove(links[0]);
    EXPECT_EQ(places.taken(), 18U);
    EXPECT_EQ(one.next_to_end(), nullptr) << "it ended before it was told to";
    ASSERT_NE(connect(one), nullptr);
    EXPECT_EQ(one.next_to_end(), &links[1]);
    places.remove(links[1]);
    EXPECT_EQ(places.taken(), 18U);
}

TEST_F(ConnectionPlacesTest, APlaceThatNoConnectionTookIsFreeAgain) {
    static_cast<void>(places.take({}));
    EXPECT_EQ(places.taken(), 0U);
}

TEST_F(ConnectionPlacesTest, ACrowdTakesNoFreePlaceWhileAStrangerCanGiveWay) {
    ASSERT_TRUE(places.take({}, true)) << "there is no stranger";
    connect(one);
    auto place = places.take({}, true);
    ASSERT_TRUE(place && place->is_from_other());
    EXPECT_EQ(one.next_to_end(), &links.front());
    EXPECT_EQ(places.taken(), 1U);
}

TEST_F(ConnectionPlacesTest, TheAddressWithMostStrangersGivesWayFirst) {
    connect(one, 1);
    for (int i = 0; i < 2; ++i) connect(other, 2);
    for (int i = 0; i < 15; ++i) connect(one, 3);
    for (std::size_t i = 0; i < 13; ++i) {
        ASSERT_NE(connect(one, 3), nullptr);
        EXPECT_EQ(one.next_to_end(), &links[3 + i]) << "the longest idle of the third address";
    }
    EXPECT_EQ(other.next_to_end(), nullptr);
    for (std::size_t i = 16; i < links.size(); ++i) places.note_known(links[i]);
    for (std::uint8_t i = 0; i < 2; ++i) ASSERT_NE(connect(one, 10 + i), nullptr);
    EXPECT_EQ(one.next_to_end(), nullptr) << "two places are free";
    places.note_answered(links[1]);
    ASSERT_NE(connect(one, 20), nullptr);
    EXPECT_EQ(other.next_to_end(), &links[2]) << "the second address has most now";
    ASSERT_NE(connect(one, 21), nullptr);
    EXPECT_EQ(one.next_to_end(), &links[0]) << "of addresses with as many, the longest idle";
}

TEST_F(ConnectionPlacesTest, ThereIsAlwaysAPlaceForOne) {
    places.set_most(1);
    ConnectionPlaces::Link* const first = connect(one);
    ASSERT_NE(first, nullptr);
    ASSERT_NE(connect(other), nullptr);
    EXPECT_EQ(one.next_to_end(), first);
    places.note_known(links.back());
    EXPECT_EQ(connect(one), nullptr);
}

}  // namespace
}  // namespace sluicegate::client
