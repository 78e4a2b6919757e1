#include "sluicegate/auth/new_key.hpp"

#include "sluicegate/auth/credentials.hpp"
#include "sluicegate/auth/key_hash.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluicegate::auth {
namespace {

TEST(NewKey, IsAPrefix43Base64urlCharactersAndTheirChecksum) {
    const NewKey made = make_key();
    const std::string_view text = made.key.reveal();
    ASSERT_EQ(text.size(), 55U);
    EXPECT_TRUE(text.starts_with("sk-sg-"));
    EXPECT_EQ(
        text.substr(6).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789-_"),
        std::string_view::npos);
    // 43 characters hold 258 bits; the two that 32 bytes don't fill are zero.
    EXPECT_NE(std::string_view("AEIMQUYcgkosw048").find(text[48]), std::string_view::npos);
    EXPECT_FALSE(is_mistyped(text));
}

TEST(NewKey, IsToldFromOneThatWasMistyped) {
    for (int i = 0; i < 20; ++i) {
        const NewKey made = make_key();
        const std::string key(made.key.reveal());
        for (std::size_t at = 6; at < key.size(); ++at) {
            std::string wrong = key;
            wrong[at] = wrong[at] == 'x' ? 'y' : 'x';
            EXPECT_TRUE(is_mistyped(wrong)) << at;
            EXPECT_TRUE(is_mistyped(key.substr(0, at) + key.substr(at + 1))) << at;
            EXPECT_TRUE(is_mistyped(key.substr(0, at) + 'a' + key.substr(at))) << at;
        }
        std::string swapped = key;
        std::swap(swapped[10], swapped[11]);
        EXPECT_EQ(is_mistyped(swapped), key[10] != key[11]);
    }
    // Others, and those that were made before keys had a checksum, are strangers at most.
    for (const std::string& key :
         {std::string("sk-sg-quickstart-alice"), "sk-sg-" + std::string(43, 'a'),
          "sk-proj-" + std::string(47, 'a'), "sk-sg-" + std::string(48, 'a') + ".",
          std::string()}) {
        EXPECT_FALSE(is_mistyped(key)) << key;
    }
}

TEST(NewKey, ComesWithTheHashOfItsWholeText) {
    const NewKey made = make_key();
    EXPECT_EQ(made.sha256_hex, to_hex(hash_key(made.key.reveal())));
}

TEST(NewKey, IsAcceptedAsACredential) {
    const NewKey made = make_key();
    PresentedCredentials presented;
    const std::string value = "Bearer " + std::string(made.key.reveal());
    presented.take("authorization", value);
    const auto key = credential_of(presented);
    ASSERT_TRUE(key);
    EXPECT_EQ(*key, made.key.reveal());
}

TEST(NewKey, EveryCharacterVaries) {
    std::set<std::string> keys;
    std::vector<std::set<char>> seen(43);
    for (int i = 0; i < 1000; ++i) {
        const NewKey made = make_key();
        keys.emplace(made.key.reveal());
        for (std::size_t at = 0; at < seen.size(); ++at) {
            seen[at].insert(made.key.reveal()[6 + at]);
        }
    }
    EXPECT_EQ(keys.size(), 1000U);
    // 1000 draws miss hardly any of 64 characters, and none of the 16 that can be the last.
    for (std::size_t at = 0; at < 42; ++at) EXPECT_GE(seen[at].size(), 56U) << at;
    EXPECT_EQ(seen[42].size(), 16U);
}

}  // namespace
}  // namespace sluicegate::auth
