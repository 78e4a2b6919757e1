#include "config/proxy_url.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <variant>

namespace sluicegate::config {
namespace {

TEST(ProxyUrl, IsTakenApart) {
    struct Row {
        std::string_view url, host;
        std::uint16_t port;
        std::string_view credentials;  ///< as printf '%s' USER:PASSWORD | base64 has them
    };
    const Row rows[] = {
        {"http://proxy.internal:3128", "proxy.internal", 3128, ""},
        {"http://Proxy.Internal:80/", "proxy.internal", 80, ""},
        {"http://10.0.0.1:8080", "10.0.0.1", 8080, ""},
        {"http://[::1]:8080", "::1", 8080, ""},
        {"http://Aladdin:open sesame@p:1", "p", 1, "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},  // RFC 7617, 2
        {"http://a:@p:1", "p", 1, "YTo="},
        {"http://a:b@p:1", "p", 1, "YTpi"},
        {"http://a:bc@p:1", "p", 1, "YTpiYw=="},
        {"http://a:b:c@p:1", "p", 1, "YTpiOmM="},
        {"http://a:b%40%25c@p:1", "p", 1, "YTpiQCVj"},
        {"http://a:b@/c@[::1]:1", "::1", 1, "YTpiQC9j"},
        {"http://a:%c3%A4@p:1", "p", 1, "YTrDpA=="},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.url);
        const auto parsed = parse_proxy_url(row.url);
        const auto* proxy = std::get_if<Proxy>(&parsed);
        ASSERT_NE(proxy, nullptr) << *std::get_if<std::string>(&parsed);
        EXPECT_EQ(proxy->host, row.host);
        EXPECT_EQ(proxy->port, row.port);
        const std::string_view sent = proxy->authorization ? proxy->authorization->reveal() : "";
        EXPECT_EQ(sent, row.credentials);
    }
}

TEST(ProxyUrl, RefusesEverythingElseAndRepeatsNothingOfIt) {
    const std::string_view urls[] = {
        "",
        "CANARY",
        "https://p:1",
        "socks5://CANARY:CANARY@p:1",
        "http://",
        "http://p",
        "http://[::1]",
        "http://p:0",
        "http://p:65536",
        "http://p:CANARY",
        "http://p:1/CANARY",
        "http://p:1?CANARY",
        "http://p:1#CANARY",
        "http://unix:/CANARY:/",
        "http://CANARY@p:1",
        "http://:CANARY@p:1",
        "http://CANARY:a%4@p:1",
        "http://CANARY:a%zz@p:1",
        "http://CANARY:a%@p:1",
        "http://CANARY%3a:a@p:1",
        "http://CANARY:a%0d%0aB@p:1",
        "http://CANARY:a\r\nB@p:1",
        "http://CANARY:a%00@p:1",
        "http://a:b@CANARY_..:1",
    };
    for (const std::string_view url : urls) {
        SCOPED_TRACE(url);
        const auto parsed = parse_proxy_url(url);
        const auto* reason = std::get_if<std::string>(&parsed);
        ASSERT_NE(reason, nullptr);
        EXPECT_EQ(reason->find("CANARY"), std::string::npos) << *reason;
    }
}

TEST(ProxyUrl, BoundsItsCredentials) {
    const auto with_password = [](std::size_t bytes) {
        return parse_proxy_url("http://a:" + std::string(bytes, 'b') + "@p:1");
    };
    EXPECT_TRUE(std::holds_alternative<Proxy>(with_password(1022)));
    EXPECT_TRUE(std::holds_alternative<std::string>(with_password(1023)));
}

}  // namespace
}  // namespace sluicegate::config
