// Servers that are asked regularly how they are: one that says no is left before a request fails.
#include "behaviour/routes.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class ActiveChecks : public testing::Test {
protected:
    /// Answers checks by `is_well`, everything else with its name.
    void serve(FakeUpstream& server, const std::string& name, std::atomic<bool>& is_well) {
        server.answer_with([name, &is_well](const ReceivedRequest& request) {
            if (is_check(request)) {
                return Script().send(is_well ? json_response(200, R"({"status":"ok"})")
                                             : json_response(503, "{}"));
            }
            return Script().send(signed_answer(name, asks_for_stream(request)));
        });
    }
    static bool is_check(const ReceivedRequest& request) {
        return request.method() == "GET" || request.body.find("probe-model") != std::string::npos;
    }
    static std::size_t checks(const FakeUpstream& server) {
        std::size_t sum = 0;
        for (const ReceivedRequest& request : server.requests()) sum += is_check(request) ? 1 : 0;
        return sum;
    }
    static std::size_t others(const FakeUpstream& server) { return count(server) - checks(server); }
    ConfigText config(const std::string& health) {
        serve(first_, "first", first_is_well_);
        serve(second_, "second", second_is_well_);
        return routes_config(endpoints_line("pair", {first_.base_url(), second_.base_url()},
                                            "health: {" + health + "}"),
                             "  m: {route: [{upstream: pair}]}\n");
    }
    /// So many requests in a row were answered by `name`, and none failed, that chance, which picks
    /// one of two, does not bring it.
    static bool all_from(const Gateway& gateway, std::string_view name) {
        for (int i = 0; i < 40; ++i) {
            const Response response = gateway.chat(alice_key, "m");
            EXPECT_EQ(response.status, 200) << response.body;
            EXPECT_EQ(attempts_of(response), 1) << "no request had to find out";
            if (response.body.find("\"" + std::string(name) + "\"") == std::string::npos) {
                return false;
            }
        }
        return true;
    }
    /// Both answer again.
    bool both_are_used(const Gateway& gateway) {
        return eventually([&] {
            const std::size_t first = others(first_);
            const std::size_t second = others(second_);
            for (int i = 0; i < 12; ++i) static_cast<void>(gateway.chat(alice_key, "m"));
            return others(first_) > first && others(second_) > second;
        });
    }

    std::atomic<bool> first_is_well_{true};
    std::atomic<bool> second_is_well_{true};
    FakeUpstream first_;
    FakeUpstream second_;
};

TEST_F(ActiveChecks, AskAModelWhatItCanAnswer) {
    FakeUpstream reasoning;
    FakeUpstream embedding;
    reasoning.answer_with([](const ReceivedRequest& request) {
        if (request.body.find("\"max_tokens\"") == std::string::npos) {
            return Script().send(signed_answer("o1"));
        }
        return Script().send(json_response(
            400,
            R"({"error":{"message":"Unsupported parameter: 'max_tokens'.","param":"max_tokens"}})"));
    });
    embedding.answer_with([](const ReceivedRequest& request) {
        const bool is_known = request.target() == "/v1/embeddings";
        return Script().send(is_known ? json_response(200, R"({"object":"list","data":[]})")
                                      : json_response(404, R"({"detail":"Not Found"})"));
    });
    const std::string often = ", every: 100ms, unhealthy_after: 1}";
    const Gateway gateway(routes_config(
        upstream_line("reasoning", reasoning.base_url(), "health: {model: o1" + often) +
            upstream_line("embedding", embedding.base_url(),
                          "health: {model: text-embedding-3-small" + often),
        "  m: {route: [{upstream: reasoning}]}\n  e: {route: [{upstream: embedding}]}\n"));
    ASSERT_TRUE(reasoning.wait_for_requests(3));
    ASSERT_TRUE(embedding.wait_for_requests(3));
    const std::string status = gateway.admin("/status").body;
    EXPECT_EQ(status.find("checking_failed"), std::string::npos) << status;
    EXPECT_EQ(gateway.admin("/readyz").status, 200);
}

