#include "worker/health_checks.hpp"

#include "sluicegate/route/state_registry.hpp"

#include "client/owned_context.hpp"
#include "net/raw_peer.hpp"
#include "support/answer_with.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluicegate::worker {
namespace {

using namespace std::chrono_literals;
using route::Health;
using test::answer_with;
using test::RawPeer;
using testing::HasSubstr;

/// Longer than the first checks are spread over, and than a tick.
constexpr Milliseconds soon = 600ms;

/// Upstreams whose servers are the test itself, and a worker that checks them.
class HealthChecksTest : public testing::Test {
protected:
    struct Server {
        HealthChecks::Target target;
        std::vector<RawPeer> peers;  ///< one for each connection
    };

    static config::Upstream upstream_named(const std::string& name) {
        config::Upstream upstream;
        upstream.name = name;
        upstream.endpoints = {{.tls = false, .host = name, .port = 8000, .path_prefix = "/v1"}};
        upstream.api_key = Secret("sk-" + name);
        upstream.health = config::HealthCheck{.path = "/health",
                                              .model = "",
                                              .every = 5s,
                                              .timeout = 2s,
                                              .unhealthy_after = 1,
                                              .healthy_after = 1};
        return upstream;
    }

    /// As a reload does.
    std::shared_ptr<const route::UpstreamHandle> load(const config::Upstream& upstream) {
        config::Config config;
        config.upstreams = {upstream};
        const route::RoutePlan plan = states[upstream.name].plan(config);
        states[upstream.name].apply(config, plan, owned.clock.now());
        return plan.upstreams.front();
    }

    Server& start(const config::Upstream& upstream, std::size_t endpoint = 0) {
        Server& server = servers[upstream.name + std::to_string(endpoint)];
        const upstream::Services services{owned.io, owned.clock,    owned.deadlines,
                                          resolver, owned.registry, owned.memory};
        server.target.pool = std::make_shared<upstream::Pool>(
            services, upstream, endpoint, nullptr, [this, &server] {
                test::ConnectedPair pair = test::unix_pair(owned.io);
                server.peers.push_back(std::move(pair.peer));
                return Result<net::Socket>(std::move(pair.socket));
            });
        server.target.upstream = load(upstream);
        server.target.endpoint = endpoint;
        return server;
    }

    [[nodiscard]] route::EndpointStatus status_of(const Server& server) const {
        const auto& endpoints = server.target.upstream->endpoints();
        return endpoints[server.target.endpoint]->status(owned.clock.now());
    }
    [[nodiscard]] Health health_of(const Server& server) const { return status_of(server).health; }
    void watch(const std::vector<HealthChecks::Target>& targets) {
        checks.begin_watching();
        for (const HealthChecks::Target& target : targets) checks.watch(target);
        while (!checks.end_unwatched(1)) {
        }
        owned.settle();
    }
    /// The question that has arrived over the last connection since the last look.
    static std::string question(Server& server) {
        return server.peers.empty() ? "" : server.peers.back().received();
    }
    void answer(Server& server, std::string_view status, std::string_view body = "") {
        ASSERT_FALSE(server.peers.empty());
        server.peers.back().send(answer_with(status, "", body));
        owned.settle();
    }

