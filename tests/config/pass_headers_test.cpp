#include "sluicegate/config/pass_headers.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {
namespace {

TEST(PassHeaders, CredentialsAndTheConnectionNeverPass) {
    for (const std::string_view name : {"authorization",
                                        "proxy-authorization",
                                        "x-goog-authorization",
                                        "api-key",
                                        "api_key",
                                        "x-api-key",
                                        "x_api_key",
                                        "x-goog-api-key",
                                        "openai-apikey",
                                        "cookie",
                                        "cookie2",
                                        "set-cookie",
                                        "x-password",
                                        "x-client-secret",
                                        "host",
                                        "connection",
                                        "keep-alive",
                                        "keep_alive",
                                        "te",
                                        "trailer",
                                        "upgrade",
                                        "http2-settings",
                                        "transfer-encoding",
                                        "content-length",
                                        "content_length",
                                        "content-type",
                                        "content-encoding",
                                        "accept-encoding",
                                        "expect",
                                        "idempotency-key",
                                        "x-request-id"}) {
        EXPECT_FALSE(may_pass_header(name)) << name;
    }
    for (const std::string_view name :
         {"x-openrouter-title", "anthropic-beta", "baggage", "user-agent", "x-session-id",
          "x-max-tokens", "team", "x-host", "accept-language"}) {
        EXPECT_TRUE(may_pass_header(name)) << name;
    }
}

TEST(PassHeaders, AStarStandsForAnyEnd) {
    const std::vector<std::string> patterns{"x-openrouter-*", "baggage"};
    for (const std::string_view name : {"x-openrouter-", "x-openrouter-title", "baggage"}) {
        EXPECT_TRUE(is_passed_header(patterns, name)) << name;
    }
    for (const std::string_view name : {"x-openrouter", "baggage2", "bag", "", "x-openrouterx"}) {
        EXPECT_FALSE(is_passed_header(patterns, name)) << name;
    }
    EXPECT_TRUE(is_passed_header(std::vector<std::string>{"*"}, "x"));
    EXPECT_FALSE(is_passed_header({}, "x"));
}

}  // namespace
}  // namespace sluicegate::config
