#include "config/base_url.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <variant>

namespace sluicegate::config {
namespace {

TEST(BaseUrl, IsTakenApart) {
    struct Row {
        std::string_view url;
        Endpoint endpoint;
    };
    const Row rows[] = {
        {"https://api.openai.com/v1", {true, "api.openai.com", 443, "/v1"}},
        {"https://api.openai.com/v1/", {true, "api.openai.com", 443, "/v1"}},
        {"http://10.0.0.11:8000/v1", {false, "10.0.0.11", 8000, "/v1"}},
        {"http://localhost", {false, "localhost", 80, ""}},
        {"http://localhost/", {false, "localhost", 80, ""}},
        {"http://my_service:1/a/b%20c", {false, "my_service", 1, "/a/b%20c"}},
        {"https://[2001:db8::1]/v1", {true, "2001:db8::1", 443, "/v1"}},
        {"https://[::1]:65535/v1", {true, "::1", 65535, "/v1"}},
        {"https://API.OpenAI.com/V1", {true, "api.openai.com", 443, "/V1"}},
        {"http://unix/v1", {false, "unix", 80, "/v1"}},
        {"http://unix:8000/v1", {false, "unix", 8000, "/v1"}},
        {"http://unix:/run/llm.sock:/v1/", {false, "localhost", 80, "/v1", "/run/llm.sock"}},
        {"http://unix:/run/llm.sock:/", {false, "localhost", 80, "", "/run/llm.sock"}},
        {"http://unix:/run/llm.sock:", {false, "localhost", 80, "", "/run/llm.sock"}},
        {"http://unix:/run/llm.sock", {false, "localhost", 80, "", "/run/llm.sock"}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.url);
        const auto parsed = parse_base_url(row.url);
        const auto* endpoint = std::get_if<Endpoint>(&parsed);
        ASSERT_NE(endpoint, nullptr) << *std::get_if<std::string>(&parsed);
        EXPECT_EQ(*endpoint, row.endpoint);
    }
}

TEST(BaseUrl, RefusesEverythingElse) {
    const std::string_view urls[] = {
        "",
        "https://",
        "HTTPS//a",
        "file:///etc/passwd",
        "https://user@a/v1",
        "https://user:password@a/v1",
        "https://a/v1?x=1",
        "https://a?x=1",
        "https://a/v1#x",
        "https://a:/v1",
        "https://a:65536/v1",
        "https://a:-1/v1",
        "https://a:80:80/v1",
        "https://-a/v1",
        "https://a..b/v1",
        "https://a./v1",
        "https://127.1/v1",
        "https://0x7f000001.1/v1",
        "https://256.0.0.1/v1",
        "https://::1/v1",
        "https://[127.0.0.1]/v1",
        "https://[::1/v1",
        "https://[::1]x/v1",
        "https://[::1%25eth0]/v1",
        "https://a//",
        "https://a/v1//",
        "https://a/./v1",
        "https://a/v1/..",
        "https://a/v\r\nx: y",
        "https://a\\b/v1",
        "https://a b/v1",
        "https://a/v1\"",
        std::string_view("https://a/\0", 11),
        "https://unix:/run/llm.sock:/v1",
        "http://unix:run/llm.sock:/v1",
        "http://unix:/",
        "http://unix:/run/:/v1",
        "http://unix:/run/l m.sock:/v1",
        "http://unix:/run/llm.sock:v1",
        "http://unix:/run/llm.sock:8000:/v1",
        "http://unix:/run/llm.sock:/v1//",
        "http://unix:/run/llm.sock:/v1?x=1",
    };
    for (const std::string_view url : urls) {
        SCOPED_TRACE(url);
        const auto parsed = parse_base_url(url);
        EXPECT_TRUE(std::holds_alternative<std::string>(parsed));
    }
    EXPECT_TRUE(
        std::holds_alternative<std::string>(parse_base_url("https://a/" + std::string(3000, 'a'))));
}

TEST(BaseUrl, BoundsThePathOfAUnixSocket) {
    const std::string longest = "http://unix:/" + std::string(106, 'a');
    EXPECT_TRUE(std::holds_alternative<Endpoint>(parse_base_url(longest)));
    EXPECT_TRUE(std::holds_alternative<std::string>(parse_base_url(longest + 'a')));
}

TEST(BaseUrl, IsWrittenForLogsWithItsPort) {
    EXPECT_EQ(url_of({true, "api.openai.com", 443, "/v1"}), "https://api.openai.com:443/v1");
    EXPECT_EQ(url_of({false, "::1", 80, ""}), "http://[::1]:80");
    EXPECT_EQ(url_of({false, "localhost", 80, "/v1", "/run/llm.sock"}),
              "http://unix:/run/llm.sock:/v1");
    EXPECT_EQ(url_of({false, "localhost", 80, "", "/run/llm.sock"}), "http://unix:/run/llm.sock:");
}

TEST(Target, IsAPathFromTheRootWithAQueryIfNeedBe) {
    for (const std::string_view good : {"/", "/health", "/v1/models?limit=1", "/a%20b"}) {
        EXPECT_TRUE(is_target(good)) << good;
    }
    for (const std::string_view bad :
         {"", "health", "http://a/", "/a b", "/a#b", "/a\r\nx: y", "/\x7f", "/\xc3\xa4"}) {
        EXPECT_FALSE(is_target(bad)) << bad;
    }
    EXPECT_TRUE(is_target('/' + std::string(2047, 'a')));
    EXPECT_FALSE(is_target('/' + std::string(2048, 'a')));
}

}  // namespace
}  // namespace sluicegate::config
