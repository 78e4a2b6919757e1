// What operators see of upstreams: /status, /metrics, /readyz, and the health checks behind them.
#include "behaviour/routes.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <string>
#include <utility>

namespace sluicegate::support {
namespace {

/// Nothing listens there.
constexpr const char* dead_url = "http://127.0.0.1:1/v1";

class UpstreamStatus : public testing::Test {
protected:
    /// `gpu` first, `up` when it fails.
    [[nodiscard]] ConfigText config(const std::string& gpu_url,
                                    const std::string& gpu_options = {}) const {
        return routes_config(
            upstream_line("up", up_.base_url()) + upstream_line("gpu", gpu_url, gpu_options),
            "  m: {route: [{upstream: gpu}], fallback: [{upstream: up}]}\n");
    }
    /// `gpu` alone, asked for its health ten times a second.
    [[nodiscard]] ConfigText checked(const std::string& gpu_url) const {
        ConfigText text = config(
            gpu_url, "health: {path: /health, every: 100ms, timeout: 1m, unhealthy_after: 1}");
        text.models = "  m: {route: [{upstream: gpu}]}\n";
        return text;
    }
    /// Says how it is, and counts how often it was asked.
    void answer_checks(FakeUpstream& server) {
        server.answer_with([this](const ReceivedRequest& request) {
            if (request.target() != "/health") return Script().send(chat_answer());
            ++checks_;
            return Script().send(json_response(is_well_ ? 200 : 503, "{}"));
        });
    }
    static nlohmann::json status_of(const Gateway& gateway, const std::string& upstream) {
        const nlohmann::json page =
            nlohmann::json::parse(gateway.admin("/status").body, nullptr, false);
        for (const nlohmann::json& entry : page["upstreams"]) {
            if (entry["name"] == upstream) return entry;
        }
        return {};
    }

    std::atomic<bool> is_well_{true};
    std::atomic<int> checks_{0};
    FakeUpstream up_;
};

TEST_F(UpstreamStatus, AnEndpointThatCannotBeReachedIsSeenOnEveryPage) {
    Gateway gateway(config(dead_url, "breaker: {open_for: 1h, open_max: 1h}"));
    const std::string gpu = R"(upstream="gpu")";
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_endpoint_up", {gpu}), 1);
    for (int i = 0; i < 4; ++i) expect_success(gateway.chat(alice_key, "m"));

    const auto line = gateway.daemon().wait_for_event("upstream_state");
    ASSERT_TRUE(line) << gateway.daemon().log();
    EXPECT_EQ(line->value("state", ""), "open");
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_state_changes_total", {gpu, R"(state="open")"}),
              1);
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_endpoint_up", {gpu}), 0);
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_endpoint_up", {R"(upstream="up")"}), 1);
    EXPECT_EQ(metric(gateway, "sluicegate_retries_total", {R"(outcome="done")"}), 3);