    test::OwnedContext owned;
    net::Resolver resolver{owned.io, owned.clock};
    Telemetry telemetry{owned.registry};
    std::map<std::string, route::StateRegistry> states;  ///< by upstream
    std::map<std::string, Server> servers;
    HealthChecks checks{owned.context, telemetry};
};

TEST_F(HealthChecksTest, AskForThePathFromTheRootOfTheServer) {
    Server& gpu = start(upstream_named("gpu"));
    watch({gpu.target});
    owned.pass(soon);
    const std::string asked = question(gpu);
    EXPECT_TRUE(asked.starts_with("GET /health HTTP/1.1\r\nhost: gpu:8000\r\n")) << asked;
    EXPECT_THAT(asked, HasSubstr("\r\nauthorization: Bearer sk-gpu\r\n"));
    EXPECT_TRUE(asked.ends_with("\r\n\r\n")) << asked;
    answer(gpu, "200 OK");
    EXPECT_EQ(health_of(gpu), Health::healthy);
}

TEST_F(HealthChecksTest, AskAModelForOneToken) {
    config::Upstream upstream = upstream_named("azure");
    upstream.kind = config::UpstreamKind::azure;
    upstream.endpoints[0].path_prefix = "";
    upstream.api_version = "2024-10-21";
    upstream.api_key_header = "api-key";
    upstream.health->path = "";
    upstream.health->model = "gpt \"4o\"";
    Server& azure = start(upstream);
    watch({azure.target});
    owned.pass(soon);
    const std::string asked = question(azure);
    EXPECT_TRUE(
        asked.starts_with("POST /openai/deployments/gpt%20%224o%22/chat/completions"
                          "?api-version=2024-10-21 HTTP/1.1\r\n"))
        << asked;
    EXPECT_THAT(asked, HasSubstr("\r\napi-key: sk-azure\r\n"));
    EXPECT_THAT(asked, HasSubstr("\r\ncontent-type: application/json\r\n"));
    const std::string body =
        R"({"model":"gpt \"4o\"","messages":[{"role":"user","content":"ping"}],"max_tokens":1})";
    EXPECT_TRUE(
        asked.ends_with("\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body))
        << asked;
}

TEST_F(HealthChecksTest, AskAgainAndAgainOverOneConnection) {
    Server& gpu = start(upstream_named("gpu"));
    watch({gpu.target});
    owned.pass(soon);
    for (int round = 0; round < 3; ++round) {
        SCOPED_TRACE(round);
        EXPECT_THAT(question(gpu), HasSubstr("GET /health"));
        answer(gpu, "200 OK");
        owned.pass(4s);
        EXPECT_EQ(question(gpu), "") << "not before its time";
        owned.pass(1s + soon);
    }
    EXPECT_EQ(gpu.peers.size(), 1U);
}

TEST_F(HealthChecksTest, SayWhyAnEndpointIsNotHealthyAndWhenItIsAgain) {
    struct Row {
        const char* name;
        const char* status;
        std::string body;
        std::string reason;
    };
    const std::string long_text(500, 'x');
    const std::vector<Row> rows{
        {"llama.cpp, loading", "503 No",
         R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})",
         "answered 503: Loading model"},
        {"no words", "503 No", "", "answered 503"},
        {"a page", "502 No", "<html>Bad gateway</html>", "answered 502: Bad gateway"},
        {"many words", "500 No", R"({"error":{"message":")" + long_text + "\"}}",
         "answered 500: " + long_text.substr(0, 120)},
        {"cut inside a character", "500 No",
         R"({"error":{"message":")" + long_text.substr(0, 119) + "\u00e9\"}}",
         "answered 500: " + long_text.substr(0, 119)},
        {"a wrong key", "401 No", R"({"error":{"message":"Incorrect API key: sk-gpu"}})",
         "answered 401: it refuses the API key"},
        {"a wrong path", "404 No", R"({"detail":"Not Found"})", "answered 404: Not Found"},
        {"a redirect", "302 No", "", "answered 302"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Server& gpu = start(upstream_named("gpu"));
        watch({gpu.target});
        owned.pass(soon);
        answer(gpu, row.status, row.body);
        EXPECT_EQ(health_of(gpu), Health::checking_failed);
        EXPECT_EQ(status_of(gpu).reason, row.reason);
        owned.pass(5s + soon);
        answer(gpu, "200 OK");
        EXPECT_EQ(health_of(gpu), Health::healthy);
        checks.stop();
        owned.settle();
        servers.clear();
    }
}

TEST_F(HealthChecksTest, LogAChangeOnce) {
    Server& gpu = start(upstream_named("gpu"));
    testing::internal::CaptureStdout();
    watch({gpu.target});
    owned.pass(soon);
    answer(gpu, "503 No");
    owned.pass(5s + soon);
    answer(gpu, "503 No");
    const std::string sick = testing::internal::GetCapturedStdout();
    EXPECT_THAT(sick, HasSubstr(R"("level":"warn","event":"upstream_state")"));
    EXPECT_THAT(sick, HasSubstr(R"("upstream":"gpu","endpoint":"http://gpu:8000/v1",)"
                                R"("state":"checking_failed","reason":"answered 503"})"));
    EXPECT_EQ(std::ranges::count(sick, '\n'), 1);

    testing::internal::CaptureStdout();
    owned.pass(5s + soon);
    answer(gpu, "200 OK");
    const std::string well = testing::internal::GetCapturedStdout();
    EXPECT_THAT(well, HasSubstr(R"("level":"info","event":"upstream_state")"));
    EXPECT_THAT(well, HasSubstr(R"("state":"healthy")"));
}

