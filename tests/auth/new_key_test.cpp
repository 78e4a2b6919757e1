#include "sluicegate/auth/new_key.hpp"

#include "sluicegate/auth/credentials.hpp"
#include "sluicegate/auth/key_hash.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::auth {
namespace {

TEST(NewKey, IsAPrefixAnd43Base64urlCharacters) {
    const NewKey made = make_key();
    const std::string_view text = made.key.reveal();
    ASSERT_EQ(text.size(), 49U);
    EXPECT_TRUE(text.starts_with("sk-sg-"));
    EXPECT_EQ(
        text.substr(6).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789-_"),
        std::string_view::npos);
    // 43 characters hold 258 bits; the two that 32 bytes don't fill are zero.
    EXPECT_NE(std::string_view("AEIMQUYcgkosw048").find(text.back()), std::string_view::npos);
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
