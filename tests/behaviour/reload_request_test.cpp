// POST /reload on the admin port: the answer says what changed, or every mistake, or that another
// reload is under way.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"
#include "support/stopped_thread.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <sstream>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

Response ask_to_reload(const Gateway& gateway, const std::string& fields = {},
                       const std::string& body = {}) {
    TestClient client(gateway.daemon().port("admin"));
    client.send("POST /reload HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n" + body);
    return client.read_response();
}

std::vector<std::string> lines_of(const Response& response, const std::string& name) {
    const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
    if (!body.is_object() || !body.contains(name)) return {"not there: " + response.body};
    return body.at(name).get<std::vector<std::string>>();
}

TEST(ReloadRequest, IsAnsweredWithTheChangesThatAreInForce) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    const Gateway gateway(config);
    config.models += "  fresh: {route: [{upstream: up}]}\n";
    struct Row {
        const char* name;
        std::string fields;
        std::string body;
        std::vector<std::string> changes;
    };
    const Row rows[] = {
        {"without a body", "", "", {"models.fresh added"}},
        {"with a length of 0", "Content-Length: 0\r\n", "", {}},
        {"with a body", "Content-Length: 2\r\n", "{}", {}},
        {"in chunks", "Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n", {}},
    };
    gateway.daemon().rewrite(config.text());
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Response response = ask_to_reload(gateway, row.fields, row.body);
        EXPECT_EQ(response.status, 200) << response.body;
        EXPECT_EQ(response.field("content-type"), "application/json");
        EXPECT_EQ(lines_of(response, "changes"), row.changes);
        EXPECT_EQ(gateway.chat(alice_key, "fresh").status, 200) << "it is in force already";
    }
    EXPECT_EQ(metric(gateway, "sluicegate_config_reloads_total", {"success"}), 4);
}

TEST(ReloadRequest, ARefusedFileIsAnsweredAsCheckPrintsIt) {
    const FakeUpstream upstream;
    const ConfigText config(upstream.base_url());
    const Gateway gateway(config);
    EXPECT_EQ(metric(gateway, "sluicegate_config_last_reload_successful"), 1) << "by the start";
    ConfigText unknown = config;
    unknown.models += "  extra: {limits: {rmp: 5}, route: [{upstream: nowhere}]}\n";
    for (const std::string& text : {unknown.text(), std::string("users: ["), std::string()}) {
        SCOPED_TRACE(text);
        gateway.daemon().rewrite(text);
        const Response response = ask_to_reload(gateway);
        EXPECT_EQ(response.status, 422) << response.body;
        std::vector<std::string> checked;
        const CommandResult check = run_binary({"check", gateway.daemon().config_file()});
        std::istringstream output(check.output);
        for (std::string line; std::getline(output, line);) checked.push_back(line);
        ASSERT_FALSE(checked.empty());
        checked.pop_back();  // how many there are
        EXPECT_EQ(lines_of(response, "problems"), checked);
        EXPECT_EQ(metric(gateway, "sluicegate_config_last_reload_successful"), 0);
        EXPECT_EQ(gateway.chat(alice_key, "m").status, 200);
    }
    gateway.daemon().rewrite(config.text());
    EXPECT_EQ(ask_to_reload(gateway).status, 200);
    EXPECT_EQ(metric(gateway, "sluicegate_config_last_reload_successful"), 1);
}

TEST(ReloadRequest, WhatNeedsARestartIsAProblemWithItsFileAndPath) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    const Gateway gateway(config);
    config.threads = "3";
    config.window = "30s";
    gateway.daemon().rewrite(config.text());
    const Response response = ask_to_reload(gateway);
    EXPECT_EQ(response.status, 422);
    const std::string file = gateway.daemon().config_file();
    EXPECT_EQ(lines_of(response, "problems"),
              (std::vector<std::string>{
                  file + ": server.threads: can only change with a restart: 2 is running, the "
                         "file says 3",
                  file + ": limiter.window: can only change with a restart: 1m is running, the "
                         "file says 30s"}));
}

TEST(ReloadRequest, WhileAnotherRunsIsAnsweredWith409) {
    const FakeUpstream upstream;
    const ConfigText config(upstream.base_url());
    Gateway gateway(config);
    TestClient first(gateway.daemon().port("admin"));
    {
        const StoppedThread stopped(gateway.daemon().pid(), "worker 1");
        ASSERT_TRUE(stopped.is_stopped());
        first.send("POST /reload HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Response second;
        const Deadline deadline;
        // The first may still be on its way to the daemon.
        while (second.status != 409 && !deadline.has_passed()) second = ask_to_reload(gateway);
        EXPECT_EQ(second.status, 409) << second.body;
        EXPECT_EQ(lines_of(second, "problems").size(), 1U);
        gateway.daemon().signal(SIGHUP);
    }
    EXPECT_EQ(first.read_response().status, 200);
    EXPECT_TRUE(eventually([&] {
        return metric(gateway, "sluicegate_config_reloads_total", {"success"}) == 2;
    })) << "a signal is not lost meanwhile";
}

TEST(ReloadRequest, NeedsPostAndTheAccessOfEveryOtherPage) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.admin_lines =
        "  keys:\n    " + key_line("ops", "sk-admin-key-0000000000000000").substr(4);
    const Gateway gateway(config);
    struct Row {
        const char* name;
        std::string fields;
        int status;
    };
    const std::string key = "Authorization: Bearer sk-admin-key-0000000000000000\r\n";
    const Row rows[] = {
        {"no key", "", 401},
        {"a wrong key", "Authorization: Bearer sk-other\r\n", 401},
        {"a page of another site", key + "Origin: https://evil.example\r\n", 403},
        {"the key", key, 200},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(ask_to_reload(gateway, row.fields).status, row.status);
    }
    TestClient client(gateway.daemon().port("admin"));
    client.send("GET /reload HTTP/1.1\r\nHost: localhost\r\n" + key + "\r\n");
    const Response wrong = client.read_response("GET");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.field("allow"), "POST");
    EXPECT_EQ(metric(gateway, "sluicegate_config_reloads_total", {"success"}), 0);
}

}  // namespace
}  // namespace sluicegate::support
