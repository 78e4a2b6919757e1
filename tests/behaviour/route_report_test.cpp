// What operators see of routes and upstreams: /metrics and /status, in every state.
#include "behaviour/routes.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class RouteReport : public testing::Test {
protected:
    RouteReport() {
        sign(first_, "first");
        sign(second_, "second");
    }
    ConfigText config(const std::string& options = {}) {
        return routes_config(upstream_line("first", first_.base_url(), options) +
                                 upstream_line("second", second_.base_url()),
                             "  m: {route: [{upstream: first}], fallback: [{upstream: second}]}\n"
                             "  alone: {route: [{upstream: first, model: m}]}\n");
    }
    static double routed(const Gateway& gateway, const std::string& upstream,
                         const std::string& reason) {
        return metric(gateway, "sluicegate_routed_requests_total",
                      {"upstream=\"" + upstream + "\"", "reason=\"" + reason + "\""});
    }
    static double queued(const Gateway& gateway, const std::string& outcome) {
        return metric(gateway, "sluicegate_upstream_queue_total",
                      {R"(upstream="first")", "outcome=\"" + outcome + "\""});
    }
    /// That member of /status for the upstream or model of that name.
    static nlohmann::json of_status(const Gateway& gateway, const std::string& list,
                                    const std::string& name) {
        const nlohmann::json status =
            nlohmann::json::parse(gateway.admin("/status").body, nullptr, false);
        for (const nlohmann::json& each : status.value(list, nlohmann::json::array())) {
            if (each.value("name", "") == name) return each;
        }
        ADD_FAILURE() << status;
        return nlohmann::json::object();
    }
    static nlohmann::json endpoint(const Gateway& gateway, const std::string& upstream) {
        const nlohmann::json all = of_status(gateway, "upstreams", upstream)
                                       .value("endpoints", nlohmann::json::array({{}}));
        return all.empty() ? nlohmann::json::object() : all[0];
    }

    Signal go_;
    FakeUpstream first_;
    FakeUpstream second_;
};

TEST_F(RouteReport, CountsWhoAnsweredAndWhy) {
    const Gateway gateway(config("max_in_flight: 1"));
    for (int i = 0; i < 3; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "first");
    first_.answer_next(Script().wait(go_).send(signed_answer("first")));
    TestClient holder = gateway.connect();
    holder.send(chat_request(alice_key, "m"));
    ASSERT_TRUE(first_.wait_for_requests(4));
    for (int i = 0; i < 2; ++i) expect_answer_of(gateway.chat(bob_key, "m"), "second");
    go_.raise();
    expect_answer_of(holder.read_response(), "first");
    first_.answer_next(Script().send(json_response(500, "{}")));
    ASSERT_TRUE(eventually([&] { return endpoint(gateway, "first").value("in_flight", -1) == 0; }));
    expect_answer_of(gateway.chat(alice_key, "m"), "second");
    first_.answer_next(Script().send(json_response(500, "{}")));
    EXPECT_GE(gateway.chat(alice_key, "alone").status, 500);

    // A request is counted once its answer has been sent: the last one may still be missing.
    EXPECT_TRUE(
        eventually([&] { return metric(gateway, "sluicegate_routed_requests_total") == 8; }));
    EXPECT_EQ(routed(gateway, "first", "share"), 4);
    EXPECT_EQ(routed(gateway, "second", "spill"), 2);
    EXPECT_EQ(routed(gateway, "second", "failover"), 1);
    EXPECT_EQ(routed(gateway, "first", "none"), 1);
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_attempts_total", {R"(upstream="first")"}), 6);
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_attempts_total", {R"(upstream="second")"}), 3);
    EXPECT_EQ(metric(gateway, "sluicegate_retries_total", {R"(outcome="done")"}), 1);
    const nlohmann::json requests = of_status(gateway, "models", "m")["requests"];
    EXPECT_NE(requests.dump().find("spill"), std::string::npos) << requests;
}

TEST_F(RouteReport, CountsRepetitionsThatTheBudgetForbade) {
    ConfigText text = config();
    text.retries = "retries: {budget: 0%, minimum: 0}\n";
    const Gateway gateway(text);
    first_.answer(Script().send(json_response(500, "{}")));
    for (int i = 0; i < 3; ++i) EXPECT_GE(gateway.chat(alice_key, "m").status, 500);
    EXPECT_TRUE(eventually([&] {
        return metric(gateway, "sluicegate_retries_total", {R"(outcome="over_budget")"}) == 3;
    }));
    EXPECT_EQ(metric(gateway, "sluicegate_retries_total", {R"(outcome="done")"}), 0);
}

TEST_F(RouteReport, CountsWaitingByItsOutcome) {
    const Gateway gateway(
        config("max_in_flight: 1, on_full: queue, queue: {timeout: 1s, max_waiting: 1}"));
    first_.answer_next(Script().wait(go_).send(signed_answer("first")));
    TestClient holder = gateway.connect();
    holder.send(chat_request(carol_key, "m"));
    ASSERT_TRUE(first_.wait_for_requests(1));
    const auto waiting = [&] {
        return of_status(gateway, "upstreams", "first").value("waiting", -1);
    };
    EXPECT_EQ(waiting(), 0);
    TestClient leaver = gateway.connect();
    leaver.send(chat_request(alice_key, "m"));
    ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
    leaver.wire().reset();
    ASSERT_TRUE(eventually([&] { return queued(gateway, "left") == 1; }));

    TestClient late = gateway.connect();
    late.send(chat_request(alice_key, "m"));
    ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
    expect_answer_of(gateway.chat(bob_key, "m"), "second");
    expect_answer_of(late.read_response(), "second");
    EXPECT_EQ(queued(gateway, "full"), 1);
    EXPECT_EQ(queued(gateway, "timeout"), 1);

    TestClient granted = gateway.connect();
    granted.send(chat_request(alice_key, "m"));
    ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
    go_.raise();
    expect_answer_of(granted.read_response(), "first");
    EXPECT_TRUE(eventually([&] { return queued(gateway, "granted") == 1; }));
    EXPECT_EQ(waiting(), 0);
    EXPECT_GE(metric(gateway, "sluicegate_upstream_queue_duration_seconds_count"), 2);
    expect_answer_of(holder.read_response(), "first");
}

