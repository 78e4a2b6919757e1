// The commands beside `serve`, and the configurations that `serve` refuses.
#include "behaviour/harness.hpp"
#include "support/key_hash.hpp"
#include "support/paths.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

TEST(CommandLine, CheckAcceptsAGoodFile) {
    const TemporaryFolder folder;
    const std::string file = folder.write("sluicegate.yaml", ConfigText("http://a.test/v1").text());
    const CommandResult result = run_binary({"check", file});
    EXPECT_EQ(result.status, 0) << result.output;
}

TEST(CommandLine, CheckRefusesAUrlWithThePathOfAnEndpoint) {
    for (const std::string end :
         {"/v1/chat/completions", "/v1/embeddings/", "/openai/v1/responses", "/v1/models"}) {
        SCOPED_TRACE(end);
        const TemporaryFolder folder;
        const std::string file =
            folder.write("whole.yaml", ConfigText("https://a.test" + end).text());
        const CommandResult result = run_binary({"check", file});
        EXPECT_EQ(result.status, 3) << result.output;
        EXPECT_NE(result.output.find("upstreams.up.base_url: must end before /"), std::string::npos)
            << result.output;
    }
    const TemporaryFolder folder;
    for (const std::string end : {"", "/v1", "/models-of-ours/v1", "/v1/completions/v1"}) {
        const std::string file =
            folder.write("good.yaml", ConfigText("https://a.test" + end).text());
        EXPECT_EQ(run_binary({"check", file}).output.find("must end before"), std::string::npos)
            << end;
    }
}

TEST(CommandLine, CheckNamesEveryProblemWithItsLine) {
    const TemporaryFolder folder;
    ConfigText config("http://a.test/v1");
    config.models += "  one: {limits: {rmp: 5}, route: [{upstream: up}]}\n";
    config.models += "  two: {route: [{upstream: nowhere}]}\n";
    const std::string file = folder.write("sluicegate.yaml", config.text());
    const CommandResult result = run_binary({"check", file});
    EXPECT_NE(result.status, 0);
    EXPECT_NE(result.output.find("sluicegate.yaml:"), std::string::npos) << result.output;
    EXPECT_NE(result.output.find("rpm"), std::string::npos) << "the nearest known key";
    EXPECT_NE(result.output.find("nowhere"), std::string::npos) << result.output;
}

TEST(CommandLine, ServeRefusesWhatCheckRefuses) {
    struct Row {
        std::string name, text;
    };
    ConfigText without_users("http://a.test/v1");
    without_users.users = "  {}\n";
    ConfigText unknown_key("http://a.test/v1");
    unknown_key.groups += "  x: {limitz: {}}\n";
    ConfigText unset("http://a.test/v1");
    unset.upstreams =
        "  up: {kind: openai, base_url: \"http://a.test/v1\", api_key: "
        "\"${SLUICEGATE_TEST_UNSET}\"}\n";
    const std::vector<Row> rows{{"no users", without_users.text()},
                                {"unknown key", unknown_key.text()},
                                {"unset secret", unset.text()},
                                {"not YAML", "users: ["},
                                {"empty", ""}};
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const TemporaryFolder folder;
        const std::string file = folder.write("sluicegate.yaml", row.text);
        for (const std::vector<std::string>& arguments :
             {std::vector<std::string>{"check", file},
              std::vector<std::string>{"serve", "--config", file}}) {
            const CommandResult result = run_binary(arguments);
            EXPECT_NE(result.status, 0) << result.output;
            EXPECT_LT(result.status, 126) << "an exit, not a crash";
            EXPECT_NE(result.output.find("sluicegate.yaml"), std::string::npos) << result.output;
        }
    }
}

TEST(CommandLine, SecretsComeFromTheEnvironmentAndFromFiles) {
    FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    for (const std::string secret : {"${UPSTREAM_SECRET}", "file:secret.txt"}) {
        SCOPED_TRACE(secret);
        config.upstreams = "  up: {kind: openai, base_url: \"" + upstream.base_url() +
                           "\", api_key: \"" + secret + "\"}\n";
        DaemonOptions options;
        options.environment = {{"UPSTREAM_SECRET", std::string(upstream_key)}};
        options.files = {{"secret.txt", std::string(upstream_key) + "\n"}};
        const Gateway gateway(config, options);
        expect_success(gateway.chat(alice_key, "m"));
        EXPECT_EQ(upstream.requests().back().head.value("authorization"),
                  "Bearer " + std::string(upstream_key));
    }
}

