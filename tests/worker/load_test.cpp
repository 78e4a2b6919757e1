#include "sluicegate/worker/load.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace sluicegate::worker {
namespace {

class LoadTest : public testing::Test {
protected:
    MemoryBudget memory{16 << 10};
    client::ConnectionPlaces places{100};
    Load load{memory, places};
};

TEST_F(LoadTest, RefusesBeyondTheLimitUntilOneEnds) {
    EXPECT_EQ(load.begin(2), nullptr);
    EXPECT_EQ(load.begin(2), nullptr);
    EXPECT_NE(load.begin(2), nullptr);
    EXPECT_EQ(load.in_flight(), 2U);
    EXPECT_EQ(load.begin(0), nullptr) << "no limit";
    load.end();
    load.end();
    EXPECT_EQ(load.begin(2), nullptr);
}

TEST_F(LoadTest, KeepsADescriptorForTheUpstreamOfEachRequest) {
    load.set_descriptors_max(3);
    const auto one = places.take({});
    const auto two = places.take({});
    EXPECT_EQ(load.begin(0), nullptr);
    EXPECT_NE(load.begin(0), nullptr);
}

TEST_F(LoadTest, RefusesWhenTheMemoryIsNearlyUsedUp) {
    MemoryClaim claim(memory);
    ASSERT_TRUE(claim.resize(15 << 10));
    EXPECT_EQ(load.begin(0), nullptr);
    ASSERT_TRUE(claim.resize((15 << 10) + 1));
    EXPECT_NE(load.begin(0), nullptr);
    ASSERT_TRUE(claim.resize(0));
    EXPECT_EQ(load.begin(0), nullptr);
}

}  // namespace
}  // namespace sluicegate::worker
