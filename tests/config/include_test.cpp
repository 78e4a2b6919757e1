#include "config/support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace sluicegate::config {
namespace {

std::vector<std::string> user_names(const LoadResult& result) {
    std::vector<std::string> names;
    if (!result.config) return names;
    for (const User& user : result.config->users) names.push_back(user.name);
    return names;
}

TEST(Include, AddsTheEntriesOfAFileAListAndAFolder) {
    const TempFolder folder;
    folder.write("one.yaml", "users: {one: {}}\n");
    folder.write("teams/b.yaml", "users: {b: {group: g}}\ngroups: {g: {}}\n");
    folder.write("teams/a.yaml", "users: {a: {}}\ninclude: deeper/c.yaml\n");
    folder.write("teams/deeper/c.yaml",
                 "users: {c: {}}\n"
                 "upstreams: {u: {kind: echo}}\n"
                 "models: {m: {route: [{upstream: u}, {upstream: echo}]}}\n");
    folder.write("teams/.hidden.yaml", "users: {hidden: {}}\n");
    folder.write("teams/notes.txt", "no YAML: [\n");
    const std::string file = folder.write("main.yaml", minimal() + "include: [one.yaml, teams]\n");

    const LoadResult result = load(file, environment_of({}));

    for (const Problem& problem : result.problems) ADD_FAILURE() << format(problem);
    EXPECT_EQ(user_names(result), (std::vector<std::string>{"alice", "one", "a", "c", "b"}));
    EXPECT_EQ(result.config->models.size(), 2U);
    EXPECT_EQ(result.config->models[1].route[0].upstream, 1U);
}

TEST(Include, ReadsFromAVariableAndAnEmptyFolder) {
    const TempFolder folder;
    std::filesystem::create_directory(folder.at("empty"));
    const std::string file = folder.write("main.yaml", minimal() + "include: ${WHERE}\n");
    EXPECT_TRUE(load(file, environment_of({{"WHERE", "empty"}})).config.has_value());
    EXPECT_TRUE(load(file, environment_of({{"WHERE", folder.at("empty")}})).config.has_value());
    EXPECT_FALSE(load(file, environment_of({{"WHERE", ""}})).config.has_value());
}

TEST(Include, ResolvesPathsAgainstTheFileThatHoldsThem) {
    const TempFolder folder;
    folder.write("parts/secret", "from-the-part\n");
    folder.write(
        "parts/upstream.yaml",
        "upstreams: {far: {kind: openai, base_url: 'http://a', api_key: 'file:secret'}}\n");
    const std::string file =
        folder.write("main.yaml", minimal() + "include: parts/upstream.yaml\n");
    const LoadResult result = load(file, environment_of({}));
    ASSERT_TRUE(result.config.has_value());
    EXPECT_EQ(result.config->upstreams[1].api_key->reveal(), "from-the-part");
}

TEST(Include, ReportsProblemsOfAllFilesInTheirOrder) {
    const TempFolder folder;
    folder.write("b.yaml", "users:\n  bob: {group: nobody}\n");
    folder.write("a.yaml", "users:\n  carl: {grup: x}\n");
    const std::string file =
        folder.write("main.yaml", minimal() + "log: {level: loud}\ninclude: [b.yaml, a.yaml]\n");
    const LoadResult result = load(file, environment_of({}));
    std::vector<std::string> lines;
    for (const Problem& problem : result.problems) lines.push_back(format(problem));
    EXPECT_EQ(lines,
              (std::vector<std::string>{
                  file + ":5: log.level: must be debug, info, warn or error, got loud",
                  folder.at("b.yaml") + ":2: users.bob.group: no such group, got nobody",
                  folder.at("a.yaml") + ":2: users.carl.grup: unknown key, did you mean group?",
              }));
}

TEST(Include, AllowsEightLevelsAndNotNine) {
    for (const int levels : {8, 9}) {
        const TempFolder folder;
        for (int i = 1; i < levels; ++i) {
            folder.write(std::to_string(i) + ".yaml",
                         "include: " + std::to_string(i + 1) + ".yaml\n");
        }
        folder.write(std::to_string(levels) + ".yaml", "users: {last: {}}\n");
        const std::string file = folder.write("main.yaml", minimal() + "include: 1.yaml\n");
        EXPECT_EQ(load(file, environment_of({})).config.has_value(), levels == 8);
    }
}

TEST(Include, CountsIntoTheHash) {
    const TempFolder folder;
    folder.write("one.yaml", "users: {one: {}}\n");
    const std::string file = folder.write("main.yaml", minimal() + "include: one.yaml\n");
    const LoadResult before = load(file, environment_of({}));
    folder.write("one.yaml", "users: {two: {}}\n");
    const LoadResult after = load(file, environment_of({}));
    ASSERT_TRUE(before.config && after.config);
    EXPECT_NE(before.config->sha256, after.config->sha256);
}

TEST(Include, SeesThroughLinksThatFormACycle) {
    const TempFolder folder;
    const std::string file = folder.write("main.yaml", minimal() + "include: link.yaml\n");
    std::filesystem::create_symlink(file, folder.at("link.yaml"));
    const LoadResult result = load(file, environment_of({}));
    ASSERT_EQ(result.problems.size(), 1U);
    EXPECT_TRUE(result.problems[0].message.starts_with("the file includes itself"));
}

}  // namespace
}  // namespace sluicegate::config