TEST_F(ActiveChecks, AQuestionThatIsRefusedSaysNothingOfTheServer) {
    FakeUpstream server;
    server.answer(Script().send(
        json_response(400, R"({"error":{"message":"this model makes only music","code":400}})")));
    const Gateway gateway(
        routes_config(upstream_line("up", server.base_url(),
                                    "health: {model: music, every: 100ms, unhealthy_after: 1}"),
                      "  m: {route: [{upstream: up}]}\n"));
    ASSERT_TRUE(server.wait_for_requests(3));
    EXPECT_EQ(gateway.admin("/readyz").status, 200);
}

TEST_F(ActiveChecks, ByAPathTakeAServerOutAndBringItBack) {
    const Gateway gateway(config("path: /health, every: 100ms, unhealthy_after: 2"));
    ASSERT_TRUE(eventually([&] { return checks(first_) >= 2 && checks(second_) >= 2; }));
    EXPECT_TRUE(both_are_used(gateway));
    first_is_well_ = false;
    EXPECT_TRUE(eventually([&] { return all_from(gateway, "second"); }));
    const std::size_t before = others(first_);
    for (int i = 0; i < 20; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "second");
    EXPECT_EQ(others(first_), before);
    first_is_well_ = true;
    EXPECT_TRUE(both_are_used(gateway));
    for (const ReceivedRequest& request : first_.requests()) {
        if (is_check(request)) {
            EXPECT_EQ(request.target(), "/health") << "from the root of the server";
        }
    }
}

TEST_F(ActiveChecks, ByAModelAskForATinyCompletion) {
    const Gateway gateway(config("model: probe-model, every: 100ms, unhealthy_after: 2"));
    ASSERT_TRUE(eventually([&] { return checks(first_) >= 2 && checks(second_) >= 2; }));
    first_is_well_ = false;
    EXPECT_TRUE(eventually([&] { return all_from(gateway, "second"); }));
    first_is_well_ = true;
    EXPECT_TRUE(both_are_used(gateway));
    for (const ReceivedRequest& request : first_.requests()) {
        if (!is_check(request)) continue;
        EXPECT_EQ(request.method(), "POST");
        EXPECT_EQ(request.target(), "/v1/chat/completions");
        EXPECT_EQ(request.head.value("authorization"), "Bearer " + std::string(upstream_key));
        const nlohmann::json body = nlohmann::json::parse(request.body);
        EXPECT_EQ(body["model"], "probe-model");
        EXPECT_TRUE(body.value("max_tokens", 0) == 1 ||
                    body.value("max_completion_tokens", 0) == 1);
        break;
    }
}

