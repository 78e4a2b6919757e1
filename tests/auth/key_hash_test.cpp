#include "sluicegate/auth/key_hash.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace sluicegate::auth {
namespace {

TEST(KeyHash, IsSha256) {
    struct Row {
        const char* name;
        std::string key;
        const char* hex;
    };
    const Row rows[] = {
        // FIPS 180-2, appendix B, and the empty message.
        {"empty", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"a million letters", std::string(1'000'000, 'a'),
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(to_hex(hash_key(row.key)), row.hex);
    }
}

TEST(KeyHash, DoesNotDependOnWhatTheThreadHashedBefore) {
    const KeyHash expected = hash_key("abc");
    static_cast<void>(hash_key(std::string(1000, 'x')));
    EXPECT_EQ(hash_key("abc"), expected);
}

TEST(KeyHash, ThreadsDoNotDisturbEachOther) {
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([thread] {
            const std::string key(static_cast<std::size_t>(50 + thread), 'k');
            const KeyHash expected = hash_key(key);
            for (int i = 0; i < 2000; ++i) EXPECT_EQ(hash_key(key), expected);
        });
    }
    for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace sluicegate::auth
