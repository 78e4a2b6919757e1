// The shares of a route's entries: exact, for all upstreams and all clients.
#include "behaviour/routes.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

/// Upstreams "a", "b", "c" with a model `split` of these weights.
class RouteShares : public testing::Test {
protected:
    ConfigText config(const std::vector<int>& weights, const std::string& more = {}) {
        std::string upstreams;
        std::string route;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            const std::string name(1, static_cast<char>('a' + i));
            sign(upstreams_[i], name);
            upstreams += upstream_line(name, upstreams_[i].base_url());
            route += (route.empty() ? "" : ", ") + ("{upstream: " + name) +
                     ", weight: " + std::to_string(weights[i]) + "}";
        }
        return routes_config(upstreams, "  split: {" + more + "route: [" + route + "]}\n");
    }

    FakeUpstream upstreams_[3];
};

TEST_F(RouteShares, AreExactFromManyClientsWithOneSideTenTimesSlower) {
    const Gateway gateway(config({90, 10}));
    sign(upstreams_[0], "a", milliseconds(2));
    sign(upstreams_[1], "b", milliseconds(20));
    std::atomic<int> good{0};
    run_load(gateway, {.clients = 8, .each = 125, .request = chat_request(alice_key, "split")},
             [&](const Response& response) { good += response.status == 200 ? 1 : 0; });
    EXPECT_EQ(good, 1000);
    EXPECT_EQ(count(upstreams_[0]), 900U);
    EXPECT_EQ(count(upstreams_[1]), 100U);
}

TEST_F(RouteShares, AreExactForStreams) {
    const Gateway gateway(config({90, 10}));
    sign(upstreams_[1], "b", milliseconds(10));
    std::atomic<int> good{0};
    run_load(gateway, {.clients = 8, .each = 25, .request = chat_request(alice_key, "split", true)},
             [&](const Response& response) {
                 good += response.status == 200 && response.is_complete ? 1 : 0;
             });
    EXPECT_EQ(good, 200);
    EXPECT_EQ(count(upstreams_[0]), 180U);
    EXPECT_EQ(count(upstreams_[1]), 20U);
}

TEST_F(RouteShares, OfThreeEntriesAreExact) {
    const Gateway gateway(config({50, 30, 20}));
    TestClient client = gateway.connect();
    for (int i = 0; i < 200; ++i) {
        client.send(chat_request(i % 2 == 0 ? alice_key : bob_key, "split"));
        ASSERT_EQ(client.read_response().status, 200);
    }
    EXPECT_EQ(count(upstreams_[0]), 100U);
    EXPECT_EQ(count(upstreams_[1]), 60U);
    EXPECT_EQ(count(upstreams_[2]), 40U);
}

TEST_F(RouteShares, AreExactInAnyHundredInARow) {
    const Gateway gateway(config({90, 10}));
    TestClient client = gateway.connect();
    std::vector<int> small;
    for (int i = 0; i < 300; ++i) {
        client.send(chat_request(alice_key, "split"));
        const Response response = client.read_response();
        ASSERT_EQ(response.status, 200);
        small.push_back(response.field("x-sluicegate-upstream") == "b" ? 1 : 0);
    }
    for (std::size_t from = 0; from + 100 <= small.size(); ++from) {
        int sum = 0;
        for (std::size_t i = from; i < from + 100; ++i) sum += small[i];
        ASSERT_EQ(sum, 10) << "from request " << from;
    }
}

TEST_F(RouteShares, GoOnAcrossAReload) {
    const ConfigText text = config({90, 10});
    Gateway gateway(text);
    TestClient client = gateway.connect();
    // A reload every seventh request would show any count that starts anew.
    for (int i = 0; i < 200; ++i) {
        if (i % 7 == 6) {
            ASSERT_EQ(gateway.daemon().reload(text.text()).value("event", ""), "reloaded");
        }
        client.send(chat_request(alice_key, "split"));
        ASSERT_EQ(client.read_response().status, 200);
    }
    EXPECT_EQ(count(upstreams_[0]), 180U);
    EXPECT_EQ(count(upstreams_[1]), 20U);
}

