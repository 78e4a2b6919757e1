#include "sluicegate/worker/load.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <optional>

namespace sluicegate::worker {
namespace {

class LoadTest : public testing::Test {
protected:
    MemoryBudget memory{16 << 10};
    MemoryShare alice;
    client::ConnectionPlaces places{100};
    Load load{memory, places};
};

TEST_F(LoadTest, RefusesBeyondTheLimitUntilOneEnds) {
    EXPECT_EQ(load.begin(2, alice), nullptr);
    EXPECT_EQ(load.begin(2, alice), nullptr);
    EXPECT_NE(load.begin(2, alice), nullptr);
    EXPECT_EQ(load.in_flight(), 2U);
    EXPECT_EQ(load.begin(0, alice), nullptr) << "no limit";
    load.end();
    load.end();
    EXPECT_EQ(load.begin(2, alice), nullptr);
}

TEST_F(LoadTest, KeepsADescriptorForTheUpstreamOfEachRequest) {
    load.set_descriptors_max(3);
    const auto one = places.take({});
    const auto two = places.take({});
    EXPECT_EQ(load.begin(0, alice), nullptr);
    EXPECT_NE(load.begin(0, alice), nullptr);
}

TEST_F(LoadTest, HasNoRoomForClientsWhoseDescriptorsRequestsHaveTaken) {
    EXPECT_TRUE(load.has_room_for_client()) << "descriptors are no bound";
    load.set_descriptors_max(4);
    const auto one = places.take({});
    EXPECT_EQ(load.begin(0, alice), nullptr);
    EXPECT_EQ(load.begin(0, alice), nullptr);
    EXPECT_TRUE(load.has_room_for_client());
    const auto two = places.take({});
    EXPECT_FALSE(load.has_room_for_client());
    load.end();
    EXPECT_TRUE(load.has_room_for_client());
}

TEST_F(LoadTest, CountsHowManyIdleConnectionsToUpstreamsHaveToGiveWay) {
    upstream::OpenConnections& open = load.upstream_connections();
    const upstream::OpenConnections::Hold many(&open, 50);
    EXPECT_EQ(open.excess(), 0U) << "descriptors are no bound";
    load.set_descriptors_max(64);
    std::deque<client::ConnectionPlaces::Grant> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(*places.take({}));
    EXPECT_EQ(open.excess(), 0U) << "one of 16 is kept";
    clients.push_back(*places.take({}));
    EXPECT_EQ(open.excess(), 1U);
    {
        const upstream::OpenConnections::Hold another(&open, 2);
        EXPECT_EQ(open.excess(), 3U);
    }
    clients.clear();
    EXPECT_EQ(open.excess(), 0U);
}

TEST_F(LoadTest, RefusesUsersWhoHoldMuchWhenTheMemoryIsNearlyUsedUp) {
    MemoryShare bob;
    MemoryClaim of_alice(memory);
    of_alice.charge_to(&alice);
    ASSERT_TRUE(of_alice.resize(2 << 10));
    MemoryClaim others(memory);
    ASSERT_TRUE(others.resize(13 << 10));
    EXPECT_EQ(load.begin(0, alice), nullptr);
    ASSERT_TRUE(others.resize((13 << 10) + 1));
    EXPECT_NE(load.begin(0, alice), nullptr);
    EXPECT_EQ(load.begin(0, bob), nullptr) << "who holds nothing may begin";
    ASSERT_TRUE(of_alice.resize(1));
    EXPECT_EQ(load.begin(0, alice), nullptr);
}

}  // namespace
}  // namespace sluicegate::worker
