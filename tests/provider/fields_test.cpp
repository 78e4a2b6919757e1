#include "sluicegate/provider/fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluicegate::provider {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

config::Upstream upstream_at(config::Endpoint endpoint) {
    config::Upstream upstream;
    upstream.name = "provider";
    upstream.endpoints = {std::move(endpoint)};
    return upstream;
}

config::Upstream provider() {
    return upstream_at({.tls = true, .host = "api.test", .port = 443, .path_prefix = "/v1"});
}

std::string fields_of(const config::Upstream& upstream, std::size_t endpoint = 0) {
    return std::string(fixed_fields(upstream, endpoint).reveal());
}

TEST(FixedFields, NameTheHostAsItsAddressDoes) {
    struct Row {
        const char* name;
        config::Endpoint endpoint;
        const char* host;
    };
    const Row rows[] = {
        {"TLS", {.tls = true, .host = "api.test", .port = 443, .path_prefix = ""}, "api.test"},
        {"TLS on another port",
         {.tls = true, .host = "api.test", .port = 8443, .path_prefix = ""},
         "api.test:8443"},
        {"plain", {.tls = false, .host = "gpu", .port = 80, .path_prefix = ""}, "gpu"},
        {"plain on TLS's port",
         {.tls = false, .host = "gpu", .port = 443, .path_prefix = ""},
         "gpu:443"},
        {"IPv6", {.tls = false, .host = "::1", .port = 8000, .path_prefix = ""}, "[::1]:8000"},
        {"a Unix socket",
         {.tls = false,
          .host = "localhost",
          .port = 80,
          .path_prefix = "/v1",
          .unix_socket = "/run/vllm.sock"},
         "localhost"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_THAT(fields_of(upstream_at(row.endpoint)),
                    StartsWith("host: " + std::string(row.host) + "\r\n"));
    }
    config::Upstream echo;
    echo.kind = config::UpstreamKind::echo;
    EXPECT_THAT(fields_of(echo), StartsWith("host: echo\r\n"));
}

TEST(FixedFields, AreThoseOfTheEndpointThatIsAsked) {
    config::Upstream upstream = provider();
    upstream.endpoints.push_back(
        {.tls = false, .host = "10.0.0.7", .port = 8000, .path_prefix = ""});
    EXPECT_THAT(fields_of(upstream, 0), StartsWith("host: api.test\r\n"));
    EXPECT_THAT(fields_of(upstream, 1), StartsWith("host: 10.0.0.7:8000\r\n"));
}

TEST(FixedFields, CarryTheKeyWhereTheUpstreamWantsIt) {
    config::Upstream upstream = provider();
    EXPECT_THAT(fields_of(upstream), Not(HasSubstr("authorization")));
    upstream.api_key = Secret("sk-provider");
    EXPECT_THAT(fields_of(upstream), HasSubstr("\r\nauthorization: Bearer sk-provider\r\n"));
    upstream.api_key_header = "api-key";
    EXPECT_THAT(fields_of(upstream), HasSubstr("\r\napi-key: sk-provider\r\n"));
    EXPECT_THAT(fields_of(upstream), Not(HasSubstr("authorization")));
    EXPECT_THAT(fields_of(upstream), Not(HasSubstr("Bearer")));
}

TEST(FixedFields, CarryWhatIsConfigured) {
    config::Upstream upstream = provider();
    EXPECT_THAT(fields_of(upstream), HasSubstr("\r\nuser-agent: sluicegate/"));
    upstream.headers = {{.name = "http-referer", .value = Secret("https://team.example")},
                        {.name = "user-agent", .value = Secret("team/1")}};
    const std::string fields = fields_of(upstream);
    EXPECT_THAT(fields, HasSubstr("\r\nhttp-referer: https://team.example\r\n"));
    EXPECT_THAT(fields, HasSubstr("\r\nuser-agent: team/1\r\n"));
    EXPECT_THAT(fields, Not(HasSubstr("user-agent: sluicegate/")));
    EXPECT_THAT(fields, HasSubstr("\r\naccept-encoding: identity\r\n"));
    EXPECT_TRUE(sets_field(upstream, "user-agent"));
    EXPECT_FALSE(sets_field(upstream, "accept"));
}

}  // namespace
}  // namespace sluicegate::provider
