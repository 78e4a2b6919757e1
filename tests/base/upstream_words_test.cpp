#include "sluicegate/base/upstream_words.hpp"

#include <gtest/gtest.h>

namespace sluicegate {
namespace {

Redaction secrets_of_an_upstream() {
    Redaction redaction;
    for (const char* secret : {"sk-upstream-1", "header-value", "short"}) redaction.add(secret);
    redaction.finish();
    return redaction;
}

const Redaction secrets = secrets_of_an_upstream();

TEST(UpstreamWords, HoldNoSecretThatTheUpstreamWasSent) {
    struct Row {
        const char* name;
        std::string_view said;
        std::string_view kept;
    };
    const Row rows[] = {
        {"nothing", "", ""},
        {"no secret", "bad temperature", "bad temperature"},
        {"a repeated head", "authorization: Bearer sk-upstream-1\r\nx: y",
         "authorization: Bearer ***\r\nx: y"},
        {"twice", "sk-upstream-1sk-upstream-1", "******"},
        {"a header's", "x-team: header-value", "x-team: ***"},
        {"a part of one", "sk-upstream-", "sk-upstream-"},
        {"too short to look for", "a short prompt", "a short prompt"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(UpstreamWords(row.said, secrets).text(), row.kept);
    }
}

TEST(UpstreamWords, AreCutBeforeACharacter) {
    const std::string long_text(UpstreamWords::bytes_max - 1, 'x');
    EXPECT_EQ(UpstreamWords(long_text + "y", {}).text(), long_text + "y");
    EXPECT_EQ(UpstreamWords(long_text + "yz", {}).text(), long_text + "y");
    EXPECT_EQ(UpstreamWords(long_text + "\xc3\xa9", {}).text(), long_text);
}

TEST(UpstreamWords, AreSearchedBeforeTheyAreCut) {
    const std::string filler(UpstreamWords::bytes_max - 4, 'x');
    EXPECT_EQ(UpstreamWords(filler + "sk-upstream-1", secrets).text(), filler + "***");
}

}  // namespace
}  // namespace sluicegate