TEST_F(ActiveChecks, FailInEveryWayThatAServerCan) {
    struct Row {
        std::string name;
        Script script;
    };
    const std::vector<Row> rows{
        {"404", Script().send(json_response(404, "{}"))},
        {"500", Script().send(json_response(500, "{}"))},
        {"302", Script().send(response_head(302, "Location: /\r\nContent-Length: 0\r\n"))},
        {"closed", Script().cut()},
        {"garbage", Script().send("garbage\r\n\r\n").close()},
        {"silence", Script().stall()},
        {"an endless body",
         Script()
             .send(response_head(200, "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"))
             .repeat(chunk(std::string(60'000, 'x')))},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Gateway gateway(
            config("path: /health, every: 100ms, timeout: 200ms, unhealthy_after: 1"));
        first_.answer_with([&row](const ReceivedRequest& request) {
            return is_check(request) ? row.script : Script().send(signed_answer("first"));
        });
        EXPECT_TRUE(eventually([&] { return all_from(gateway, "second"); }))
            << checks(first_) << " and " << checks(second_) << " checks";
    }
}

TEST_F(ActiveChecks, OneFailureOfSeveralIsForgiven) {
    std::atomic<int> number{0};
    const Gateway gateway(config("path: /health, every: 100ms, unhealthy_after: 3"));
    first_.answer_with([&](const ReceivedRequest& request) {
        if (!is_check(request)) return Script().send(signed_answer("first"));
        return Script().send(json_response(number++ % 3 == 2 ? 200 : 503, "{}"));
    });
    ASSERT_TRUE(eventually([&] { return number >= 10; }));
    EXPECT_TRUE(both_are_used(gateway));
}

TEST_F(ActiveChecks, TheLastServerIsTriedWhateverTheChecksSay) {
    first_is_well_ = false;
    second_is_well_ = false;
    const Gateway gateway(config("path: /health, every: 100ms, unhealthy_after: 1"));
    ASSERT_TRUE(eventually([&] { return gateway.admin("/readyz").status == 503; }));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(gateway.chat(alice_key, "m").status, 200);
    first_is_well_ = true;
    EXPECT_TRUE(eventually([&] { return gateway.admin("/readyz").status == 200; }));
    EXPECT_TRUE(eventually([&] { return all_from(gateway, "first"); }));
}

TEST_F(ActiveChecks, AnUpstreamThatFailsThemLosesItsTraffic) {
    serve(first_, "first", first_is_well_);
    serve(second_, "second", second_is_well_);
    const Gateway gateway(
        routes_config(upstream_line("first", first_.base_url(),
                                    "health: {path: /health, every: 100ms, unhealthy_after: 1}") +
                          upstream_line("second", second_.base_url()),
                      "  m: {route: [{upstream: first}], fallback: [{upstream: second}]}\n"));
    EXPECT_TRUE(eventually([&] { return all_from(gateway, "first"); }));
    first_is_well_ = false;
    EXPECT_TRUE(eventually([&] { return all_from(gateway, "second"); }));
    first_is_well_ = true;
    EXPECT_TRUE(eventually([&] { return all_from(gateway, "first"); }));
    EXPECT_EQ(checks(second_), 0U) << "only where it is configured";
}

TEST_F(ActiveChecks, AreMadeOnceWhateverTheNumberOfWorkers) {
    ConfigText text = config("path: /health, every: 200ms");
    text.threads = "4";
    const Gateway gateway(text);
    ASSERT_TRUE(eventually([&] { return checks(first_) >= 1; }));
    const std::size_t before = checks(first_);
    let_time_pass(milliseconds(2000));
    EXPECT_LE(checks(first_) - before, 13U) << "10 of one asker, 40 of four";
    EXPECT_GE(checks(first_) - before, 3U);
}

TEST_F(ActiveChecks, GoOnAfterAReloadAndEndWhenNoLongerWanted) {
    const ConfigText text = config("path: /health, every: 100ms");
    Gateway gateway(text);
    ASSERT_TRUE(eventually([&] { return checks(first_) >= 2; }));
    for (int i = 0; i < 5; ++i) gateway.daemon().reload(text.text());
    const std::size_t before = checks(first_);
    ASSERT_TRUE(eventually([&] { return checks(first_) >= before + 3; }));
    ConfigText without = text;
    without.upstreams = endpoints_line("pair", {first_.base_url(), second_.base_url()});
    gateway.daemon().reload(without.text());
    // One may be under way.
    let_time_pass(milliseconds(300));
    const std::size_t last = checks(first_);
    let_time_pass(milliseconds(700));
    EXPECT_EQ(checks(first_), last);
}

TEST_F(ActiveChecks, CostNoUserAnything) {
    const Gateway gateway(config("model: probe-model, every: 100ms"));
    ASSERT_TRUE(eventually([&] { return checks(first_) >= 3; }));
    EXPECT_EQ(metric(gateway, "sluicegate_requests_total"), 0);
    EXPECT_EQ(metric(gateway, "sluicegate_tokens_total"), 0);
}

}  // namespace
}  // namespace sluicegate::support
