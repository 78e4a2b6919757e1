// GET /config on the admin port, and `check --against` with its URL.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace sluicegate::support {
namespace {

std::string url_of(const Gateway& gateway) {
    return "http://127.0.0.1:" + std::to_string(gateway.daemon().port("admin"));
}

TEST(ConfigPage, IsWhatConfigShowPrintsOfTheConfigurationInForce) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    Gateway gateway(config);
    const CommandResult shown = run_binary({"config", "show", gateway.daemon().config_file()});
    ASSERT_EQ(shown.status, 0) << shown.output;
    const Response page = gateway.admin("/config");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.field("content-type"), "application/yaml");
    EXPECT_EQ(page.body, shown.output);
    EXPECT_EQ(page.body.find(upstream_key), std::string::npos);
    EXPECT_NE(page.body.find("api_key: \"***\""), std::string::npos) << page.body;

    config.models += "  fresh: {route: [{upstream: up}]}\n";
    gateway.daemon().rewrite(config.text());
    EXPECT_EQ(gateway.admin("/config").body, page.body) << "the file is not in force yet";
    gateway.daemon().reload(config.text());
    EXPECT_NE(gateway.admin("/config").body.find("  fresh:\n"), std::string::npos);
}

TEST(ConfigPage, NeedsAKeyOfTheAdminPortWhereThereAreKeys) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.admin_lines = "  keys:\n" + key_line("ops", "an-admin-key-of-32-characters-000");
    const Gateway gateway(config);
    EXPECT_EQ(gateway.admin("/config").status, 401);
    const std::string file = gateway.daemon().config_file();
    const CommandResult refused = run_binary({"check", file, "--against", url_of(gateway)});
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.output.find("SLUICEGATE_ADMIN_KEY"), std::string::npos) << refused.output;
    ::setenv("SLUICEGATE_ADMIN_KEY", "an-admin-key-of-32-characters-000", 1);
    const CommandResult accepted = run_binary({"check", file, "--against", url_of(gateway)});
    ::unsetenv("SLUICEGATE_ADMIN_KEY");
    EXPECT_EQ(accepted.status, 0) << accepted.output;
    EXPECT_NE(accepted.output.find("a reload would change nothing"), std::string::npos)
        << accepted.output;
}

TEST(ConfigPage, IsComparedWithAFile) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    Gateway gateway(config);
    struct Row {
        const char* name;
        std::string text;
        int status;
        std::string line;
    };
    ConfigText more = config;
    more.models += "  fresh: {route: [{upstream: up}]}\n";
    ConfigText fewer = config;
    const std::string line = key_line("laptop", alice_key);
    fewer.users.replace(fewer.users.find(line), line.size(), "");
    ConfigText limited = config;
    limited.models += "  limited2: {limits: {rpm: 3}, route: [{upstream: up}]}\n";
    ConfigText slower = config;
    slower.timeouts = "{header: 21s, body: 20s, idle: 75s, drain: 1s}";
    ConfigText threads = config;
    threads.threads = "3";
    const Row rows[] = {
        {"nothing", config.text(), 0, "a reload would change nothing\n"},
        {"a model", more.text(), 0, "  models.fresh added\n"},
        {"a key", fewer.text(), 0, "  users.alice.keys.laptop removed\n"},
        {"a value", slower.text(), 0, "  server.timeouts.header 20s -> 21s\n"},
        {"a restart", threads.text(), 3, "server.threads: needs a restart\n"},
        {"a mistake", config.text() + "wrong: 1\n", 3, "wrong: unknown key"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        gateway.daemon().rewrite(row.text);
        const CommandResult result =
            run_binary({"check", gateway.daemon().config_file(), "--against", url_of(gateway)});
        EXPECT_EQ(result.status, row.status) << result.output;
        EXPECT_NE(result.output.find(row.line), std::string::npos) << result.output;
    }
    gateway.daemon().rewrite(config.text());
    for (const char* const url : {"http://127.0.0.1", "https://127.0.0.1:x", "http://:1"}) {
        const CommandResult result =
            run_binary({"check", gateway.daemon().config_file(), "--against", url});
        EXPECT_EQ(result.status, 2) << result.output;
    }
}

}  // namespace
}  // namespace sluicegate::support
