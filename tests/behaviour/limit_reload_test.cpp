// SIGHUP and limits: what was counted goes on to count, by the names of user and model.
#include "behaviour/harness.hpp"
#include "behaviour/token_requests.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluicegate::support {
namespace {

class LimitReload : public testing::Test {
protected:
    // Signals outlive the upstream that waits for them.
    Signal go_;
    FakeUpstream upstream_;
    ConfigText config_{upstream_.base_url()};
    std::string other_models_ = config_.models;

    /// The configuration with these limits on the model `x`.
    std::string with(const std::string& limits) {
        config_.models = other_models_ + "  x: {" +
                         (limits.empty() ? "" : "limits: {" + limits + "}, ") +
                         "route: [{upstream: up}]}\n";
        return config_.text();
    }
    static int admitted_of(const Gateway& gateway, std::string_view key, int attempts) {
        int admitted = 0;
        for (int i = 0; i < attempts; ++i) {
            admitted += gateway.chat(key, "x").status == 200 ? 1 : 0;
        }
        return admitted;
    }
    static void reload(Gateway& gateway, const std::string& text) {
        EXPECT_EQ(gateway.daemon().reload(text).value("event", ""), "reloaded")
            << gateway.daemon().log();
    }
};

TEST_F(LimitReload, ARaisedLimitAddsTheDifferenceALoweredOneTakesIt) {
    static_cast<void>(with("rpm: 3"));
    Gateway gateway(config_);
    EXPECT_EQ(admitted_of(gateway, alice_key, 5), 3);
    reload(gateway, with("rpm: 5"));
    EXPECT_EQ(admitted_of(gateway, alice_key, 5), 2);
    reload(gateway, with("rpm: 2"));
    EXPECT_EQ(admitted_of(gateway, alice_key, 3), 0);
    reload(gateway, with("rpm: 6"));
    EXPECT_EQ(admitted_of(gateway, alice_key, 5), 1);
}

TEST_F(LimitReload, ANewLimitKnowsWhatWasAdmittedWithoutOne) {
    static_cast<void>(with(""));
    Gateway gateway(config_);
    EXPECT_EQ(admitted_of(gateway, alice_key, 4), 4);
    reload(gateway, with("rpm: 5"));
    EXPECT_EQ(admitted_of(gateway, alice_key, 4), 1);
    reload(gateway, with(""));
    EXPECT_EQ(admitted_of(gateway, alice_key, 4), 4);
    reload(gateway, with("rpm: 10"));
    EXPECT_EQ(admitted_of(gateway, alice_key, 4), 1);
}

TEST_F(LimitReload, UsersAroundOneMayComeAndGo) {
    static_cast<void>(with("rpm: 3"));
    const std::string users = config_.users;
    Gateway gateway(config_);
    EXPECT_EQ(admitted_of(gateway, alice_key, 2), 2);
    EXPECT_EQ(admitted_of(gateway, bob_key, 3), 3);

    config_.users = "  aaron:\n    keys:\n" + key_line("a", "sk-aaron") + users +
                    "  zoe:\n    keys:\n" + key_line("z", "sk-zoe");
    reload(gateway, with("rpm: 3"));
    EXPECT_EQ(admitted_of(gateway, "sk-aaron", 4), 3) << "a new user has a fresh budget";
    EXPECT_EQ(admitted_of(gateway, alice_key, 4), 1);
    EXPECT_EQ(admitted_of(gateway, bob_key, 2), 0);

    config_.users = users.substr(users.find("  bob:"));
    reload(gateway, with("rpm: 3"));
    EXPECT_EQ(gateway.chat(alice_key, "x").status, 401);
    EXPECT_EQ(admitted_of(gateway, bob_key, 2), 0);

    config_.users = users;
    reload(gateway, with("rpm: 3"));
    EXPECT_EQ(admitted_of(gateway, alice_key, 2), 0)
        << "one who is taken out and put back has no fresh budget";
}

TEST_F(LimitReload, AnotherKeyOrGroupOfTheSameUserIsNoFreshBudget) {
    static_cast<void>(with("rpm: 3"));
    Gateway gateway(config_);
    EXPECT_EQ(admitted_of(gateway, alice_key, 3), 3);
    config_.users = "  alice:\n    group: research\n    keys:\n" + key_line("new", "sk-alice-new");
    reload(gateway, with("rpm: 3"));
    EXPECT_EQ(admitted_of(gateway, "sk-alice-new", 2), 0);
    config_.groups = "  default: {}\n  research: {limits: {x: {rpm: 4}}}\n";
    reload(gateway, with("rpm: 3"));
    EXPECT_EQ(admitted_of(gateway, "sk-alice-new", 2), 1);
}

TEST_F(LimitReload, AModelThatIsTakenOutAndPutBackKeepsItsCounts) {
    static_cast<void>(with("rpm: 3"));
    Gateway gateway(config_);
    EXPECT_EQ(admitted_of(gateway, alice_key, 3), 3);
    const std::string text = with("rpm: 3");
    config_.models = other_models_;
    reload(gateway, config_.text());
    EXPECT_EQ(gateway.chat(alice_key, "x").status, 404);
    reload(gateway, text);
    EXPECT_EQ(admitted_of(gateway, alice_key, 2), 0);
}

TEST_F(LimitReload, WhatIsInFlightStaysInFlight) {
    static_cast<void>(with("concurrency: 1"));
    Gateway gateway(config_);
    upstream_.answer_next(Script().wait(go_).send(chat_answer()));
    TestClient holder = gateway.connect();
    holder.send(chat_request(alice_key, "x"));
    ASSERT_TRUE(upstream_.wait_for_requests(1));
    reload(gateway, with("concurrency: 1, tpm: 1000000"));
    expect_rate_limited(gateway.chat(alice_key, "x"), "concurrency");
    reload(gateway, with("concurrency: 2"));
    EXPECT_EQ(gateway.chat(alice_key, "x").status, 200);
    go_.raise();
    expect_success(holder.read_response());
    reload(gateway, with("concurrency: 1"));
    EXPECT_TRUE(eventually([&] { return gateway.chat(alice_key, "x").status == 200; }));
}

TEST_F(LimitReload, TokensAndDaysAreKeptToo) {
    upstream_.answer(Script().send(chat_answer(300, 300)));
    static_cast<void>(with("tpm: 1000, tpd: 5000, rpd: 9"));
    Gateway gateway(config_);
    expect_success(gateway.send(capped_chat(alice_key, "x", 10)));
    reload(gateway, with("tpm: 1000, tpd: 600, rpd: 9"));
    expect_rate_limited(gateway.send(capped_chat(alice_key, "x", 10)), "tpd");
    reload(gateway, with("tpm: 500"));
    expect_rate_limited(gateway.send(capped_chat(alice_key, "x", 10)), "tpm");
    reload(gateway, with("rpd: 1"));
    expect_rate_limited(gateway.send(capped_chat(alice_key, "x", 10)), "rpd");
    reload(gateway, with("rpd: 2"));
    expect_success(gateway.send(capped_chat(alice_key, "x", 10)));
}

TEST_F(LimitReload, DryRunCanBecomeEarnest) {
    static_cast<void>(with("rpm: 2, dry_run: true"));
    Gateway gateway(config_);
    EXPECT_EQ(admitted_of(gateway, alice_key, 4), 4);
    reload(gateway, with("rpm: 2"));
    EXPECT_EQ(admitted_of(gateway, alice_key, 2), 0);
    reload(gateway, with("rpm: 5"));
    EXPECT_EQ(admitted_of(gateway, alice_key, 3), 1);
}

}  // namespace
}  // namespace sluicegate::support
