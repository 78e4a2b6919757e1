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

}  // namespace
}  // namespace sluicegate::config
