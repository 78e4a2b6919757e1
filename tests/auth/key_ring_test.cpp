#include "sluicegate/auth/key_ring.hpp"

#include "auth/key_ring_fixture.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sluicegate::auth {
namespace {

using test::api_key;

TEST(KeyRing, KnowsWhoEachKeyStandsFor) {
    std::vector<config::User> users(3);
    users[0].name = "alice";
    users[0].group = "research";
    users[0].keys = {api_key("laptop", "sk-1"), api_key("ci", "sk-2")};
    users[1].name = "revoked";
    users[2].name = "bob";
    users[2].keys = {api_key("laptop", "sk-3")};
    const KeyRing ring = KeyRing::build(users, test::ids());
    EXPECT_EQ(ring.size(), 3U);

    struct Row {
        const char* key;
        UserId user;
        std::size_t user_index;
        const char* user_name;
        const char* group;
        const char* key_id;
    };
    const Row rows[] = {
        {"sk-1", UserId{100}, 0, "alice", "research", "laptop"},
        {"sk-2", UserId{100}, 0, "alice", "research", "ci"},
        {"sk-3", UserId{101}, 2, "bob", "default", "laptop"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.key);
        const KeyRecord* record = ring.find(hash_key(row.key));
        ASSERT_NE(record, nullptr);
        EXPECT_EQ(record->user, row.user);
        EXPECT_EQ(record->user_index, row.user_index);
        EXPECT_EQ(record->user_name, row.user_name);
        EXPECT_EQ(record->group, row.group);
        EXPECT_EQ(record->key_id, row.key_id);
    }
    EXPECT_EQ(ring.find(hash_key("sk-4")), nullptr);
    EXPECT_EQ(ring.find(KeyHash{}), nullptr) << "no key is an empty digest";
}

TEST(KeyRing, IsEmptyWithoutKeys) {
    const KeyRing ring = KeyRing::build({}, test::ids());
    EXPECT_EQ(ring.size(), 0U);
    EXPECT_EQ(ring.find(hash_key("sk-1")), nullptr);
    EXPECT_EQ(ring.find(KeyHash{}), nullptr);
}

TEST(KeyRing, FindsExactlyItsKeysWhateverTheirNumber) {
    for (const int count : {1, 2, 3, 7, 8, 9, 1000, 5000}) {
        SCOPED_TRACE(count);
        std::vector<config::User> users(1);
        for (int i = 0; i < count; ++i) {
            users[0].keys.push_back(api_key(std::to_string(i), "sk-" + std::to_string(i)));
        }
        const KeyRing ring = KeyRing::build(users, test::ids());
        for (int i = 0; i < count; ++i) {
            const KeyRecord* record = ring.find(hash_key("sk-" + std::to_string(i)));
            ASSERT_NE(record, nullptr);
            EXPECT_EQ(record->key_id, std::to_string(i));
            EXPECT_EQ(ring.find(hash_key("no-" + std::to_string(i))), nullptr);
        }
    }
}

TEST(KeyRing, ComparesTheWholeDigest) {
    std::vector<config::User> users(1);
    users[0].keys = {api_key("k", "sk-1")};
    const KeyRing ring = KeyRing::build(users, test::ids());
    for (std::size_t bit = 0; bit < 256; ++bit) {
        KeyHash hash = hash_key("sk-1");
        hash[bit / 8] = static_cast<std::uint8_t>(hash[bit / 8] ^ (1U << (bit % 8)));
        EXPECT_EQ(ring.find(hash), nullptr) << "bit " << bit;
    }
}

/// SHA-256 does not make such digests, but an admin may type them.
TEST(KeyRing, TellsDigestsWithTheSameFirstBytesApart) {
    std::vector<config::User> users(1);
    for (std::uint8_t i = 0; i < 50; ++i) {
        config::ApiKey key;
        key.id = std::to_string(i);
        key.sha256.fill(0xFF);
        key.sha256[31] = i;
        users[0].keys.push_back(key);
    }
    const KeyRing ring = KeyRing::build(users, test::ids());
    for (const config::ApiKey& key : users[0].keys) {
        ASSERT_NE(ring.find(key.sha256), nullptr);
        EXPECT_EQ(ring.find(key.sha256)->key_id, key.id);
    }
    KeyHash absent;
    absent.fill(0xFF);
    EXPECT_EQ(ring.find(absent), nullptr);
}

TEST(KeyRing, RecordsStayWhereTheyAreWhenTheRingIsMoved) {
    std::vector<config::User> users(1);
    users[0].keys = {api_key("k", "sk-1")};
    KeyRing ring = KeyRing::build(users, test::ids());
    const KeyRecord* before = ring.find(hash_key("sk-1"));
    const KeyRing moved = std::move(ring);
    EXPECT_EQ(moved.find(hash_key("sk-1")), before);
}

}  // namespace
}  // namespace sluicegate::auth