    const nlohmann::json endpoint = status_of(gateway, "gpu")["endpoints"][0];
    EXPECT_EQ(endpoint["url"], dead_url);
    EXPECT_EQ(endpoint["state"], "open");
    EXPECT_EQ(endpoint["reason"], line->value("reason", "?"));
    EXPECT_TRUE(endpoint["since"].is_string()) << endpoint;
    EXPECT_EQ(gateway.admin("/readyz").status, 200) << "the fallback is healthy";
    // An answer may arrive before it is counted.
    EXPECT_TRUE(eventually([&] {
        const auto page = nlohmann::json::parse(gateway.admin("/status").body, nullptr, false);
        return page["models"][0]["requests"] ==
               nlohmann::json::parse(R"({"up": {"failover": 3, "spill": 1}})");
    })) << gateway.admin("/status").body;
}

TEST_F(UpstreamStatus, AnAccountThatCoolsDownIsSeenUntilWhen) {
    FakeUpstream gpu;
    gpu.answer(Script().send(json_response(429, "{}", "Retry-After: 30\r\n")));
    const Gateway gateway(config(gpu.base_url()));
    expect_success(gateway.chat(alice_key, "m"));
    expect_success(gateway.chat(alice_key, "m"));
    EXPECT_EQ(gpu.requests().size(), 1U);
    const double seconds =
        metric(gateway, "sluicegate_upstream_cooling_seconds", {R"(upstream="gpu",model="m")"});
    EXPECT_GT(seconds, 0);
    EXPECT_LE(seconds, 30);
    const nlohmann::json quota = status_of(gateway, "gpu")["quotas"][0];
    EXPECT_EQ(quota["model"], "m");
    EXPECT_GT(quota["cooling_ms"], 0);
    EXPECT_LE(quota["cooling_ms"], 30'000);
    EXPECT_EQ(status_of(gateway, "up")["quotas"], nlohmann::json::array());
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_cooling_seconds", {R"(upstream="up")"}), 0);
}

TEST_F(UpstreamStatus, RequestsInFlightAreCountedAtTheirEndpoint) {
    FakeUpstream gpu;
    const Signal go;
    gpu.answer(Script().wait(go).send(chat_answer()));
    const Gateway gateway(config(gpu.base_url(), "max_in_flight: 3"));
    TestClient client = gateway.connect();
    client.send(chat_request(alice_key, "m"));
    ASSERT_TRUE(gpu.wait_for_requests(1));
    const std::string label = R"(upstream="gpu")";
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_endpoint_in_flight", {label}), 1);
    const nlohmann::json endpoint = status_of(gateway, "gpu")["endpoints"][0];
    EXPECT_EQ(endpoint["in_flight"], 1);
    EXPECT_EQ(endpoint["max_in_flight"], 3);
    go.raise();
    expect_success(client.read_response());
    EXPECT_TRUE(eventually(
        [&] { return metric(gateway, "sluicegate_upstream_endpoint_in_flight", {label}) == 0; }));
}

TEST_F(UpstreamStatus, AnEndpointThatLeftTheConfigurationLeavesTheGauges) {
    FakeUpstream other;
    Gateway gateway(config(dead_url));
    ASSERT_NE(gateway.admin("/metrics").body.find("endpoint_up{upstream=\"gpu\""),
              std::string::npos);
    ConfigText moved = config(other.base_url());
    gateway.daemon().reload(moved.text());
    const std::string body = gateway.admin("/metrics").body;
    EXPECT_EQ(body.find(dead_url), std::string::npos);
    EXPECT_EQ(metric(gateway, "sluicegate_upstream_endpoint_up",
                     {R"(upstream="gpu")", R"(endpoint=")" + other.base_url()}),
              1)
        << body;
}

TEST_F(UpstreamStatus, AShareIsMovedByWeightAndReloadAndTheRouteShowsIt) {
    FakeUpstream gpu;
    const auto weighted = [&](int to_gpu, int to_up) {
        ConfigText text = config(gpu.base_url());
        text.models =
            "  m: {route: [{upstream: gpu, model: llama, weight: " + std::to_string(to_gpu) +
            "}, {upstream: up, weight: " + std::to_string(to_up) + "}]}\n";
        return text;
    };
    Gateway gateway(weighted(10, 90));
    const auto shares = [&] {
        const std::size_t gpu_before = gpu.requests().size();
        const std::size_t up_before = up_.requests().size();
        for (int i = 0; i < 20; ++i) expect_success(gateway.chat(alice_key, "m"));
        return std::pair(gpu.requests().size() - gpu_before, up_.requests().size() - up_before);
    };
    const auto model = [&] {
        return nlohmann::json::parse(gateway.admin("/status").body, nullptr, false)["models"][0];
    };
    EXPECT_EQ(shares(), std::pair(std::size_t{2}, std::size_t{18}));
    EXPECT_EQ(model()["route"][0]["model"], "llama");
    EXPECT_EQ(model()["route"][0]["share_percent"], 10.0);

    gateway.daemon().reload(weighted(1, 0).text());
    EXPECT_EQ(shares(), std::pair(std::size_t{20}, std::size_t{0})) << "cut over";
    EXPECT_EQ(model()["route"][1]["share_percent"], 0.0);

    gateway.daemon().reload(weighted(10, 90).text());
    EXPECT_EQ(shares(), std::pair(std::size_t{2}, std::size_t{18})) << "rolled back";
    EXPECT_TRUE(eventually([&] {
        return model()["requests"] ==
               nlohmann::json::parse(R"({"gpu": {"share": 24}, "up": {"share": 36}})");
    })) << model();
}

TEST_F(UpstreamStatus, TheDaemonIsNotReadyWhileNoUpstreamIsHealthyAndReturnsByItself) {
    FakeUpstream gpu;
    answer_checks(gpu);
    is_well_ = false;
    Gateway gateway(checked(gpu.base_url()));
    ASSERT_TRUE(eventually([&] { return gateway.admin("/readyz").status == 503; }));
    EXPECT_EQ(gateway.admin("/readyz").body, "no upstream is healthy\ngpu " + gpu.base_url() +
                                                 ": checking_failed: answered 503\n");
    EXPECT_EQ(gateway.admin("/livez").status, 200);
    EXPECT_EQ(status_of(gateway, "gpu")["endpoints"][0]["state"], "checking_failed");
    expect_success(gateway.chat(alice_key, "m"));  // it is the last, and tried all the same

    is_well_ = true;
    EXPECT_TRUE(eventually([&] { return gateway.admin("/readyz").status == 200; }));
    const std::string name = "sluicegate_upstream_state_changes_total";
    for (const char* state : {R"(state="checking_failed")", R"(state="healthy")"}) {
        EXPECT_EQ(metric(gateway, name, {R"(upstream="gpu")", state}), 1) << state;
    }
}

TEST_F(UpstreamStatus, AReloadChecksTheEndpointsThatAreConfiguredNow) {
    FakeUpstream before;
    answer_checks(before);
    FakeUpstream after;
    answer_checks(after);
    Gateway gateway(checked(before.base_url()));
    ASSERT_TRUE(before.wait_for_requests(2));
    gateway.daemon().reload(checked(after.base_url()).text());
    const std::size_t asked = before.requests().size();
    ASSERT_TRUE(after.wait_for_requests(4));
    EXPECT_LE(before.requests().size(), asked + 1) << "one may have been under way";
}

TEST_F(UpstreamStatus, ADrainEndsTheChecksAndDoesNotWaitForThem) {
    FakeUpstream gpu;
    const Signal asked;
    gpu.answer(Script().raise(asked).stall());
    ConfigText text = checked(gpu.base_url());
    text.timeouts = "{header: 20s, body: 20s, idle: 75s, drain: 60s}";
    Gateway gateway(text);
    ASSERT_TRUE(asked.wait());
    gateway.daemon().signal(SIGTERM);
    EXPECT_EQ(gateway.daemon().wait_for_exit(), 0) << "the check alone may take a minute";
}

TEST_F(UpstreamStatus, NoCheckIsMadeWhileWhatRunsDrains) {
    FakeUpstream gpu;
    answer_checks(gpu);
    const Signal go;
    up_.answer(Script().wait(go).send(chat_answer()));
    ConfigText text = checked(gpu.base_url());
    text.timeouts = "{header: 20s, body: 20s, idle: 75s, drain: 60s}";
    text.models = "  m: {route: [{upstream: up}], fallback: [{upstream: gpu}]}\n";
    text.threads = "1";  // a worker without connections ends at once, and reloads no more
    Gateway gateway(text);
    TestClient client = gateway.connect();
    client.send(chat_request(alice_key, "m"));
    ASSERT_TRUE(up_.wait_for_requests(1));
    ASSERT_TRUE(eventually([&] { return checks_ >= 2; }));
    gateway.daemon().signal(SIGTERM);
    ASSERT_TRUE(eventually([&] { return gateway.admin("/readyz").body == "draining\n"; }));
    const int before = checks_;
    gateway.daemon().signal(SIGHUP);  // a late one brings no checks back
    let_time_pass(milliseconds(350));
    EXPECT_LE(checks_, before + 1) << "one may have been under way";
    go.raise();
    expect_success(client.read_response());
    EXPECT_EQ(gateway.daemon().wait_for_exit(), 0);
}

}  // namespace
}  // namespace sluicegate::support
