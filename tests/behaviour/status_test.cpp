// /status on the admin port: the limits in force, where they come from and what is left of them.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

namespace sluicegate::support {
namespace {

class Status : public testing::Test {
protected:
    static ConfigText config() {
        ConfigText text("http://127.0.0.1:1/v1");
        text.upstreams = "  echo: {kind: echo}\n";
        text.models =
            "  m: {limits: {rpm: 10, tpm: 5000, concurrency: 4}, route: [{upstream: echo}]}\n"
            "  n: {route: [{upstream: echo}]}\n";
        text.groups = "  research: {limits: {m: {rpd: 500, dry_run: [tpm]}}}\n";
        text.users = "  alice:\n    group: research\n    limits: {m: {rpm: 20}}\n    keys:\n" +
                     key_line("laptop", alice_key) + "  bob:\n    keys:\n" +
                     key_line("desk", bob_key);
        return text;
    }
    static nlohmann::json page(const Gateway& gateway, const std::string& query) {
        const Response response = gateway.admin("/status" + query);
        EXPECT_EQ(response.status, 200) << response.body;
        return nlohmann::json::parse(response.body, nullptr, false);
    }
};

TEST_F(Status, ShowsWhatIsUsedAndWhereEachLimitComesFrom) {
    const Gateway gateway(config());
    expect_success(gateway.chat(alice_key, "m"));
    expect_success(gateway.chat(alice_key, "m"));
    // An answer may arrive before it is settled.
    ASSERT_TRUE(eventually([&] {
        const auto limits = page(gateway, "?user=alice&model=m")["limits"][0]["limits"];
        return limits["concurrency"]["used"] == 0;
    }));
    const nlohmann::json status = page(gateway, "?user=alice&model=m");
    ASSERT_EQ(status["limits"].size(), 1U) << status;
    const nlohmann::json& pair = status["limits"][0];
    EXPECT_EQ(pair["user"], "alice");
    EXPECT_EQ(pair["group"], "research");
    EXPECT_EQ(pair["model"], "m");
    const nlohmann::json& limits = pair["limits"];
    EXPECT_EQ(limits["rpm"]["limit"], 20);
    EXPECT_EQ(limits["rpm"]["used"], 2);
    EXPECT_EQ(limits["rpm"]["remaining"], 18);
    EXPECT_GT(limits["rpm"]["reset_ms"], 0);
    EXPECT_LE(limits["rpm"]["reset_ms"], 60'000);
    EXPECT_EQ(limits["rpm"]["origin"], "user alice, m");
    EXPECT_EQ(limits["rpd"]["origin"], "group research, m");
    EXPECT_EQ(limits["rpd"]["used"], 2);
    EXPECT_EQ(limits["tpm"]["origin"], "model m");
    EXPECT_EQ(limits["tpm"]["dry_run"], true);
    EXPECT_GT(limits["tpm"]["used"], 0);
    EXPECT_EQ(limits["rpm"]["dry_run"], false);
    EXPECT_TRUE(limits["tpd"].is_null());
    EXPECT_EQ(limits["concurrency"]["limit"], 4);
}

TEST_F(Status, ListsThePairsInUseAndEachOfAUserThatIsAskedFor) {
    const Gateway gateway(config());
    EXPECT_EQ(page(gateway, "")["limits"].size(), 0U);
    expect_success(gateway.chat(alice_key, "m"));
    const nlohmann::json status = page(gateway, "");
    ASSERT_EQ(status["limits"].size(), 1U);
    EXPECT_EQ(status["limits"][0]["user"], "alice");
    EXPECT_EQ(status["limits_truncated"], false);
    EXPECT_EQ(page(gateway, "?user=bob")["limits"].size(), 2U);
    EXPECT_EQ(page(gateway, "?user=bob&model=n")["limits"].size(), 1U);
    EXPECT_EQ(gateway.admin("/status?user=unknown").status, 404);
    EXPECT_EQ(gateway.admin("/status?model=nothing").status, 404);
}

TEST_F(Status, TellsOfTheConfigurationAndItsReloads) {
    ConfigText text = config();
    Gateway gateway(text);
    const nlohmann::json before = page(gateway, "");
    EXPECT_FALSE(before["version"].get<std::string>().empty());
    EXPECT_EQ(before["draining"], false);
    EXPECT_TRUE(before["config"]["last_reload"].is_null());
    ASSERT_EQ(before["upstreams"].size(), 1U);
    EXPECT_EQ(before["upstreams"][0]["name"], "echo");

    text.models = "  m: {limits: {rpm: nonsense}, route: [{upstream: echo}]}\n";
    gateway.daemon().rewrite(text.text());
    gateway.daemon().signal(SIGHUP);
    ASSERT_TRUE(eventually([&] { return !page(gateway, "")["config"]["last_reload"].is_null(); }));
    nlohmann::json after = page(gateway, "");
    EXPECT_EQ(after["config"]["last_reload"]["outcome"], "failure");
    EXPECT_EQ(after["config"]["sha256"], before["config"]["sha256"]);
}

TEST_F(Status, NamesNobodyWhereThatIsNotWanted) {
    ConfigText text = config();
    text.admin_lines = "  show_users: false\n  user_metrics: true\n";
    const Gateway gateway(text);
    expect_success(gateway.chat(alice_key, "m"));
    const Response all = gateway.admin("/status");
    EXPECT_EQ(all.status, 200);
    EXPECT_EQ(all.body.find("alice"), std::string::npos);
    EXPECT_EQ(gateway.admin("/status?user=alice").status, 403);
    EXPECT_EQ(gateway.admin("/metrics").body.find("alice"), std::string::npos);
}

}  // namespace
}  // namespace sluicegate::support