/// The words of a help text that begin with "--".
std::set<std::string> flags_in(const std::string& help) {
    std::set<std::string> flags;
    const std::regex flag("--([a-z-]+)");
    for (std::sregex_iterator at(help.begin(), help.end(), flag), end; at != end; ++at) {
        flags.insert((*at)[1].str());
    }
    return flags;
}

TEST(CommandLine, CompletionsAndManualHaveEveryCommandAndFlag) {
    const std::vector<std::vector<std::string>> commands{
        {"serve"},      {"check"},       {"explain"},     {"config", "show"},
        {"key", "new"}, {"key", "list"}, {"key", "hash"}, {"healthcheck"},
        {"completion"}, {"man"},         {"version"}};
    for (const std::vector<std::string>& made : {std::vector<std::string>{"completion", "bash"},
                                                 {"completion", "zsh"},
                                                 {"completion", "fish"},
                                                 {"man"}}) {
        SCOPED_TRACE(made.back());
        const CommandResult result = run_binary(made);
        ASSERT_EQ(result.status, 0) << result.output;
        const bool is_manual = made.back() == "man";
        const std::string text = std::regex_replace(result.output, std::regex(R"(\\-)"), "-");
        for (std::vector<std::string> command : commands) {
            for (const std::string& word : command) {
                EXPECT_NE(text.find(word), std::string::npos) << word;
            }
            command.emplace_back("--help");
            for (const std::string& flag : flags_in(run_binary(command).output)) {
                const std::string shown = (made.back() == "fish" ? "-l " : "--") + flag;
                EXPECT_NE(text.find(shown), std::string::npos) << shown;
            }
        }
        EXPECT_EQ(text.find(".SH COMMANDS") != std::string::npos, is_manual);
    }
    EXPECT_EQ(run_binary({"completion", "tcsh"}).status, 2);
}

TEST(CommandLine, BashCompletesCommandsAndTheirFlags) {
    const TemporaryFolder folder;
    const std::string script =
        folder.write("sluicegate", run_binary({"completion", "bash"}).output);
    struct Row {
        std::string typed, offered;
    };
    const std::vector<Row> rows{{"he", "healthcheck"},
                                {"key n", "new"},
                                {"key new --app", "--append-to"},
                                {"explain --user --mo", ""},
                                {"explain --json --mo", "--model"},
                                {"check --stri", "--strict"},
                                {"check some", ""}};
    for (const Row& row : rows) {
        SCOPED_TRACE(row.typed);
        const std::string command = "bash -c 'set -eu; source \"" + script +
                                    "\"; COMP_WORDS=(sluicegate " + row.typed +
                                    "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _sluicegate; test "
                                    "\"${COMPREPLY[*]-}\" = \"" +
                                    row.offered + "\"'";
        EXPECT_EQ(std::system(command.c_str()), 0);
    }
}

TEST(CommandLine, KeyHashReadsStandardInput) {
    const std::string key = "sk-some-key-of-20-ch";
    for (const std::string& line : {key + "\n", key + "\r\n", key}) {
        const CommandResult result = run_binary({"key", "hash"}, line);
        EXPECT_EQ(result.status, 0);
        EXPECT_NE(result.output.find(sha256_hex(key)), std::string::npos) << result.output;
    }
}

TEST(CommandLine, KeyHashRefusesAKeyThatCanBeGuessed) {
    for (const std::string key : {"?", "nineteen-characters"}) {
        const CommandResult result = run_binary({"key", "hash"}, key + "\n");
        EXPECT_EQ(result.status, 1);
        EXPECT_NE(result.output.find("fewer than 20"), std::string::npos) << result.output;
        EXPECT_EQ(result.output.find(sha256_hex(key)), std::string::npos) << result.output;
        EXPECT_EQ(result.output.find(key), std::string::npos) << result.output;
    }
}

TEST(CommandLine, KeyNewPrintsAKeyOnceAndTheLineForTheFile) {
    const CommandResult first = run_binary({"key", "new", "--user", "alice", "--id", "laptop"});
    const CommandResult second = run_binary({"key", "new", "--user", "alice"});
    EXPECT_EQ(first.status, 0) << first.output;
    EXPECT_EQ(second.status, 0) << second.output;
    const std::size_t at = first.output.find("sk-sg-");
    ASSERT_NE(at, std::string::npos) << first.output;
    const std::string key = first.output.substr(at, first.output.find_first_of(" \n\"", at) - at);
    EXPECT_GE(key.size(), 40U);
    EXPECT_NE(first.output.find(sha256_hex(key)), std::string::npos) << first.output;
    EXPECT_EQ(second.output.find(key), std::string::npos);
}

