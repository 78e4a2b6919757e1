#include "sluicegate/admin/access.hpp"

#include "sluicegate/auth/key_hash.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::admin {
namespace {

using testing::HasSubstr;

constexpr std::string_view right_key = "sk-admin-0123456789";

config::Admin admin_on(const std::string& host) {
    config::Admin admin;
    admin.listen = config::Listener{.host = host, .port = 9090, .tls = std::nullopt};
    return admin;
}

config::Admin with_keys(config::Admin admin) {
    for (const std::string_view key : {std::string_view("another"), right_key}) {
        config::ApiKey& added = admin.keys.emplace_back();
        added.id = key;
        added.sha256 = auth::hash_key(key);
    }
    return admin;
}

/// What Access says of a request with these lines behind its request line.
std::optional<Refusal> judge(const config::Admin& admin, std::string_view path,
                             const std::string& lines, const char* version = "HTTP/1.1") {
    const std::string text = "GET " + std::string(path) + ' ' + version + "\r\n" + lines + "\r\n";
    http::RequestHead head;
    const auto parsed = http::parse_request_head(text, http::HeadLimits(), head);
    EXPECT_TRUE(parsed) << text;
    return Access(admin).refusal(head, head.path);
}

int status_of(const config::Admin& admin, std::string_view path, const std::string& lines) {
    const auto refusal = judge(admin, path, lines);
    return refusal ? static_cast<int>(refusal->status) : 200;
}

TEST(Access, AnswersOnlyToAddressesLocalhostAndConfiguredNames) {
    config::Admin admin = admin_on("127.0.0.1");
    admin.hosts = {"gateway.internal", "Upper.Test."};
    struct Row {
        std::string host;
        bool is_known;
    };
    const std::vector<Row> rows{
        {"127.0.0.1", true},
        {"127.0.0.1:9090", true},
        {"127.0.0.1.:9090", true},
        {"10.20.30.40:1", true},
        {"[::1]", true},
        {"[::1]:9090", true},
        {"[FE80::1]:9090", true},
        {"[::ffff:10.0.0.1]:9090", true},
        {"localhost", true},
        {"LocalHost:9090", true},
        {"localhost.:9090", true},
        {"gateway.internal:9090", true},
        {"GATEWAY.internal.", true},
        {"upper.test", true},
        {"attacker.example", false},
        {"attacker.example:9090", false},
        {"localhost.attacker.example", false},
        {"attacker.localhost", false},
        {"127.0.0.1.attacker.example", false},
        {"127.1", false},
        {"2130706433", false},
        {"0x7f000001", false},
        {"gateway.internal.attacker.example", false},
        {"internal", false},
        {"localhost..", false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.host);
        const auto refusal = judge(admin, "/status", "Host: " + row.host + "\r\n");
        EXPECT_EQ(!refusal, row.is_known);
        if (!refusal) continue;
        EXPECT_EQ(refusal->status, 403U);
        EXPECT_THAT(refusal->message, HasSubstr("admin.hosts"));
    }
    EXPECT_FALSE(judge(admin, "/status", "", "HTTP/1.0")) << "no browser sends none";
    EXPECT_TRUE(judge(admin, "http://attacker.example/status", "Host: attacker.example\r\n"));
}

TEST(Access, RefusesWhatPagesOfOtherSitesAsk) {
    const config::Admin admin = admin_on("127.0.0.1");
    struct Row {
        std::string lines;
        bool is_own;
    };
    const std::vector<Row> rows{
        {"", true},
        {"Sec-Fetch-Site: none\r\n", true},
        {"Sec-Fetch-Site: same-origin\r\n", true},
        {"Origin: http://localhost:9090\r\n", true},
        {"Origin: https://LOCALHOST:9090\r\n", true},
        {"Origin: http://localhost:9090\r\nSec-Fetch-Site: same-origin\r\n", true},
        {"Sec-Fetch-Site: cross-site\r\n", false},
        {"sec-fetch-site: same-site\r\n", false},
        {"Sec-Fetch-Site: something-new\r\n", false},
        {"Sec-Fetch-Site:\r\n", false},
        {"Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n", false},
        {"Origin: http://attacker.example\r\n", false},
        {"origin: null\r\n", false},
        {"Origin:\r\n", false},
        {"Origin: http://localhost\r\n", false},
        {"Origin: http://localhost:3000\r\n", false},
        {"Origin: http://localhost:9090.attacker.example\r\n", false},
        {"Origin: ftp://localhost:9090\r\n", false},
        {"Origin: http://localhost:9090\r\nOrigin: http://attacker.example\r\n", false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.lines);
        const auto refusal = judge(admin, "/status", "Host: localhost:9090\r\n" + row.lines);
        EXPECT_EQ(!refusal, row.is_own);
        EXPECT_EQ(refusal.value_or(Refusal()).status, 403U);
    }
    EXPECT_TRUE(judge(admin, "/status", "Origin: http://\r\n", "HTTP/1.0"));
}

TEST(Access, OffLoopbackOnlyMetricsAreShownWithoutKeys) {
    const std::string host = "Host: 10.0.0.1:9090\r\n";
    for (const char* loopback : {"127.0.0.1", "127.8.9.10", "::1"}) {
        for (const char* path : {"/status", "/metrics", "/nothing"}) {
            EXPECT_EQ(status_of(admin_on(loopback), path, host), 200) << loopback << path;
        }
    }
    for (const char* outside : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "fe80::1", "::2"}) {
        SCOPED_TRACE(outside);
        EXPECT_EQ(status_of(admin_on(outside), "/metrics", host), 200);
        EXPECT_EQ(status_of(admin_on(outside), "/livez", host), 200);
        EXPECT_EQ(status_of(admin_on(outside), "/readyz", host), 200);
        EXPECT_EQ(status_of(admin_on(outside), "/status", host), 403);
        EXPECT_EQ(status_of(admin_on(outside), "/metrics/", host), 403);
        EXPECT_EQ(status_of(admin_on(outside), "/nothing", host), 403);
    }
}

