#include "sluicegate/provider/target.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluicegate::provider {
namespace {

using config::UpstreamKind;
using openai::Endpoint;

config::Upstream upstream_at(UpstreamKind kind, std::string prefix, std::string version = "") {
    config::Upstream upstream;
    upstream.name = "provider";
    upstream.kind = kind;
    upstream.endpoints = {
        {.tls = true, .host = "api.test", .port = 443, .path_prefix = std::move(prefix)}};
    upstream.api_version = std::move(version);
    return upstream;
}

std::string target_of(const config::Upstream& upstream, std::string_view query = "",
                      Endpoint asked = Endpoint::chat_completions, std::size_t endpoint = 0) {
    std::string out;
    append_target(out, upstream, endpoint, asked, "gpt 4o", query);
    return out;
}

TEST(Target, IsTheEndpointBehindThePrefix) {
    struct Row {
        const char* name;
        config::Upstream upstream;
        const char* target;
    };
    config::Upstream echo;
    echo.kind = UpstreamKind::echo;
    const Row rows[] = {
        {"OpenAI", upstream_at(UpstreamKind::openai, "/v1"), "/v1/chat/completions"},
        {"no prefix", upstream_at(UpstreamKind::openai, ""), "/chat/completions"},
        {"echo", echo, "/chat/completions"},
        {"a version means nothing elsewhere",
         upstream_at(UpstreamKind::openai, "/v1", "2024-10-21"), "/v1/chat/completions"},
        {"Azure, v1", upstream_at(UpstreamKind::azure, "/openai/v1"),
         "/openai/v1/chat/completions"},
        {"Azure, v1 with a version", upstream_at(UpstreamKind::azure, "/openai/v1", "preview"),
         "/openai/v1/chat/completions?api-version=preview"},
        {"Azure, dated", upstream_at(UpstreamKind::azure, "", "2024-10-21"),
         "/openai/deployments/gpt%204o/chat/completions?api-version=2024-10-21"},
        {"Azure, dated, behind a gateway", upstream_at(UpstreamKind::azure, "/team", "2024-10-21"),
         "/team/openai/deployments/gpt%204o/chat/completions?api-version=2024-10-21"},
        {"Azure, dated, the root written out",
         upstream_at(UpstreamKind::azure, "/openai", "2024-10-21"),
         "/openai/deployments/gpt%204o/chat/completions?api-version=2024-10-21"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(target_of(row.upstream), row.target);
    }
}

TEST(Target, PassesOnlyTheQueryParametersOnTheList) {
    struct Row {
        const char* name;
        UpstreamKind kind;
        const char* version;
        const char* query;
        const char* rest;
    };
    const Row rows[] = {
        {"openai", UpstreamKind::openai, "", "a=1&beta=true&key=x&b=2", "?beta=true"},
        {"openai: another's version is no business of ours", UpstreamKind::openai, "",
         "api-version=1&a=1", "?api-version=1"},
        {"nothing on the list", UpstreamKind::openai, "", "a=1&b", ""},
        {"credentials", UpstreamKind::openai, "", "key=x&api-key=y&api_key=z&access_token=t", ""},
        {"credentials, encoded", UpstreamKind::openai, "", "%6bey=x&api%2Dkey=y&ke%79", ""},
        {"a passed name, encoded", UpstreamKind::openai, "", "b%65ta=true", "?beta=true"},
        {"other letter case", UpstreamKind::openai, "", "Beta=true&API-VERSION=1", ""},
        {"twice", UpstreamKind::openai, "", "beta=1&beta=2", "?beta=1"},
        {"a second separator", UpstreamKind::openai, "", "beta=1;key=x", ""},
        {"an encoded separator", UpstreamKind::openai, "", "beta=1%26key=x", ""},
        {"no value", UpstreamKind::openai, "", "beta", "?beta="},
        {"azure", UpstreamKind::azure, "2024-10-21", "a=1&beta=1",
         "?api-version=2024-10-21&beta=1"},
        {"azure: the client's version", UpstreamKind::azure, "2024-10-21",
         "api-version=1&beta=1&API-Version=2&api-version", "?api-version=2024-10-21&beta=1"},
        {"azure: the client's version, encoded", UpstreamKind::azure, "2024-10-21",
         "api%2Dversion=1&%61pi-version=1", "?api-version=2024-10-21"},
        {"azure, v1: the client's version", UpstreamKind::azure, "", "api-version=1&a=1", ""},
        {"azure: longer names", UpstreamKind::azure, "2024-10-21", "api-versions=1",
         "?api-version=2024-10-21"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const std::string target = target_of(upstream_at(row.kind, "", row.version), row.query);
        EXPECT_EQ(target.substr(std::min(target.find('?'), target.size())), row.rest);
    }
}

TEST(Target, TakesThePrefixOfTheEndpointThatIsAsked) {
    config::Upstream upstream = upstream_at(UpstreamKind::openai, "/one");
    upstream.endpoints.push_back(upstream.endpoints.front());
    upstream.endpoints[1].path_prefix = "/two";
    EXPECT_EQ(target_of(upstream, "", Endpoint::embeddings, 0), "/one/embeddings");
    EXPECT_EQ(target_of(upstream, "", Endpoint::embeddings, 1), "/two/embeddings");
}

}  // namespace
}  // namespace sluicegate::provider