TEST_F(HealthChecksTest, SilenceAndBrokenConnectionsAreNoHealth) {
    Server& gpu = start(upstream_named("gpu"));
    watch({gpu.target});
    owned.pass(soon);
    owned.pass(2s + 2 * net::Deadlines::tick_length);
    EXPECT_EQ(health_of(gpu), Health::checking_failed);
    EXPECT_EQ(status_of(gpu).reason, "no answer in time");
    owned.pass(3s + soon);
    ASSERT_EQ(gpu.peers.size(), 2U);
    answer(gpu, "200 OK");
    EXPECT_EQ(health_of(gpu), Health::healthy);
    owned.pass(5s + soon);
    gpu.peers.back().close();
    owned.settle();
    ASSERT_EQ(gpu.peers.size(), 3U) << "an idle connection may end: the question goes out again";
    gpu.peers.back().close();
    owned.settle();
    EXPECT_EQ(health_of(gpu), Health::checking_failed);
}

TEST_F(HealthChecksTest, BlameNoEndpointForMemoryThatTheGatewayHasNotGot) {
    owned.memory.set_limit(0);
    Server& gpu = start(upstream_named("gpu"));
    watch({gpu.target});
    owned.pass(soon);
    const std::string long_body(20'000, 'x');
    answer(gpu, "200 OK", long_body);
    EXPECT_EQ(health_of(gpu), Health::healthy);
    EXPECT_EQ(status_of(gpu).reason, "");

    owned.memory.set_limit(std::size_t{1} << 20);
    owned.pass(5s + soon);
    answer(gpu, "503 No", long_body);
    EXPECT_EQ(health_of(gpu), Health::checking_failed);
}

TEST_F(HealthChecksTest, CheckEachEndpointByItself) {
    config::Upstream upstream = upstream_named("gpu");
    upstream.endpoints.push_back(
        {.tls = false, .host = "second", .port = 8000, .path_prefix = "/v1"});
    Server& first = start(upstream, 0);
    Server& second = start(upstream, 1);
    second.target.upstream = first.target.upstream;
    watch({first.target, second.target});
    owned.pass(soon);
    EXPECT_THAT(question(first), HasSubstr("\r\nhost: gpu:8000\r\n"));
    EXPECT_THAT(question(second), HasSubstr("\r\nhost: second:8000\r\n"));
    answer(first, "200 OK");
    answer(second, "503 No");
    EXPECT_EQ(health_of(first), Health::healthy);
    EXPECT_EQ(health_of(second), Health::checking_failed);
}

TEST_F(HealthChecksTest, LeaveUpstreamsWithoutACheckAlone) {
    config::Upstream upstream = upstream_named("gpu");
    upstream.health.reset();
    Server& gpu = start(upstream);
    watch({gpu.target});
    owned.pass(soon);
    owned.pass(1min);
    EXPECT_TRUE(gpu.peers.empty());
}

TEST_F(HealthChecksTest, AReloadInterruptsOnlyWhatIsNotToStay) {
    Server& kept = start(upstream_named("kept"));
    Server& left = start(upstream_named("left"));
    watch({kept.target, left.target});
    owned.pass(soon);
    static_cast<void>(question(kept));
    static_cast<void>(question(left));

    // Both questions are under way. The handle of what stays is replaced, as a reload does.
    Server& added = start(upstream_named("added"));
    kept.target.upstream = load(kept.target.pool->settings());
    watch({added.target, kept.target});
    owned.settle();
    EXPECT_TRUE(left.peers.back().has_ended());
    EXPECT_EQ(health_of(left), Health::healthy) << "an interrupted question says nothing";
    answer(kept, "503 No");
    EXPECT_EQ(health_of(kept), Health::checking_failed);

    owned.pass(soon);
    EXPECT_THAT(question(added), HasSubstr("GET /health"));
    owned.pass(5s);
    EXPECT_THAT(question(kept), HasSubstr("GET /health"));
    EXPECT_EQ(left.peers.size(), 1U);
}

TEST_F(HealthChecksTest, EndWhenTheyAreStopped) {
    Server& asked = start(upstream_named("asked"));
    Server& resting = start(upstream_named("resting"));
    watch({asked.target, resting.target});
    owned.pass(soon);
    answer(resting, "200 OK");
    checks.stop();
    owned.settle();
    EXPECT_TRUE(asked.peers.back().has_ended());
    owned.pass(1min);
    EXPECT_EQ(asked.peers.size(), 1U);
    EXPECT_EQ(asked.target.pool.use_count(), 1) << "its task has ended";
    EXPECT_EQ(resting.target.pool.use_count(), 1);
}

}  // namespace
}  // namespace sluicegate::worker