TEST_F(RouteShares, ChangeWithTheNextRequestAfterAReload) {
    Gateway gateway(config({100, 0}));
    for (int i = 0; i < 20; ++i) expect_success(gateway.chat(alice_key, "split"));
    EXPECT_EQ(count(upstreams_[1]), 0U);
    gateway.daemon().reload(config({50, 50}).text());
    for (int i = 0; i < 40; ++i) expect_success(gateway.chat(alice_key, "split"));
    EXPECT_EQ(count(upstreams_[0]), 40U);
    EXPECT_EQ(count(upstreams_[1]), 20U);
}

TEST_F(RouteShares, OfModelsAreCountedApart) {
    ConfigText text = config({50, 50});
    text.models += "  other: {route: [{upstream: a, weight: 50}, {upstream: b, weight: 50}]}\n";
    const Gateway gateway(text);
    // In turns: one count for both would give each model one side.
    std::map<std::string, int> seen;
    for (int i = 0; i < 40; ++i) {
        const std::string model = i % 2 == 0 ? "split" : "other";
        const Response response = gateway.chat(alice_key, model);
        expect_success(response);
        ++seen[model + response.field("x-sluicegate-upstream")];
    }
    EXPECT_EQ(seen["splita"], 10);
    EXPECT_EQ(seen["splitb"], 10);
    EXPECT_EQ(seen["othera"], 10);
}

TEST_F(RouteShares, ZeroGetsNothingWhileOthersCan) {
    const Gateway gateway(config({1, 0}));
    for (int i = 0; i < 30; ++i) {
        expect_answer_of(gateway.chat(alice_key, "split"), "a");
    }
    EXPECT_EQ(count(upstreams_[1]), 0U);
    upstreams_[0].answer(Script().send(json_response(500, "{}")));
    const Response response = gateway.chat(alice_key, "split");
    expect_answer_of(response, "b");
    EXPECT_EQ(attempts_of(response), 2);
}

class StickyShares : public RouteShares {
protected:
    static std::string key_of(int user) {
        std::string number = std::to_string(100 + user);
        return "sk-sg-sticky-user-key-00000000000000000000000" + number;
    }
    ConfigText sticky(const std::vector<int>& weights) {
        ConfigText text = config(weights, "sticky: user, ");
        text.users.clear();
        for (int i = 0; i < users; ++i) {
            text.users += user_lines("u" + std::to_string(i), key_of(i));
        }
        return text;
    }
    static constexpr int users = 40;
};

TEST_F(StickyShares, KeepEachUserOnOneSide) {
    const ConfigText text = sticky({50, 50});
    Gateway gateway(text);
    std::map<int, std::string> side;
    for (int round = 0; round < 3; ++round) {
        for (int user = 0; user < users; ++user) {
            const Response response = gateway.chat(key_of(user), "split");
            expect_success(response);
            const std::string upstream = response.field("x-sluicegate-upstream");
            EXPECT_EQ(side.emplace(user, upstream).first->second, upstream) << "user " << user;
        }
        gateway.daemon().reload(text.text());
    }
    int on_a = 0;
    for (const auto& [user, upstream] : side) on_a += upstream == "a" ? 1 : 0;
    EXPECT_GE(on_a, 8) << "of 40";
    EXPECT_LE(on_a, 32) << "of 40";
}

TEST_F(StickyShares, AreAPreferenceAndNoVeto) {
    const Gateway gateway(sticky({50, 50}));
    upstreams_[0].answer(Script().send(json_response(500, "{}")));
    for (int user = 0; user < users; ++user) {
        expect_answer_of(gateway.chat(key_of(user), "split"), "b");
    }
}

TEST_F(StickyShares, MoveOnlyTheUsersThatTheNewSharesAskFor) {
    Gateway gateway(sticky({50, 50}));
    std::map<int, std::string> before;
    for (int user = 0; user < users; ++user) {
        before[user] = gateway.chat(key_of(user), "split").field("x-sluicegate-upstream");
    }
    gateway.daemon().reload(sticky({75, 25}).text());
    for (int user = 0; user < users; ++user) {
        const Response response = gateway.chat(key_of(user), "split");
        expect_success(response);
        if (before[user] == "a") {
            EXPECT_EQ(response.field("x-sluicegate-upstream"), "a") << "user " << user;
        }
    }
}

}  // namespace
}  // namespace sluicegate::support
