#include "sluicegate/auth/authenticate.hpp"

#include "auth/key_ring_fixture.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace sluicegate::auth {
namespace {

using test::api_key;
using namespace std::chrono_literals;

const WallTime noon = WallTime(std::chrono::hours(24 * 20000 + 12));

config::IpAddress address(const char* text) {
    return config::IpAddress::parse(text).value();
}

KeyRing ring_of(config::ApiKey key) {
    std::vector<config::User> users(1);
    users[0].name = "alice";
    users[0].group = "research";
    users[0].keys = {std::move(key)};
    return KeyRing::build(users, test::ids());
}

TEST(Authenticate, AcceptsAKeyUntilTheMomentItExpires) {
    config::ApiKey key = api_key("laptop", "sk-secret");
    key.expires = noon;
    const KeyRing ring = ring_of(key);
    const auto from = address("127.0.0.1");
    EXPECT_TRUE(authenticate(ring, "sk-secret", from, noon - 1s));
    for (const auto late : {0s, 1s, 1'000'000s}) {
        auto refused = authenticate(ring, "sk-secret", from, noon + late);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, ErrorKind::api_key_expired);
        EXPECT_EQ(refused.error().detail, "user alice, key laptop");
    }
}

TEST(Authenticate, RefusesWhatIsNotTheWholeKey) {
    const KeyRing ring = ring_of(api_key("laptop", "sk-secret"));
    for (const char* key : {"", "sk-secre", "sk-secret ", "SK-SECRET", "sk-secret2"}) {
        SCOPED_TRACE(key);
        auto refused = authenticate(ring, key, address("127.0.0.1"), noon);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, ErrorKind::invalid_api_key);
        EXPECT_EQ(refused.error().detail, "");
        EXPECT_EQ(refused.error().subject, "");
    }
}

TEST(Authenticate, HoldsAKeyToItsAddresses) {
    config::ApiKey key = api_key("laptop", "sk-secret");
    for (const char* range : {"10.0.0.0/8", "2001:db8::/32", "192.0.2.7"}) {
        key.allow_ips.push_back(config::AddressRange::parse(range).value());
    }
    const KeyRing ring = ring_of(key);
    struct Row {
        const char* from;
        bool is_allowed;
    };
    const Row rows[] = {
        {"10.1.2.3", true},  {"11.0.0.1", false},  {"2001:db8::1", true}, {"::1", false},
        {"192.0.2.7", true}, {"192.0.2.8", false}, {"127.0.0.1", false},  {"::ffff:10.9.9.9", true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.from);
        auto result = authenticate(ring, "sk-secret", address(row.from), noon);
        ASSERT_EQ(result.has_value(), row.is_allowed);
        if (row.is_allowed) continue;
        EXPECT_EQ(result.error().kind, ErrorKind::ip_not_allowed);
    }
}

TEST(Authenticate, AnExpiredKeyFromAWrongAddressIsExpired) {
    config::ApiKey key = api_key("laptop", "sk-secret");
    key.expires = noon;
    key.allow_ips = {config::AddressRange::parse("10.0.0.0/8").value()};
    auto refused = authenticate(ring_of(key), "sk-secret", address("127.0.0.1"), noon);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::api_key_expired);
}

TEST(MayUse, KnowsTheModelsOfAKey) {
    struct Row {
        const char* name;
        std::vector<std::string> models;
        std::vector<bool> may;  ///< echo, gpt-4o, llama
    };
    const Row rows[] = {
        {"no list allows all", {}, {true, true, true}},
        {"one", {"gpt-4o"}, {false, true, false}},
        {"in any order", {"llama", "echo"}, {true, false, true}},
        {"one that is off stays out", {"llama", "off"}, {false, false, true}},
        {"a list of models that are off allows none", {"off"}, {false, false, false}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        config::ApiKey key = api_key("laptop", "sk-secret");
        key.models = row.models;
        const KeyRing ring = ring_of(key);
        const KeyRecord* record = ring.find(key.sha256);
        ASSERT_NE(record, nullptr);
        for (std::uint32_t model = 0; model < row.may.size(); ++model) {
            EXPECT_EQ(may_use(*record, ModelId{model}), row.may[model]) << model;
        }
        EXPECT_EQ(may_use(*record, ModelId{99}), row.models.empty());
    }
}

TEST(Caller, NamesUserGroupAndKey) {
    const KeyRing ring = ring_of(api_key("laptop", "sk-secret"));
    const KeyRecord* record = ring.find(hash_key("sk-secret"));
    ASSERT_NE(record, nullptr);
    const Caller caller = caller_of(*record);
    EXPECT_EQ(caller.user, UserId{100});
    EXPECT_EQ(caller.user_index, 0U);
    EXPECT_EQ(caller.user_name, "alice");
    EXPECT_EQ(caller.group, "research");
    EXPECT_EQ(caller.key_id, "laptop");
}

}  // namespace
}  // namespace sluicegate::auth