TEST_F(RouteReport, ShowsPlacesInUse) {
    const Gateway gateway(config("max_in_flight: 4"));
    first_.answer(Script().wait(go_).send(signed_answer("first")));
    std::vector<TestClient> clients;
    for (std::size_t i = 0; i < 3; ++i) {
        clients.push_back(gateway.connect());
        clients.back().send(chat_request(alice_key, "m"));
    }
    ASSERT_TRUE(first_.wait_for_requests(3));
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_endpoint_in_flight", {R"(upstream="first")"}),
              3);
    EXPECT_EQ(endpoint(gateway, "first").value("in_flight", -1), 3);
    EXPECT_EQ(endpoint(gateway, "first").value("max_in_flight", -1), 4);
    EXPECT_TRUE(endpoint(gateway, "second")["max_in_flight"].is_null());
    go_.raise();
    for (TestClient& client : clients) expect_answer_of(client.read_response(), "first");
    EXPECT_TRUE(
        eventually([&] { return metric(gateway, "sluicegate_upstream_endpoint_in_flight") == 0; }));
}

TEST_F(RouteReport, ShowsTheStateOfEachEndpoint) {
    const Gateway gateway(config("breaker: {min_requests: 3, error_rate: 50%, open_for: 60s}"));
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_endpoint_up"), 2);
    EXPECT_TRUE(endpoint(gateway, "first")["since"].is_null());
    first_.answer(Script().send(json_response(500, "{}")));
    for (int i = 0; i < 6; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "second");
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_endpoint_up", {R"(upstream="first")"}), 0);
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_endpoint_up", {R"(upstream="second")"}), 1);
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_state_changes_total", {R"(state="open")"}), 1);
    const nlohmann::json first = endpoint(gateway, "first");
    EXPECT_EQ(first.value("url", ""), first_.base_url());
    EXPECT_EQ(first.value("state", ""), "open");
    EXPECT_EQ(first["reason"].get<std::string>().find("3 of 3 requests failed"), 0U) << first;
    EXPECT_FALSE(first["since"].is_null());
    EXPECT_EQ(endpoint(gateway, "second").value("state", ""), "healthy");
}

TEST_F(RouteReport, ShowsWhatAProviderToldOfItsLimits) {
    const Gateway gateway(config("limits: {rpm: 100}"));
    first_.answer_next(Script().send(signed_answer("first", false, 1, 1,
                                                   "x-ratelimit-limit-tokens: 60000\r\n"
                                                   "x-ratelimit-remaining-tokens: 30000\r\n"
                                                   "x-ratelimit-reset-tokens: 30s\r\n")));
    expect_answer_of(gateway.chat(alice_key, "m"), "first");
    nlohmann::json first = of_status(gateway, "upstreams", "first");
    EXPECT_NE(first["quotas"].dump().find("60000"), std::string::npos) << first;
    EXPECT_EQ(first["ceilings"]["rpm"].value("used", -1), 1) << first;
    EXPECT_EQ(first["ceilings"]["rpm"].value("limit", -1), 100) << first;

    first_.answer_next(Script().send(json_response(429, "{}", "Retry-After: 20\r\n")));
    expect_answer_of(gateway.chat(alice_key, "m"), "second");
    const double cooling = metric(gateway, "sluicegate_upstream_cooling_seconds",
                                  {R"(upstream="first")", R"(model="m")"});
    EXPECT_GT(cooling, 10);
    EXPECT_LE(cooling, 20);
    first = of_status(gateway, "upstreams", "first");
    EXPECT_NE(first["quotas"].dump().find("cooling_ms"), std::string::npos) << first;
    EXPECT_EQ(gateway.admin("/readyz").status, 200) << "a pause is no illness";
}

TEST_F(RouteReport, ShowsARouteInTheOrderInWhichItIsTried) {
    ConfigText text = config();
    text.models =
        "  m: {route: [{upstream: second, weight: 0}, {upstream: first, weight: 3, model: x}]}\n"
        "  n: {route: [{upstream: first, weight: 1}, {upstream: second, weight: 3}],"
        " sticky: user}\n";
    const Gateway gateway(text);
    const nlohmann::json route = of_status(gateway, "models", "m")["route"];
    ASSERT_EQ(route.size(), 2U);
    EXPECT_EQ(route[0].value("upstream", ""), "first");
    EXPECT_EQ(route[0].value("model", ""), "x");
    EXPECT_EQ(route[0].value("weight", -1), 3);
    EXPECT_EQ(route[1].value("upstream", ""), "second");
    EXPECT_EQ(route[1].value("weight", -1), 0);
    const nlohmann::json shares = of_status(gateway, "models", "n")["route"];
    double sum = 0;
    for (const nlohmann::json& entry : shares) sum += entry.value("share_percent", 0.0);
    EXPECT_EQ(sum, 100);
}

}  // namespace
}  // namespace sluicegate::support