TEST(Access, WithKeysEveryPageNeedsOne) {
    const std::string host = "Host: localhost\r\n";
    struct Row {
        std::string lines;
        int status;
        bool is_wrong_key;
    };
    const std::string key(right_key);
    const std::vector<Row> rows{
        {"Authorization: Bearer " + key + "\r\n", 200, false},
        {"authorization: bearer " + key + "\r\n", 200, false},
        {"", 401, false},
        {"Authorization:\r\n", 401, false},
        {"Authorization: Bearer\r\n", 401, false},
        {"x-api-key: " + key + "\r\n", 401, false},
        {"Authorization: Bearer wrong\r\n", 401, true},
        {"Authorization: Bearer " + key + "x\r\n", 401, true},
        {"Authorization: Bearer " + auth::to_hex(auth::hash_key(key)) + "\r\n", 401, true},
        {"Authorization: Basic " + key + "\r\n", 401, true},
        {"Authorization: " + key + "\r\n", 401, true},
        {"Authorization: Bearer " + key + "\r\nAuthorization: Bearer " + key + "\r\n", 401, true},
    };
    for (const char* listen : {"127.0.0.1", "0.0.0.0"}) {
        const config::Admin admin = with_keys(admin_on(listen));
        for (const char* path : {"/status", "/metrics", "/nothing"}) {
            for (const Row& row : rows) {
                SCOPED_TRACE(std::string(listen) + path + ' ' + row.lines);
                const auto refusal = judge(admin, path, host + row.lines);
                EXPECT_EQ(refusal ? static_cast<int>(refusal->status) : 200, row.status);
                if (!refusal) continue;
                EXPECT_EQ(refusal->has_wrong_key, row.is_wrong_key);
                EXPECT_THAT(refusal->message, HasSubstr("admin.keys"));
            }
        }
    }
}

TEST(Access, AKeyIsNoWayPastHostAndOrigin) {
    const config::Admin admin = with_keys(admin_on("127.0.0.1"));
    const std::string key = "Authorization: Bearer " + std::string(right_key) + "\r\n";
    EXPECT_EQ(status_of(admin, "/status", key + "Host: attacker.example\r\n"), 403);
    EXPECT_EQ(status_of(admin, "/status", key + "Host: localhost\r\nOrigin: null\r\n"), 403);
}

TEST(Access, OnlyTheTwoProbesAreOpen) {
    EXPECT_TRUE(is_open_page("/livez"));
    EXPECT_TRUE(is_open_page("/readyz"));
    for (const char* path : {"/metrics", "/status", "/", "", "/livez/", "/LIVEZ", "/%6civez"}) {
        EXPECT_FALSE(is_open_page(path)) << path;
    }
}

}  // namespace
}  // namespace sluicegate::admin
