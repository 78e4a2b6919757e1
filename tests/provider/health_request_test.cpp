#include "sluicegate/provider/health_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluicegate::provider {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

config::Upstream provider(config::HealthCheck check) {
    config::Upstream upstream;
    upstream.endpoints = {{.tls = false, .host = "gpu", .port = 8000, .path_prefix = "/v1"}};
    upstream.api_key = Secret("sk-provider");
    upstream.health = std::move(check);
    return upstream;
}

TEST(HealthRequest, AsksForAPathOfTheServer) {
    const config::Upstream upstream = provider({.path = "/health", .model = ""});
    EXPECT_EQ(health_method(*upstream.health), http::Method::get);
    const Secret request = health_request(upstream, 0);
    const std::string text(request.reveal());
    EXPECT_THAT(text, StartsWith("GET /health HTTP/1.1\r\nhost: gpu:8000\r\n"));
    EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST(HealthRequest, AsksForACompletionOfOneToken) {
    const config::Upstream upstream = provider({.path = "", .model = "a \"model\""});
    EXPECT_EQ(health_method(*upstream.health), http::Method::post);
    const Secret request = health_request(upstream, 0);
    const std::string text(request.reveal());
    EXPECT_THAT(text, StartsWith("POST /v1/chat/completions HTTP/1.1\r\n"));
    const std::string body = text.substr(text.find("\r\n\r\n") + 4);
    EXPECT_THAT(body, StartsWith(R"({"model":"a \"model\"","messages":)"));
    EXPECT_THAT(text, HasSubstr("content-length: " + std::to_string(body.size()) + "\r\n"));
}

TEST(HealthRequest, OfAnUnhealthyServerSaysWhy) {
    const config::Upstream upstream = provider({.path = "/health", .model = ""});
    EXPECT_EQ(why_unhealthy(upstream, 200, ""), "");
    EXPECT_EQ(why_unhealthy(upstream, 302, ""), "answered 302");
    EXPECT_EQ(why_unhealthy(upstream, 401, R"({"error":{"message":"sk-provider"}})"),
              "answered 401: it refuses the API key");
    EXPECT_EQ(why_unhealthy(upstream, 503, R"({"error":{"message":"Loading model"}})"),
              "answered 503: Loading model");
    EXPECT_EQ(why_unhealthy(upstream, 500, R"({"error":{"message":"key sk-provider"}})"),
              "answered 500: key ***");
}

}  // namespace
}  // namespace sluicegate::provider