TEST(CommandLine, KeyNewAddsAKeyThatKeyListShowsAndTheDaemonTakes) {
    const FakeUpstream upstream;
    Gateway gateway{ConfigText(upstream.base_url())};
    const std::string file = gateway.daemon().config_file();
    const std::vector<std::string> command{"key",         "new",        "--user",   "alice",
                                           "--id",        "new-laptop", "--models", "m,other",
                                           "--append-to", file};
    const CommandResult added = run_binary(command);
    ASSERT_EQ(added.status, 0) << added.output;
    const std::size_t at = added.output.find("sk-sg-");
    ASSERT_NE(at, std::string::npos) << added.output;
    const std::string key = added.output.substr(at, added.output.find('\n', at) - at);

    const CommandResult listed = run_binary({"key", "list", file});
    EXPECT_EQ(listed.status, 0);
    EXPECT_TRUE(
        std::regex_search(listed.output, std::regex("alice +new-laptop +never +m,other +in use\n")))
        << listed.output;
    EXPECT_EQ(listed.output.find(sha256_hex(key)), std::string::npos);
    EXPECT_EQ(listed.output.find(sha256_hex(alice_key)), std::string::npos);

    EXPECT_EQ(gateway.chat(key, "m").status, 401);
    const std::size_t from = gateway.daemon().log_size();
    gateway.daemon().signal(SIGHUP);
    ASSERT_TRUE(gateway.daemon().wait_for_event("reloaded", from));
    EXPECT_EQ(gateway.chat(key, "m").status, 200);
    EXPECT_EQ(gateway.chat(key, "limited").status, 404);
    EXPECT_EQ(gateway.chat(alice_key, "m").status, 200) << "two live keys of one user";

    const Response mistyped = gateway.chat(key.substr(0, key.size() - 1), "m");
    expect_error(mistyped, {.status = 401, .code = "invalid_api_key"});
    EXPECT_NE(mistyped.body.find("looks mistyped"), std::string::npos) << mistyped.body;
    EXPECT_EQ(gateway.chat("sk-sg-of-a-stranger-00000000", "m").body.find("mistyped"),
              std::string::npos);

    const CommandResult again = run_binary(command);
    EXPECT_EQ(again.status, 1);
    EXPECT_NE(again.output.find("no key was made"), std::string::npos) << again.output;
    EXPECT_EQ(again.output.find("sk-sg-"), std::string::npos) << again.output;
    const CommandResult wrong = run_binary({"key", "new", "--user", "al ice"});
    EXPECT_EQ(wrong.status, 2);
    EXPECT_EQ(wrong.output.find("sk-sg-"), std::string::npos) << wrong.output;
}

TEST(CommandLine, CheckWarnsOfAKeyThatExpiresSoon) {
    const TemporaryFolder folder;
    const std::string file = folder.file("date");
    ASSERT_EQ(std::system(("date -u -d '+5 days' +%F > '" + file + "'").c_str()), 0);
    std::string date;
    std::ifstream(file) >> date;
    ConfigText config("http://a.test/v1");
    config.users +=
        "  soon:\n    keys:\n" + key_line("k", "sk-soon-key-of-20-characters", "expires: " + date);
    const CommandResult result =
        run_binary({"check", folder.write("sluicegate.yaml", config.text())});
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_NE(result.output.find("users.soon.keys[0].expires: the key expires in 5 days"),
              std::string::npos)
        << result.output;
}

TEST(CommandLine, CheckWarnsOfTooFewDescriptors) {
    const TemporaryFolder folder;
    ConfigText config("http://a.test/v1");
    config.server_lines = "  max_connections: 5000\n";
    const std::string file = folder.write("sluicegate.yaml", config.text());
    DaemonOptions options;
    const std::string log = folder.file("out");
    const std::string command = "ulimit -n 1000; '" + built_binary().string() + "' check '" + file +
                                "' > '" + log + "' 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::ifstream in(log);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    EXPECT_NE(text.find("5000 connections need more descriptors than the 1000 of this process"),
              std::string::npos)
        << text;
}

TEST(CommandLine, VersionIsPrinted) {
    const CommandResult result = run_binary({"version"});
    EXPECT_EQ(result.status, 0);
    EXPECT_NE(result.output.find("0.1.0"), std::string::npos) << result.output;
}

TEST(CommandLine, AnUnknownCommandIsAnError) {
    EXPECT_NE(run_binary({"nonsense"}).status, 0);
    EXPECT_NE(run_binary({"serve"}).status, 0);
}

}  // namespace
}  // namespace sluicegate::support
