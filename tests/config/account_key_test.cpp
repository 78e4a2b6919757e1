#include "sluicegate/config/account_key.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluicegate::config {
namespace {

Endpoint server() {
    return {.tls = true, .host = "api.example.com", .port = 443, .path_prefix = "/v1"};
}

Upstream upstream(const Endpoint& endpoint, std::string_view key) {
    Upstream result;
    result.name = "first";
    result.endpoints = {endpoint};
    if (!key.empty()) result.api_key = Secret(std::string(key));
    return result;
}

TEST(AccountKey, IsTheSameForOneServerAndKey) {
    const std::string first = account_key(upstream(server(), "secret"));
    Upstream second = upstream(server(), "secret");
    second.name = "second";
    second.kind = UpstreamKind::azure;
    second.endpoints.front().path_prefix = "/v2";
    second.endpoints.push_back({.tls = false, .host = "b", .port = 80, .path_prefix = ""});
    EXPECT_EQ(account_key(second), first);
}

TEST(AccountKey, TellsServersAndKeysApart) {
    struct Row {
        std::string_view name;
        Upstream upstream;
    };
    Endpoint plain = server();
    plain.tls = false;
    Endpoint other_host = server();
    other_host.host = "api.example.org";
    Endpoint other_port = server();
    other_port.port = 444;
    const Endpoint socket{.tls = false,
                          .host = "localhost",
                          .port = 80,
                          .path_prefix = "/v1",
                          .unix_socket = "/run/a.sock"};
    Endpoint other_socket = socket;
    other_socket.unix_socket = "/run/b.sock";
    const Row rows[] = {
        {"key", upstream(server(), "secret")},
        {"other key", upstream(server(), "secret2")},
        {"no key", upstream(server(), "")},
        {"scheme", upstream(plain, "secret")},
        {"host", upstream(other_host, "secret")},
        {"port", upstream(other_port, "secret")},
        {"socket", upstream(socket, "secret")},
        {"other socket", upstream(other_socket, "secret")},
    };
    for (const Row& one : rows) {
        for (const Row& other : rows) {
            SCOPED_TRACE(std::string(one.name) + " and " + std::string(other.name));
            EXPECT_EQ(account_key(one.upstream) == account_key(other.upstream),
                      one.name == other.name);
        }
    }
}

TEST(AccountKey, IsTheNameThatTheFileGives) {
    Upstream named = upstream(server(), "secret");
    named.account = "main";
    EXPECT_EQ(account_key(named), "main");
    Upstream elsewhere = upstream({.tls = false, .host = "b", .port = 1, .path_prefix = ""}, "");
    elsewhere.account = "main";
    EXPECT_EQ(account_key(elsewhere), "main");
}

TEST(AccountKey, IsNeverMistakenForAName) {
    // Names hold no spaces.
    EXPECT_NE(account_key(upstream(server(), "secret")).find(' '), std::string::npos);
    EXPECT_NE(account_key(upstream(server(), "")).find(' '), std::string::npos);
    EXPECT_NE(account_key(Upstream{}).find(' '), std::string::npos);
}

TEST(AccountKey, DoesNotHoldTheKey) {
    const std::string key = "sk-0123456789";
    EXPECT_EQ(account_key(upstream(server(), key)).find(key), std::string::npos);
    EXPECT_EQ(account_key(upstream(server(), key)).find("0123456789"), std::string::npos);
}

TEST(AccountKey, IsItsOwnForAnUpstreamWithoutAnAddress) {
    Upstream one;
    one.name = "one";
    Upstream two;
    two.name = "two";
    EXPECT_NE(account_key(one), account_key(two));
}

}  // namespace
}  // namespace sluicegate::config
