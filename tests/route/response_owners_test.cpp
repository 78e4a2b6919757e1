#include "sluicegate/route/response_owners.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace sluicegate::route {
namespace {

using namespace std::chrono_literals;
using Owner = ResponseOwners::Owner;

const Instant start{};

std::string id_of(std::size_t number) {
    return "resp_" + std::to_string(number);
}

TEST(ResponseOwners, TellWhoMadeAnIdAndWhere) {
    ResponseOwners owners;
    EXPECT_EQ(owners.find("resp_1", start), std::nullopt);
    const Owner alice{.user = 1, .upstream = 7, .endpoint = 9};
    owners.remember("resp_1", alice, start);
    EXPECT_EQ(owners.find("resp_1", start), alice);
    EXPECT_EQ(owners.find("resp_2", start), std::nullopt);
    EXPECT_EQ(owners.find("resp_", start), std::nullopt);
}

TEST(ResponseOwners, KeepTheFirstOwner) {
    ResponseOwners owners;
    owners.remember("resp_1", {.user = 1}, start);
    owners.remember("resp_1", {.user = 2}, start);
    EXPECT_EQ(owners.find("resp_1", start)->user, 1U);
    owners.remember("resp_1", {.user = 1, .upstream = 0, .endpoint = 5}, start + 1h);
    EXPECT_EQ(owners.find("resp_1", start)->endpoint, 5U) << "its owner may say where it is now";
    EXPECT_EQ(owners.size(), 1U);
}

TEST(ResponseOwners, ForgetAfterTheirTime) {
    ResponseOwners owners({.ids_max = 10, .age_max = 1h});
    owners.remember("resp_1", {.user = 1}, start);
    EXPECT_TRUE(owners.find("resp_1", start + 1h - 1ms));
    EXPECT_FALSE(owners.find("resp_1", start + 1h));
    owners.remember("resp_1", {.user = 2}, start + 1h);
    EXPECT_EQ(owners.find("resp_1", start + 1h)->user, 2U);
}

TEST(ResponseOwners, HoldNoMoreThanTheBound) {
    ResponseOwners owners({.ids_max = 100, .age_max = 1h});
    for (std::size_t i = 0; i < 1000; ++i) owners.remember(id_of(i), {.user = i % 7}, start);
    EXPECT_EQ(owners.size(), 100U);
    EXPECT_TRUE(owners.find(id_of(999), start));
    EXPECT_FALSE(owners.find(id_of(0), start));
}

TEST(ResponseOwners, OfAUserThatMakesManyDriveOutNoOthers) {
    ResponseOwners owners({.ids_max = 100, .age_max = 1h});
    for (std::size_t i = 0; i < 50; ++i) owners.remember(id_of(i), {.user = 1}, start);
    for (std::size_t i = 100; i < 10'100; ++i) owners.remember(id_of(i), {.user = 2}, start);
    for (std::size_t i = 0; i < 50; ++i) EXPECT_TRUE(owners.find(id_of(i), start)) << i;
    for (std::size_t i = 10'050; i < 10'100; ++i) EXPECT_TRUE(owners.find(id_of(i), start)) << i;
    // A newcomer takes from those that have the most.
    owners.remember("resp_new", {.user = 3}, start);
    EXPECT_TRUE(owners.find("resp_new", start));
    EXPECT_EQ(owners.size(), 100U);
}

TEST(ResponseOwners, AgreeWithAPlainModelOfTheRule) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        constexpr std::size_t ids_max = 20;
        ResponseOwners owners({.ids_max = ids_max, .age_max = 24h});
        std::vector<std::pair<std::string, std::uint64_t>> model;  // oldest first
        for (int step = 0; step < 500; ++step) {
            const std::string id = id_of(random() % 60);
            const std::uint64_t user = random() % 4;
            owners.remember(id, {.user = user}, start);
            const auto of_id = [&](const auto& entry) { return entry.first == id; };
            const auto known = std::ranges::find_if(model, of_id);
            if (known != model.end() && known->second != user) continue;
            if (known != model.end()) model.erase(known);
            if (model.size() == ids_max) {
                std::unordered_map<std::uint64_t, std::size_t> counts;
                for (const auto& entry : model) ++counts[entry.second];
                std::size_t most = 0;
                for (const auto& [one, ids] : counts) most = std::max(most, ids);
                std::uint64_t victim = user;
                for (std::uint64_t one = 0; one < 4 && counts[user] != most; ++one) {
                    if (counts[one] == most) victim = one;
                }
                const auto of_victim = [&](const auto& entry) { return entry.second == victim; };
                if (counts[user] == most) victim = user;
                model.erase(std::ranges::find_if(model, of_victim));
            }
            model.emplace_back(id, user);
            ASSERT_EQ(owners.size(), model.size());
            for (std::size_t i = 0; i < 60; ++i) {
                const auto found = std::ranges::find_if(
                    model, [&](const auto& entry) { return entry.first == id_of(i); });
                const auto owner = owners.find(id_of(i), start);
                ASSERT_EQ(owner.has_value(), found != model.end());
                if (owner) {
                    ASSERT_EQ(owner->user, found->second);
                }
            }
        }
    }
}

TEST(ResponseOwners, MayBeUsedByManyThreads) {
    ResponseOwners owners({.ids_max = 50, .age_max = 1h});
    std::vector<std::thread> threads;
    for (std::uint64_t user = 0; user < 4; ++user) {
        threads.emplace_back([&owners, user] {
            for (std::size_t i = 0; i < 2000; ++i) {
                owners.remember(id_of(i % 200), {.user = user}, start);
                static_cast<void>(owners.find(id_of(i % 200), start));
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(owners.size(), 50U);
}

}  // namespace
}  // namespace sluicegate::route
