#include "app/upstream_status.hpp"

#include "sluicegate/app/snapshot_builder.hpp"
#include "sluicegate/route/queue_ticket.hpp"

#include "net/manual_clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluicegate::app {
namespace {

using namespace std::chrono_literals;
using metrics::Metric;
using nlohmann::ordered_json;
using route::AttemptKind;
using route::Outcome;
using testing::HasSubstr;
using testing::Not;

/// Two servers `a` and `b` of our own, and a provider behind them.
class UpstreamStatusTest : public testing::Test {
protected:
    UpstreamStatusTest() {
        config.server.listen = {{.host = "127.0.0.1", .port = 0, .tls = std::nullopt}};
        config::Upstream gpu;
        gpu.name = "gpu";
        for (const char* host : {"a", "b"}) {
            gpu.endpoints.push_back({.tls = false, .host = host, .port = 80, .path_prefix = "/v1"});
        }
        gpu.in_flight_max = 8;
        config::Upstream provider;
        provider.name = "provider";
        provider.kind = config::UpstreamKind::azure;
        provider.endpoints = {{.tls = false, .host = "api", .port = 80, .path_prefix = ""}};
        provider.api_key = Secret("sk-the-key");
        provider.headers = {{.name = "x-team", .value = Secret("the-value")}};
        config.upstreams = {gpu, provider};
        config.models = {{.name = "chat",
                          .limits = {},
                          .route = {{.upstream = 0, .weight = 90, .model = "llama"},
                                    {.upstream = 1, .weight = 10, .model = "gpt"}}}};
    }

    void build() {
        auto built = builder.build(config);
        ASSERT_TRUE(built) << built.error().detail;
        snapshot = std::move(*built);
        states.apply(snapshot->config, snapshot->routes, clock.now());
    }
    [[nodiscard]] StatusSources sources() {
        return {.snapshot = *snapshot,
                .limiter = limiter,
                .registry = registry,
                .clock = clock,
                .started_at = {},
                .loaded_at = {},
                .last_reload = std::nullopt,
                .is_draining = false,
                .config_file = "sluicegate.yaml"};
    }
    [[nodiscard]] ordered_json upstream(std::size_t i) { return upstreams_json(sources())[i]; }
    [[nodiscard]] route::EndpointState& endpoint(std::size_t upstream, std::size_t i) {
        return *snapshot->routes.upstreams[upstream]->endpoints()[i];
    }
    [[nodiscard]] route::Quota& quota(std::size_t entry) {
        return *snapshot->models[0].route->entries()[entry].quota;
    }
    void open(route::EndpointState& endpoint) {
        for (int i = 0; i < 3; ++i) {
            endpoint.report(Outcome::connect_failed, AttemptKind::ordinary, 0ms, clock.now());
        }
    }
    /// "LABEL … = VALUE" for each series.
    [[nodiscard]] std::vector<std::string> series(Metric metric) const {
        std::vector<std::string> lines;
        for (const auto& sample : registry.collect(metric)) {
            std::string line;
            for (const std::string& label : sample.labels) line += label + " ";
            lines.push_back(line + "= " + std::to_string(sample.values.front()));
        }
        return lines;
    }

