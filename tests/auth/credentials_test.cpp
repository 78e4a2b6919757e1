#include "sluicegate/auth/credentials.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <ostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sluicegate::auth {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

PresentedCredentials present(const Fields& fields) {
    PresentedCredentials presented;
    for (const auto& [name, value] : fields) presented.take(name, value);
    return presented;
}

TEST(Credentials, OneKeyInAnyOfTheFourSpellings) {
    struct Row {
        const char* name;
        Fields fields;
        std::string key;
    };
    const std::string longest(key_bytes_max, 'k');
    const Row rows[] = {
        {"bearer", {{"Authorization", "Bearer sk-1"}}, "sk-1"},
        {"lower-case scheme", {{"authorization", "bearer sk-1"}}, "sk-1"},
        {"upper-case scheme", {{"AUTHORIZATION", "BEARER sk-1"}}, "sk-1"},
        {"several spaces", {{"Authorization", "Bearer   sk-1"}}, "sk-1"},
        {"azure", {{"api-key", "sk-1"}}, "sk-1"},
        {"anthropic", {{"x-api-key", "sk-1"}}, "sk-1"},
        {"gemini", {{"x-goog-api-key", "sk-1"}}, "sk-1"},
        {"names in any case", {{"X-Goog-Api-Key", "sk-1"}}, "sk-1"},
        {"other fields", {{"Accept", "*/*"}, {"api-key", "sk-1"}, {"x-api-kez", "sk-2"}}, "sk-1"},
        {"one character", {{"api-key", "!"}}, "!"},
        {"visible characters beyond token68", {{"Authorization", "Bearer a,b\"~;{}"}}, "a,b\"~;{}"},
        {"a key that looks like the scheme", {{"Authorization", "Bearer Bearer"}}, "Bearer"},
        {"the longest", {{"Authorization", "Bearer " + longest}}, longest},
        {"the longest, bare", {{"x-api-key", longest}}, longest},
        {"two fields with one key",
         {{"Authorization", "Bearer sk-1"}, {"api-key", "sk-1"}},
         "sk-1"},
        {"a field twice",
         {{"Authorization", "Bearer sk-1"}, {"authorization", "bearer  sk-1"}},
         "sk-1"},
        {"all four",
         {{"x-goog-api-key", "sk-1"},
          {"x-api-key", "sk-1"},
          {"Authorization", "Bearer sk-1"},
          {"api-key", "sk-1"}},
         "sk-1"},
        {"an empty scheme beside a key",
         {{"Authorization", "Bearer"}, {"x-api-key", "sk-1"}},
         "sk-1"},
        {"an empty field behind a key", {{"x-api-key", "sk-1"}, {"x-api-key", ""}}, "sk-1"},
        {"as many lines as may be", Fields(credential_lines_max, {"api-key", "sk-1"}), "sk-1"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto key = credential_of(present(row.fields));
        ASSERT_TRUE(key) << name_of(key.error().kind);
        EXPECT_EQ(*key, row.key);
    }
}

TEST(Credentials, RefusesEverythingElse) {
    struct Row {
        const char* name;
        Fields fields;
        ErrorKind kind;
    };
    constexpr auto missing = ErrorKind::missing_api_key;
    constexpr auto invalid = ErrorKind::invalid_authorization_header;
    constexpr auto different = ErrorKind::different_api_keys;
    const std::string too_long(key_bytes_max + 1, 'k');
    const Row rows[] = {
        {"nothing", {}, missing},
        {"only other fields", {{"Cookie", "key=sk-secret"}}, missing},
        {"empty authorization", {{"Authorization", ""}}, missing},
        {"scheme without a key", {{"Authorization", "Bearer"}}, missing},
        {"scheme and spaces", {{"Authorization", "Bearer  "}}, missing},
        {"empty field", {{"x-api-key", ""}}, missing},
        {"another scheme", {{"Authorization", "Basic sk-secret"}}, invalid},
        {"no scheme", {{"Authorization", "sk-secret"}}, invalid},
        {"part of the scheme", {{"Authorization", "Bear sk-secret"}}, invalid},
        {"longer scheme", {{"Authorization", "Bearersk-secret"}}, invalid},
        {"tab after the scheme", {{"Authorization", "Bearer\tsk-secret"}}, invalid},
        {"tab after a space", {{"Authorization", "Bearer \tsk-secret"}}, invalid},
        {"two words", {{"Authorization", "Bearer sk-secret sk-secret"}}, invalid},
        {"two in a list", {{"Authorization", "Bearer sk-secret, Bearer sk-secret"}}, invalid},
        {"scheme in a bare field", {{"x-api-key", "Bearer sk-secret"}}, invalid},
        {"space in a bare field", {{"api-key", "sk secret"}}, invalid},
        {"NUL", {{"Authorization", std::string("Bearer sk-\0secret", 17)}}, invalid},
        {"DEL", {{"api-key", "sk-secret\x7f"}}, invalid},
        {"not ASCII", {{"api-key", "sk-secret-\xc3\xa9"}}, invalid},
        {"line feed", {{"api-key", "sk-secret\nx: y"}}, invalid},
        {"too long", {{"Authorization", "Bearer " + too_long}}, invalid},
        {"too long, bare", {{"x-goog-api-key", too_long}}, invalid},
        {"two spellings", {{"api-key", "sk-secret"}, {"x-api-key", "sk-secret-2"}}, different},
        {"a field twice",
         {{"Authorization", "Bearer sk-secret"}, {"authorization", "Bearer sk-Secret"}},
         different},
        {"a prefix of the other",
         {{"api-key", "sk-secret"}, {"api-key", "sk-secret-2"}},
         different},
        {"the third differs",
         {{"api-key", "sk-secret"}, {"x-api-key", "sk-secret"}, {"x-goog-api-key", "sk-secrets"}},
         different},
        {"another scheme beside a key",
         {{"Authorization", "Basic sk-secret"}, {"api-key", "sk-secret"}},
         different},
        {"a key beside another scheme",
         {{"api-key", "sk-secret"}, {"Authorization", "sk-secret"}},
         different},
        {"another scheme twice",
         {{"Authorization", "Basic sk-secret"}, {"Authorization", "Basic sk-secret"}},
         invalid},
        {"only empty ones", {{"Authorization", "Bearer "}, {"api-key", ""}}, missing},
        {"too many lines", Fields(credential_lines_max + 1, {"api-key", "sk-secret"}), invalid},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto key = credential_of(present(row.fields));
        ASSERT_FALSE(key) << *key;
        EXPECT_EQ(key.error().kind, row.kind);
        EXPECT_EQ(key.error().detail.find("secret"), std::string::npos) << "no part of a key";
        EXPECT_EQ(key.error().subject.find("secret"), std::string::npos);
    }
}

TEST(Credentials, TakesOnlyTheFourFields) {
    PresentedCredentials presented;
    for (const char* name : {"Authorization", "api-key", "x-api-key", "x-goog-api-key"}) {
        EXPECT_TRUE(presented.take(name, "v")) << name;
    }
    for (const char* name : {"", "authorizatiom", "proxy-authorization", "api_key", "x-api-kei",
                             "x-goog-api-keys", "openai-api-key"}) {
        EXPECT_FALSE(presented.take(name, "v")) << name;
    }
    EXPECT_EQ(std::distance(presented.begin(), presented.end()), 4);
}

TEST(Credentials, DifferentKeysNameTheFieldsThatWereSeen) {
    struct Row {
        Fields fields;
        std::string named;
    };
    const Row rows[] = {
        {{{"api-key", "a"}, {"AUTHORIZATION", "Bearer b"}}, "Authorization and api-key"},
        {{{"Authorization", "Bearer a"}, {"authorization", "Bearer b"}}, "Authorization (2 times)"},
        {{{"x-api-key", "a"}, {"x-goog-api-key", "b"}, {"api-key", "a"}},
         "api-key, x-api-key and x-goog-api-key"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.named);
        const auto key = credential_of(present(row.fields));
        ASSERT_FALSE(key);
        EXPECT_EQ(key.error().subject, row.named);
    }
}

TEST(Credentials, WhatIsAcceptedIsAlwaysVisibleAsciiWithinTheBound) {
    const unsigned seed = 4242;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const std::string alphabet("Bearer bEARER\t a-~\x7f\x00\xff,", 22);
    int accepted = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string value = random() % 2 == 0 ? "Bearer " : "";
        for (auto size = random() % 12; size > 0; --size) {
            value += alphabet[random() % alphabet.size()];
        }
        PresentedCredentials presented;
        presented.take(random() % 2 == 0 ? "authorization" : "api-key", value);
        const auto key = credential_of(presented);
        if (!key) continue;
        ++accepted;
        ASSERT_TRUE(!key->empty() && key->size() <= key_bytes_max);
        for (const char c : *key) ASSERT_TRUE(c >= '!' && c <= '~');
        ASSERT_TRUE(value.ends_with(*key)) << "the whole rest of the value, nothing cut off";
    }
    EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace sluicegate::auth
