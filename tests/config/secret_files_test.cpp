// A warning tells of a file with a secret in its text that others may read or write.
#include "config/support.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {
namespace {

using std::filesystem::perms;

/// The warnings of a configuration whose second file has that mode and an upstream with `lines`.
std::vector<std::string> warnings_of(const TempFolder& folder, std::string_view lines,
                                     unsigned mode) {
    std::filesystem::permissions(folder.write("secret", "from-a-file\n"), perms{0666});
    const std::string included =
        folder.write("upstream.yaml", "upstreams:\n  far: {kind: openai, base_url: 'http://a', " +
                                          std::string(lines) + "}\n");
    std::filesystem::permissions(included, perms{mode});
    const LoadResult result =
        load(folder.write("main.yaml", minimal() + "include: upstream.yaml\n"),
             environment_of({{"KEY", "from-a-variable"}, {"PROXY", "http://u:p@a:1"}}));
    for (const Problem& problem : result.problems) ADD_FAILURE() << format(problem);
    std::vector<std::string> warnings;
    if (!result.config) return warnings;
    for (const std::string& warning : result.config->warnings) {
        if (warning.find(" holds a secret, and ") != std::string::npos) warnings.push_back(warning);
    }
    return warnings;
}

TEST(SecretFiles, AreWarnedOfByTheirMode) {
    const TempFolder folder;
    struct Row {
        unsigned mode;
        std::string_view reason;
    };
    for (const Row& row :
         {Row{0600, ""}, Row{0400, ""}, Row{0640, ""}, Row{0644, "every user may read it"},
          Row{0604, "every user may read it"}, Row{0666, "every user may write to it"},
          Row{0602, "every user may write to it"}, Row{0660, "its group may write to it"}}) {
        SCOPED_TRACE(row.mode);
        const auto warnings = warnings_of(folder, "api_key: written-here", row.mode);
        if (row.reason.empty()) {
            EXPECT_TRUE(warnings.empty());
            continue;
        }
        ASSERT_EQ(warnings.size(), 1U);
        EXPECT_EQ(warnings[0], folder.at("upstream.yaml") + " holds a secret, and " +
                                   std::string(row.reason) +
                                   ": chmod 600, or write ${NAME} or file:PATH for the secret");
    }
}

TEST(SecretFiles, AreThoseWithASecretInTheirText) {
    const TempFolder folder;
    for (const std::string_view lines :
         {"api_key: written-here", "headers: {Authorization: Bearer written-here}",
          "headers: {x-team-token: written-here}", "headers: {cookie: a=b}",
          "proxy: 'http://user:password@a:1'"}) {
        EXPECT_EQ(warnings_of(folder, lines, 0666).size(), 1U) << lines;
    }
    for (const std::string_view lines :
         {"api_key: '${KEY}'", "api_key: file:secret", "headers: {authorization: 'Bearer ${KEY}'}",
          "headers: {http-referer: 'https://example.org'}", "headers: {cookie: file:secret}",
          "proxy: '${PROXY}'", "proxy: 'http://a:1'"}) {
        EXPECT_TRUE(warnings_of(folder, lines, 0666).empty()) << lines;
    }
}

}  // namespace
}  // namespace sluicegate::config