    test::ManualClock clock;
    limit::Limiter limiter{limit::Settings{.window = 60s, .slots = 100}};
    metrics::Registry registry;
    config::Config config;
    route::StateRegistry states;
    SnapshotBuilder builder{states};
    std::shared_ptr<const worker::Snapshot> snapshot;
};

TEST_F(UpstreamStatusTest, ShowsEachEndpointWithItsStateAndItsLoad) {
    build();
    ASSERT_TRUE(endpoint(0, 1).slots.try_take());
    clock.set(clock.now(), WallTime(1'700'000'000s));
    open(endpoint(0, 0));
    clock.advance(1500ms);
    const ordered_json gpu = upstream(0);
    EXPECT_EQ(gpu["name"], "gpu");
    EXPECT_EQ(gpu["kind"], "openai");
    EXPECT_EQ(gpu["endpoints"], ordered_json::parse(R"([
                  {"url": "http://a:80/v1", "state": "open",
                   "reason": "connect failed 3 times in a row; next try in 5s",
                   "since": "2023-11-14T22:13:20.000Z", "in_flight": 0, "max_in_flight": 8},
                  {"url": "http://b:80/v1", "state": "healthy", "reason": null, "since": null,
                   "in_flight": 1, "max_in_flight": 8}])"))
        << gpu["endpoints"];
    EXPECT_EQ(upstream(1)["kind"], "azure");
    EXPECT_TRUE(upstream(1)["endpoints"][0]["max_in_flight"].is_null()) << "no bound is set";
}

TEST_F(UpstreamStatusTest, NamesAnAccountOnlyAsConfiguredAndNoSecret) {
    build();
    EXPECT_FALSE(upstream(1).contains("account"));
    config.upstreams[1].account = "eu-team";
    config.upstreams[1].limits.rpm = 5;
    build();
    EXPECT_EQ(upstream(1)["account"], "eu-team");
    quota(1).refused(1, 2s, clock.now());
    for (const std::string& text :
         {upstreams_json(sources()).dump(), models_json(sources()).dump()}) {
        EXPECT_THAT(text, Not(HasSubstr("sk-the-key")));
        EXPECT_THAT(text, Not(HasSubstr("the-value")));
    }
}

TEST_F(UpstreamStatusTest, CountsWhoWaitsWhereRequestsMayWait) {
    config.upstreams[0].on_full = config::OnFull::queue;
    config.upstreams[0].queue.waiting_max = 20;
    config.upstreams[0].in_flight_max = 1;
    build();
    ASSERT_TRUE(endpoint(0, 0).slots.try_take());
    ASSERT_TRUE(endpoint(0, 1).slots.try_take());
    const route::QueueTicket ticket(*snapshot->routes.upstreams[0], 1, 3, [] {}, clock.now());
    EXPECT_EQ(upstream(0)["waiting"], 1);
    EXPECT_EQ(upstream(0)["max_waiting"], 20);
    EXPECT_FALSE(upstream(1).contains("waiting")) << "it spills";
}

TEST_F(UpstreamStatusTest, ShowsWhatWasLearnedOfAnAccountByModel) {
    config.models.push_back({.name = "small",
                             .limits = {},
                             .route = {{.upstream = 1, .weight = 1, .model = "gpt-mini"},
                                       {.upstream = 1, .weight = 1, .model = "never-asked"}}});
    build();
    EXPECT_EQ(upstream(1)["quotas"], ordered_json::array());
    const route::QuotaReport report{
        .requests = route::QuotaReport::Allowance{.limit = 100, .remaining = 60, .reset = 20s}};
    quota(1).report(report, quota(1).sent(10, clock.now()), clock.now());
    snapshot->models[1].route->entries()[0].quota->refused(10, 2500ms, clock.now());
    clock.advance(500ms);
    EXPECT_EQ(upstream(1)["quotas"], ordered_json::parse(R"([
                  {"model": "gpt", "cooling_ms": 0,
                   "requests": {"limit": 100, "remaining": 61, "reset_ms": 19500}, "tokens": null},
                  {"model": "gpt-mini", "cooling_ms": 2000, "requests": null, "tokens": null}])"))
        << upstream(1)["quotas"];
}

TEST_F(UpstreamStatusTest, ShowsWhatIsLeftOfTheConfiguredCeilings) {
    config.upstreams[1].limits = {.rpm = 3, .tpm = std::nullopt};
    build();
    EXPECT_EQ(upstream(0)["ceilings"], ordered_json::parse(R"({"rpm": null, "tpm": null})"));
    const worker::Ceiling& ceiling = *snapshot->ceilings[1];
    auto admission = limiter.admit(ceiling.account, ceiling.model, ceiling.plan,
                                   {.stated = 0, .guessed = 9}, clock.now());
    admission.reservation.settle(9, clock.now());
    EXPECT_EQ(upstream(1)["ceilings"],
              ordered_json::parse(
                  R"({"rpm": {"limit": 3, "used": 1, "remaining": 2, "reset_ms": 60000},
                      "tpm": null})"))
        << upstream(1)["ceilings"];
}

TEST_F(UpstreamStatusTest, ShowsTheRouteOfAModelAndWhoAnswered) {
    config.models[0].route = {{.upstream = 0, .weight = 2, .model = "llama"},
                              {.upstream = 1, .weight = 0, .model = ""},
                              {.upstream = 1, .weight = 1, .model = "gpt"}};
    config.models[0].fallback = {{.upstream = 1, .weight = 1, .model = "gpt-mini"}};
    config.models[0].is_sticky = true;
    build();
    const auto count = [&](std::string_view model, std::string_view upstream,
                           std::string_view reason, int requests) {
        registry.counter(Metric::routed_requests_total, {model, upstream, reason}).add(requests);
    };
    count("chat", "gpu", "share", 20);
    count("chat", "gpu", "failover", 1);
    count("chat", "gone", "share", 4);
    count("other", "gpu", "share", 99);
    EXPECT_EQ(models_json(sources()), ordered_json::parse(R"([
                  {"name": "chat", "sticky": true,
                   "route": [
                     {"upstream": "gpu", "model": "llama", "weight": 2, "share_percent": 66.67,
                      "fallback": false},
                     {"upstream": "provider", "model": "gpt", "weight": 1, "share_percent": 33.33,
                      "fallback": false},
                     {"upstream": "provider", "model": "chat", "weight": 0, "share_percent": 0.0,
                      "fallback": false},
                     {"upstream": "provider", "model": "gpt-mini", "weight": 0,
                      "share_percent": 0.0, "fallback": true}],
                   "requests": {"gone": {"share": 4}, "gpu": {"failover": 1, "share": 20}}}])"))
        << models_json(sources());
}

TEST_F(UpstreamStatusTest, MeasuresEndpointsAndCoolDownsAtAScrape) {
    build();
    open(endpoint(0, 0));
    ASSERT_TRUE(endpoint(0, 1).slots.try_take());
    quota(1).refused(1, 2500ms, clock.now());
    update_upstream_metrics(registry, *snapshot, clock.now());
    EXPECT_THAT(series(Metric::upstream_endpoint_up),
                testing::ElementsAre("gpu http://a:80/v1 = 0", "gpu http://b:80/v1 = 1",
                                     "provider http://api:80 = 1"));
    EXPECT_THAT(series(Metric::upstream_endpoint_in_flight),
                testing::ElementsAre("gpu http://a:80/v1 = 0", "gpu http://b:80/v1 = 1",
                                     "provider http://api:80 = 0"));
    EXPECT_THAT(series(Metric::upstream_cooling_seconds),
                testing::ElementsAre("gpu llama = 0", "provider gpt = 2500000000"));

    // A server less, another model, and time passes.
    config.upstreams[0].endpoints.pop_back();
    config.models[0].route[0].model = "qwen";
    build();
    clock.advance(5s);
    update_upstream_metrics(registry, *snapshot, clock.now());
    EXPECT_THAT(series(Metric::upstream_endpoint_up),
                testing::ElementsAre("gpu http://a:80/v1 = 0", "provider http://api:80 = 1"))
        << "due for a probe is not healthy yet";
    EXPECT_THAT(series(Metric::upstream_cooling_seconds),
                testing::ElementsAre("gpu qwen = 0", "provider gpt = 0"));
}

TEST_F(UpstreamStatusTest, IsReadyWhileOneEndpointThatModelsLeadToIsHealthyOrDueForAProbe) {
    struct Row {
        const char* name;
        std::function<void()> act;
        bool is_ready;
    };
    const std::vector<Row> rows{
        {"nothing happened yet", [] {}, true},
        {"one server of two is left", [&] { open(endpoint(0, 0)); }, true},
        {"only the provider is left", [&] { open(endpoint(0, 1)); }, true},
        {"the provider wants a pause",
         [&] {
             endpoint(1, 0).report(Outcome::overloaded, AttemptKind::ordinary, 60s, clock.now());
         },
         false},
        {"the servers are due for a probe", [&] { clock.advance(5s); }, true},
        {"a probe is under way", [&] { EXPECT_TRUE(endpoint(0, 0).begin_attempt(clock.now())); },
         true},
    };
    config.upstreams.push_back(config.upstreams[1]);
    config.upstreams.back().name = "unused";
    config.upstreams.back().endpoints[0].host = "unused";
    build();
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        row.act();
        EXPECT_EQ(!why_not_ready(*snapshot, clock.now()), row.is_ready);
    }
}

TEST_F(UpstreamStatusTest, SaysWhyItIsNotReadyInOneLineForEachEndpoint) {
    config.models[0].route.pop_back();
    config.upstreams[0].health = config::HealthCheck{.path = "/health", .model = ""};
    config.upstreams[0].health->unhealthy_after = 1;
    build();
    snapshot->routes.upstreams[0]->report_check(0, false, "answered 500: out\r\nof memory",
                                                clock.now());
    open(endpoint(0, 1));
    EXPECT_EQ(why_not_ready(*snapshot, clock.now()),
              "no upstream is healthy\n"
              "gpu http://a:80/v1: checking_failed: answered 500: out  of memory\n"
              "gpu http://b:80/v1: open: connect failed 3 times in a row; next try in 5s\n");
}

TEST_F(UpstreamStatusTest, IsReadyWithoutAnyModel) {
    config.models.clear();
    build();
    EXPECT_EQ(why_not_ready(*snapshot, clock.now()), std::nullopt);
}

}  // namespace
}  // namespace sluicegate::app
