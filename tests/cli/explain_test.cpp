#include "support/daemon.hpp"
#include "support/paths.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::support {
namespace {

/// The block of docs/operations.md that begins with ```LANGUAGE example=NAME.
std::string documented(const std::string& name) {
    std::ifstream file(support::source_folder() / "docs/operations.md");
    const std::string page{std::istreambuf_iterator<char>(file), {}};
    const std::string mark = " example=" + name + '\n';
    const std::size_t at = page.find(mark);
    EXPECT_NE(at, std::string::npos) << name;
    if (at == std::string::npos) return "";
    const std::size_t begin = at + mark.size();
    return page.substr(begin, page.find("```", begin) - begin);
}

/// The documented file, and the output of `explain` for it.
class Explain : public testing::Test {
protected:
    [[nodiscard]] CommandResult explain(const std::vector<std::string>& arguments) const {
        std::vector<std::string> all{"explain", "--config", file_};
        all.insert(all.end(), arguments.begin(), arguments.end());
        CommandResult result = run_binary(all);
        // Without the folder in the paths.
        const std::string folder = folder_.path().string() + '/';
        for (std::size_t at = 0; (at = result.output.find(folder)) != std::string::npos;) {
            result.output.erase(at, folder.size());
        }
        return result;
    }
    void rewrite(std::string_view text) const { folder_.write("sluicegate.yaml", text); }

private:
    TemporaryFolder folder_;
    std::string file_ = folder_.write("sluicegate.yaml", documented("explain-file"));
};

TEST_F(Explain, PrintsWhatTheDocumentationShows) {
    const CommandResult result = explain({"--user", "alice", "--model", "gpt-4o"});
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.output, documented("explain-output"));
}

TEST_F(Explain, PrintsOneObjectForPrograms) {
    const CommandResult result = explain({"--user", "alice", "--model", "gpt-4o", "--json"});
    EXPECT_EQ(result.status, 0);
    const auto entry = [](int value, bool dry_run, const char* origin, int line) {
        return nlohmann::json{{"value", value},
                              {"dry_run", dry_run},
                              {"origin", origin},
                              {"file", "sluicegate.yaml"},
                              {"line", line}};
    };
    const nlohmann::json expected{
        {"user", "alice"},
        {"group", "research"},
        {"model", "gpt-4o"},
        {"window_ms", 60000},
        {"limits",
         {{"rpm", entry(1200, false, "user alice, gpt-4o", 18)},
          {"tpm", entry(2000000, true, "group research, gpt-4o", 12)},
          {"rpd", entry(50000, false, "group research, \"*\"", 13)},
          {"tpd", nullptr},
          {"concurrency", entry(8, false, "model gpt-4o", 7)}}},
        {"dry_run",
         {{"limits", {"tpm"}},
          {"origin", "group research, gpt-4o"},
          {"file", "sluicegate.yaml"},
          {"line", 12}}},
    };
    EXPECT_EQ(nlohmann::json::parse(result.output, nullptr, false), expected) << result.output;
}

TEST_F(Explain, SaysUnlimitedWhereNothingIsSet) {
    rewrite(
        "server: {listen: [{address: '127.0.0.1:8080'}]}\n"
        "limiter: {window: 2s}\n"
        "upstreams: {echo: {kind: echo}}\n"
        "models: {m: {route: [{upstream: echo}]}}\n"
        "users: {bob: {limits: {m: {rpm: 0}}}}\n");
    EXPECT_EQ(explain({"--user", "bob", "--model", "m"}).output,
              "bob of group default on m\n"
              "  rpm          0           forbidden  user bob, m (sluicegate.yaml:5)\n"
              "  tpm          unlimited\n"
              "  rpd          unlimited\n"
              "  tpd          unlimited\n"
              "  concurrency  unlimited\n");
    const auto json = nlohmann::json::parse(
        explain({"--user", "bob", "--model", "m", "--json"}).output, nullptr, false);
    ASSERT_TRUE(json.is_object());
    EXPECT_EQ(json.at("window_ms"), 2000);
    EXPECT_EQ(json.at("limits").at("rpm").at("value"), 0);
    EXPECT_TRUE(json.at("limits").at("tpd").is_null());
    EXPECT_TRUE(json.at("dry_run").is_null());
}

TEST_F(Explain, NamesTheNearestWhereAUserOrModelIsUnknown) {
    struct Row {
        std::string name, user, model, output;
    };
    const Row rows[] = {
        {"user", "alcie", "gpt-4o",
         "sluicegate.yaml: no such user, got alcie, did you mean alice?\n"},
        {"model", "alice", "gpt4o",
         "sluicegate.yaml: no such model, got gpt4o, did you mean gpt-4o?\n"},
        {"both, none near", "x", "y",
         "sluicegate.yaml: no such user, got x\nsluicegate.yaml: no such model, got y\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const CommandResult result = explain({"--user", row.user, "--model", row.model});
        EXPECT_EQ(result.status, 2);
        EXPECT_EQ(result.output, row.output);
    }
}

TEST_F(Explain, SaysWhyAModelIsOff) {
    rewrite(
        "server: {listen: [{address: '127.0.0.1:8080'}]}\n"
        "upstreams:\n"
        "  echo: {kind: echo}\n"
        "  far: {kind: openai, base_url: 'http://a', when_env: SLUICEGATE_TEST_UNSET}\n"
        "models:\n"
        "  m: {route: [{upstream: echo}]}\n"
        "  far: {route: [{upstream: far}]}\n"
        "users: {bob: {}}\n");
    const CommandResult result = explain({"--user", "bob", "--model", "far"});
    EXPECT_EQ(result.status, 2);
    EXPECT_EQ(result.output,
              "sluicegate.yaml: model far is off: SLUICEGATE_TEST_UNSET is not set\n");
}

TEST_F(Explain, RefusesAFileWithMistakesAsCheckDoes) {
    rewrite("server: {}\n");
    const CommandResult result = explain({"--user", "alice", "--model", "gpt-4o"});
    EXPECT_EQ(result.status, 3);
    EXPECT_NE(result.output.find("sluicegate.yaml:1: server: needs listen"), std::string::npos)
        << result.output;
}

TEST_F(Explain, NeedsAUserAndAModel) {
    EXPECT_EQ(explain({"--user", "alice"}).status, 2);
    EXPECT_EQ(explain({"--model", "gpt-4o"}).status, 2);
}

}  // namespace
}  // namespace sluicegate::support
