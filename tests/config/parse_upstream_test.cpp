#include "config/support.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {
namespace {

using namespace std::chrono_literals;

/// A configuration whose upstream `far` has these keys.
std::string with_upstream(std::string_view keys) {
    return std::string(minimal_server) + std::string(minimal_users) + "upstreams: {far: {" +
           std::string(keys) + "}}\nmodels: {m: {route: [{upstream: far}]}}\n";
}

Upstream upstream_of(std::string_view keys, const Environment& environment = environment_of({})) {
    const Config config = config_of(with_upstream(keys), environment);
    return config.upstreams.empty() ? Upstream{} : config.upstreams.front();
}

TEST(ParseUpstream, HasNoBoundsUnlessTheFileSetsThem) {
    const Upstream far = upstream_of("kind: openai, base_url: 'http://a'");
    EXPECT_EQ(far.in_flight_max, std::nullopt);
    EXPECT_EQ(far.on_full, OnFull::spill);
    EXPECT_EQ(far.health, std::nullopt);
    EXPECT_EQ(far.breaker, BreakerSettings{});
}

TEST(ParseUpstream, MayBeCheckedByACompletion) {
    const Upstream far =
        upstream_of("kind: openai, base_url: 'http://a', health: {model: 'llama 3'}");
    ASSERT_TRUE(far.health.has_value());
    EXPECT_EQ(*far.health, (HealthCheck{.path = "", .model = "llama 3"}));
}

TEST(ParseUpstream, TakesTlsSettingsOnceOneEndpointNeedsThem) {
    const Upstream far =
        upstream_of("kind: openai, endpoints: ['http://a', 'https://b'], tls: {server_name: c}");
    EXPECT_EQ(far.tls.server_name, "c");
    EXPECT_EQ(far.endpoints.size(), 2U);
}

TEST(ParseUpstream, SpillsAtOnceOrWaitsAsTheFileSays) {
    const Upstream spills =
        upstream_of("kind: openai, base_url: 'http://a', max_in_flight: 1, on_full: spill");
    EXPECT_EQ(spills.on_full, OnFull::spill);
    const Upstream waits =
        upstream_of("kind: openai, base_url: 'http://a', max_in_flight: 1000000, on_full: queue");
    EXPECT_EQ(waits.on_full, OnFull::queue);
    EXPECT_EQ(waits.queue, QueueSettings{});
}

TEST(ParseUpstream, SendsAKeyAsItsKindDoesUnlessToldOtherwise) {
    struct Row {
        std::string_view keys, header;
    };
    const Row rows[] = {
        {"kind: openai, base_url: 'http://a', api_key: k", "authorization"},
        {"kind: azure, base_url: 'http://a', api_key: k", "api-key"},
        {"kind: azure, base_url: 'http://a', api_key: k, api_key_header: Authorization",
         "authorization"},
        {"kind: openai, base_url: 'http://a', api_key: k, api_key_header: X-Goog-Api-Key",
         "x-goog-api-key"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.keys);
        EXPECT_EQ(upstream_of(row.keys).api_key_header, row.header);
    }
}

TEST(ParseUpstream, TakesAuthorizationFromHeadersOnceTheKeyIsElsewhere) {
    const Upstream without = upstream_of(
        "kind: openai, base_url: 'http://a', headers: {Authorization: 'Basic ${PASSWORD}'}",
        environment_of({{"PASSWORD", "abc"}}));
    EXPECT_EQ(without.headers, (std::vector<ExtraField>{{"authorization", Secret("Basic abc")}}));
    const Upstream beside = upstream_of(
        "kind: azure, base_url: 'http://a', api_key: k, headers: {Authorization: Basic abc}");
    EXPECT_EQ(beside.headers.size(), 1U);
}

TEST(ParseUpstream, KnowsTheVersionsOfAzure) {
    for (const std::string_view version :
         {"2024-10-21", "2025-04-01-preview", "preview", "latest"}) {
        EXPECT_EQ(upstream_of("kind: azure, base_url: 'https://a.openai.azure.com', api_version: " +
                              std::string(version))
                      .api_version,
                  version);
    }
    for (const std::string_view version :
         {"v1", "2024-10", "2024-10-2x", "2024/10/21", "2024-10-21-", "2024-10-21-beta",
          "2024-10-21&x", "''"}) {
        EXPECT_FALSE(load_text(with_upstream("kind: azure, base_url: 'http://a', api_version: " +
                                             std::string(version)),
                               environment_of({}))
                         .config.has_value())
            << version;
    }
}

TEST(ParseUpstream, NeedsNoVersionOfAzureForItsV1Api) {
    const Upstream v1 =
        upstream_of("kind: azure, base_url: 'https://a.openai.azure.com/openai/v1/'");
    EXPECT_EQ(v1.api_version, "");
    const Upstream behind_a_gateway = upstream_of("kind: azure, base_url: 'https://apim.example'");
    EXPECT_EQ(behind_a_gateway.api_version, "");
}

TEST(ParseUpstream, MayShareAnAccountAndItsLimits) {
    const Config config = config_of(
        std::string(minimal_server) + std::string(minimal_users) +
        "upstreams:\n"
        "  a: {kind: openai, base_url: 'http://a', account: main, limits: {rpm: 1}}\n"
        "  b: {kind: openai, base_url: 'http://b', account: main, limits: {rpm: 1}}\n"
        "  c: {kind: openai, base_url: 'http://c', api_key: '1', limits: {rpm: 1}}\n"
        "  d: {kind: openai, base_url: 'http://c', api_key: '2', limits: {rpm: 2}}\n"
        "  e: {kind: openai, base_url: 'http://c', api_key: '2', account: e, limits: {rpm: 3}}\n"
        "models: {m: {route: [{upstream: a}]}}\n");
    EXPECT_EQ(config.upstreams.size(), 5U);
}

TEST(ParseUpstream, ForgetsTheAccountOfAKeyThatIsNotThere) {
    // Two upstreams that are off have no key, which makes them no account.
    const Config config = config_of(std::string(minimal_server) + std::string(minimal_users) +
                                    std::string(minimal_models) +
                                    "upstreams:\n"
                                    "  echo: {kind: echo}\n"
                                    "  a: {kind: openai, when_env: A, base_url: 'http://a', "
                                    "api_key: '${A}', limits: {rpm: 1}}\n"
                                    "  b: {kind: openai, when_env: B, base_url: 'http://a', "
                                    "api_key: '${B}', limits: {rpm: 2}}\n");
    EXPECT_EQ(config.upstreams.size(), 1U);
}

TEST(ParseUpstream, PrefersNoEndpointForAPrefixUnlessToldTo) {
    for (const std::string_view off : {"off", "false", "0B"}) {
        EXPECT_EQ(
            upstream_of("kind: openai, base_url: 'http://a', prefix_affinity: " + std::string(off))
                .prefix_affinity,
            0U);
    }
    EXPECT_EQ(
        upstream_of("kind: openai, base_url: 'http://a', prefix_affinity: 64B").prefix_affinity,
        64U);
}

TEST(ParseUpstream, TakesTheCredentialsOfAProxyFromTheEnvironment) {
    const Upstream far =
        upstream_of("kind: openai, base_url: 'https://a', proxy: 'http://user:${PASSWORD}@p:3128'",
                    environment_of({{"PASSWORD", "pass"}}));
    ASSERT_TRUE(far.proxy.has_value());
    EXPECT_EQ(far.proxy->host, "p");
    ASSERT_TRUE(far.proxy->authorization.has_value());
    EXPECT_EQ(far.proxy->authorization->reveal(), "dXNlcjpwYXNz");
}

}  // namespace
}  // namespace sluicegate::config
