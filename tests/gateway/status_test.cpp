// What an operator is told: the limits in force for a user and a model, where each comes from, and
// what of it is used; over the admin port, and offline by `explain`.
#include "gateway/harness.hpp"
#include "gateway/token_requests.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class Status : public testing::Test {
protected:
    static ConfigText config(const FakeUpstream& upstream) {
        ConfigText text(upstream.base_url());
        text.models += "  x: {limits: {rpm: 9, tpm: 1000, rpd: 90}, route: [{upstream: up}]}\n";
        text.groups =
            "  default: {}\n"
            "  research: {limits: {x: {rpm: 7, dry_run: [rpd]}, \"*\": {concurrency: 4}}}\n";
        return text;
    }
    static nlohmann::json status(const Gateway& gateway, const std::string& query) {
        const Response response = gateway.admin("/status" + query);
        EXPECT_EQ(response.status, 200) << response.body;
        EXPECT_TRUE(response.field("content-type").starts_with("application/json"));
        return nlohmann::json::parse(response.body, nullptr, false);
    }
    // Signals outlive the upstream that waits for them.
    Signal go_;
    FakeUpstream upstream_;
    Gateway gateway_{config(upstream_)};
};

TEST_F(Status, ShowsLimitOriginUsedRemainingAndReset) {
    upstream_.answer(Script().send(chat_answer(10, 20)));
    expect_success(gateway_.send(capped_chat(bob_key, "x", 50)));
    upstream_.answer_next(Script().wait(go_).send(chat_answer()));
    TestClient holder = gateway_.connect();
    holder.send(capped_chat(bob_key, "x", 50));
    ASSERT_TRUE(upstream_.wait_for_requests(2));

    const nlohmann::json page = status(gateway_, "?user=bob&model=x");
    ASSERT_EQ(page["limits"].size(), 1U) << page.dump(2);
    const nlohmann::json& entry = page["limits"][0];
    EXPECT_EQ(entry.value("user", ""), "bob");
    EXPECT_EQ(entry.value("group", ""), "research");
    EXPECT_EQ(entry.value("model", ""), "x");
    const nlohmann::json& limits = entry["limits"];
    EXPECT_EQ(limits["rpm"].value("limit", 0), 7);
    EXPECT_EQ(limits["rpm"].value("used", 0), 2);
    EXPECT_EQ(limits["rpm"].value("remaining", 0), 5);
    EXPECT_GT(limits["rpm"].value("reset_ms", 0), 0);
    EXPECT_LE(limits["rpm"].value("reset_ms", 0), 60'000);
    EXPECT_EQ(limits["rpm"].value("origin", ""), "group research, x");
    EXPECT_EQ(limits["tpm"].value("limit", 0), 1000);
    EXPECT_GE(limits["tpm"].value("used", 0), 30 + 50) << "settled, and reserved";
    EXPECT_EQ(limits["tpm"].value("used", 0) + limits["tpm"].value("remaining", 0), 1000);
    EXPECT_EQ(limits["tpm"].value("origin", ""), "model x");
    EXPECT_EQ(limits["rpd"].value("used", 0), 2);
    EXPECT_TRUE(limits["rpd"].value("dry_run", false));
    EXPECT_FALSE(limits["rpm"].value("dry_run", true));
    EXPECT_TRUE(limits["tpd"].is_null()) << "unlimited";
    EXPECT_EQ(limits["concurrency"].value("limit", 0), 4);
    EXPECT_EQ(limits["concurrency"].value("used", 0), 1);
    EXPECT_EQ(limits["concurrency"].value("origin", ""), "group research, \"*\"");

    go_.raise();
    expect_success(holder.read_response());
    EXPECT_TRUE(eventually([&] {
        const nlohmann::json now = status(gateway_, "?user=bob&model=x");
        return now["limits"][0]["limits"]["concurrency"].value("used", -1) == 0 &&
               now["limits"][0]["limits"]["tpm"].value("used", -1) == 32;
    }));
}

TEST_F(Status, LookingCostsNothing) {
    for (int i = 0; i < 20; ++i) static_cast<void>(status(gateway_, "?user=alice&model=limited"));
    for (int i = 0; i < 3; ++i) expect_success(gateway_.chat(alice_key, "limited"));
    expect_rate_limited(gateway_.chat(alice_key, "limited"), "rpm");
    const nlohmann::json page = status(gateway_, "?user=alice&model=limited");
    EXPECT_EQ(page["limits"][0]["limits"]["rpm"].value("used", 0), 3);
    EXPECT_EQ(page["limits"][0]["limits"]["rpm"].value("remaining", -1), 0);
}

TEST_F(Status, UnknownNamesAre404) {
    EXPECT_EQ(gateway_.admin("/status?user=nobody").status, 404);
    EXPECT_EQ(gateway_.admin("/status?user=alice&model=nothing").status, 404);
}

TEST_F(Status, HoldsNoSecret) {
    expect_success(gateway_.chat(alice_key, "m"));
    const std::string page = gateway_.admin("/status").body;
    for (const std::string_view secret : {alice_key, bob_key, upstream_key}) {
        EXPECT_EQ(page.find(secret), std::string::npos);
    }
}

TEST_F(Status, NamesNoUserWhereTheConfigurationForbidsIt) {
    ConfigText text = config(upstream_);
    text.admin_lines = "  show_users: false\n";
    const Gateway gateway(text);
    expect_success(gateway.chat(alice_key, "limited"));
    for (const std::string query :
         {"", "?user=alice", "?user=alice&model=limited", "?model=limited"}) {
        SCOPED_TRACE(query);
        const std::string page = gateway.admin("/status" + query).body;
        for (const std::string name : {"alice", "bob", "carol"}) {
            EXPECT_EQ(page.find('"' + name + '"'), std::string::npos) << page;
        }
    }
    EXPECT_EQ(gateway.admin("/metrics").body.find("alice"), std::string::npos);
}

TEST_F(Status, ExplainSaysTheSameOffline) {
    const CommandResult result = run_binary({"explain", "--config", gateway_.daemon().config_file(),
                                             "--user", "bob", "--model", "x", "--json"});
    EXPECT_EQ(result.status, 0) << result.output;
    const nlohmann::json offline = nlohmann::json::parse(result.output, nullptr, false);
    ASSERT_TRUE(offline.is_object()) << result.output;
    const nlohmann::json online = status(gateway_, "?user=bob&model=x")["limits"][0];
    for (const std::string name : {"rpm", "tpm", "rpd", "concurrency"}) {
        SCOPED_TRACE(name);
        const nlohmann::json& here = offline["limits"][name];
        const nlohmann::json& there = online["limits"][name];
        ASSERT_TRUE(here.is_object() && there.is_object());
        EXPECT_EQ(here["value"], there["limit"]);
        EXPECT_EQ(here["origin"], there["origin"]);
        EXPECT_EQ(here["dry_run"], there["dry_run"]);
    }
    EXPECT_TRUE(offline["limits"]["tpd"].is_null());
    EXPECT_EQ(run_binary({"explain", "--config", gateway_.daemon().config_file(), "--user",
                          "nobody", "--model", "x"})
                  .status,
              2);
}

}  // namespace
}  // namespace sluicegate::support
