#include "sluicegate/http/request_head.hpp"

#include "http/outcome.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::http {
namespace {

constexpr std::string_view openai_python =
    "POST /v1/chat/completions HTTP/1.1\r\n"
    "Host: 127.0.0.1:8080\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\n"
    "Accept: application/json\r\n"
    "Content-Type: application/json\r\n"
    "User-Agent: OpenAI/Python 1.59.6\r\n"
    "X-Stainless-Lang: python\r\n"
    "X-Stainless-Package-Version: 1.59.6\r\n"
    "X-Stainless-OS: Linux\r\n"
    "X-Stainless-Arch: x64\r\n"
    "X-Stainless-Runtime: CPython\r\n"
    "X-Stainless-Runtime-Version: 3.11.2\r\n"
    "Authorization: Bearer sk-sg-test\r\n"
    "X-Stainless-Async: false\r\n"
    "x-stainless-retry-count: 0\r\n"
    "Content-Length: 93\r\n"
    "\r\n";

constexpr std::string_view openai_node_upload =
    "POST /v1/audio/transcriptions HTTP/1.1\r\n"
    "host: 127.0.0.1:8080\r\n"
    "connection: keep-alive\r\n"
    "accept: application/json\r\n"
    "user-agent: OpenAI/JS 4.77.0\r\n"
    "authorization: Bearer sk-sg-test\r\n"
    "content-type: multipart/form-data; boundary=form-data-boundary-abc\r\n"
    "accept-language: *\r\n"
    "sec-fetch-mode: cors\r\n"
    "accept-encoding: gzip, deflate\r\n"
    "transfer-encoding: chunked\r\n"
    "\r\n";

constexpr std::string_view curl_upload =
    "POST /v1/chat/completions HTTP/1.1\r\n"
    "Host: localhost:8080\r\n"
    "User-Agent: curl/7.88.1\r\n"
    "Accept: */*\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 2097152\r\n"
    "Expect: 100-continue\r\n"
    "\r\n";

RequestHead parsed(std::string_view bytes) {
    RequestHead head;
    const auto result = parse_request_head(bytes, {}, head);
    EXPECT_TRUE(result.has_value()) << bytes;
    return head;
}

/// The head with `lines` between Host and the blank line.
std::string with_lines(std::string_view request_line, std::string_view lines) {
    return std::string(request_line) + "\r\nHost: h\r\n" + std::string(lines) + "\r\n";
}

TEST(RequestHead, ReadsWhatOpenaiPythonSends) {
    const RequestHead head = parsed(openai_python);
    EXPECT_EQ(head.method, Method::post);
    EXPECT_EQ(head.target, "/v1/chat/completions");
    EXPECT_EQ(head.path, "/v1/chat/completions");
    EXPECT_EQ(head.query, "");
    EXPECT_EQ(head.minor_version, 1U);
    EXPECT_EQ(head.host, "127.0.0.1:8080");
    EXPECT_EQ(head.framing, Framing::content_length);
    EXPECT_EQ(head.content_length, 93U);
    EXPECT_TRUE(head.keep_alive);
    EXPECT_FALSE(head.expects_continue);
    EXPECT_FALSE(head.is_websocket_handshake);
    EXPECT_EQ(head.fields.size(), 16U);
    EXPECT_EQ(head.fields.find("authorization"), "Bearer sk-sg-test");
    EXPECT_EQ(head.fields.find("X-STAINLESS-RETRY-COUNT"), "0");
}

TEST(RequestHead, ReadsTheChunkedUploadOfOpenaiNode) {
    const RequestHead head = parsed(openai_node_upload);
    EXPECT_EQ(head.framing, Framing::chunked);
    EXPECT_EQ(head.content_length, 0U);
    EXPECT_EQ(head.fields.find("Content-Type"),
              "multipart/form-data; boundary=form-data-boundary-abc");
}

TEST(RequestHead, SeesThatCurlWaitsForContinue) {
    const RequestHead head = parsed(curl_upload);
    EXPECT_TRUE(head.expects_continue);
    EXPECT_EQ(head.content_length, 2097152U);
}

TEST(RequestHead, ExpectsContinueOnlyInHttp11WithABody) {
    struct Row {
        const char* name;
        std::string head;
        bool expects_continue;
    };
    const std::vector<Row> rows{
        {"length", with_lines("POST / HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 1\r\n"),
         true},
        {"chunked",
         with_lines("POST / HTTP/1.1", "Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n"),
         true},
        {"length 0", with_lines("POST / HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 0\r\n"),
         false},
        {"no body", with_lines("POST / HTTP/1.1", "Expect: 100-continue\r\n"), false},
        {"1.0", with_lines("POST / HTTP/1.0", "Expect: 100-continue\r\nContent-Length: 1\r\n"),
         false},
        {"not asked", with_lines("POST / HTTP/1.1", "Content-Length: 1\r\n"), false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(parsed(row.head).expects_continue, row.expects_continue);
    }
}

TEST(RequestHead, SplitsTheTargetAtTheFirstQuestionMark) {
    const std::string bytes = with_lines("GET /v1/models?a=1?b HTTP/1.1", "");
    const RequestHead head = parsed(bytes);
    EXPECT_EQ(head.target, "/v1/models?a=1?b");
    EXPECT_EQ(head.path, "/v1/models");
    EXPECT_EQ(head.query, "a=1?b");
}

TEST(RequestHead, ReducesAnAbsoluteTargetToOriginForm) {
    struct Row {
        const char* request_line;
        const char* target;
        const char* path;
        const char* query;
    };
    for (const Row& row :
         {Row{"GET http://h/v1?a=b HTTP/1.1", "/v1?a=b", "/v1", "a=b"},
          Row{"GET HTTPS://H/ HTTP/1.1", "/", "/", ""}, Row{"GET http://h HTTP/1.1", "/", "/", ""},
          Row{"OPTIONS http://h HTTP/1.1", "*", "*", ""},
          Row{"OPTIONS * HTTP/1.1", "*", "*", ""}}) {
        SCOPED_TRACE(row.request_line);
        const std::string bytes = with_lines(row.request_line, "");
        const RequestHead head = parsed(bytes);
        EXPECT_EQ(head.target, row.target);
        EXPECT_EQ(head.path, row.path);
        EXPECT_EQ(head.query, row.query);
    }
}

TEST(RequestHead, TakesTheHostOfAnAbsoluteTargetWhereHttp10HasNone) {
    EXPECT_EQ(parsed("GET http://h:81/ HTTP/1.0\r\n\r\n").host, "h:81");
    EXPECT_EQ(parsed("GET / HTTP/1.0\r\n\r\n").host, "");
}

TEST(RequestHead, FollowsRfc9112OnKeepAlive) {
    struct Row {
        const char* request_line;
        const char* lines;
        bool keep_alive;
    };
    for (const Row& row : {
             Row{"GET / HTTP/1.1", "", true},
             Row{"GET / HTTP/1.1", "Connection: keep-alive\r\n", true},
             Row{"GET / HTTP/1.1", "Connection: close\r\n", false},
             Row{"GET / HTTP/1.1", "Connection: Close\r\n", false},
             Row{"GET / HTTP/1.1", "Connection: x, close\r\n", false},
             Row{"GET / HTTP/1.1", "Connection: keep-alive, close\r\n", false},
             Row{"GET / HTTP/1.1", "Connection: close\r\nConnection: keep-alive\r\n", false},
             Row{"GET / HTTP/1.1", "Connection: closed\r\n", true},
             Row{"GET / HTTP/1.1", "Proxy-Connection: close\r\n", true},
             Row{"GET / HTTP/1.0", "", false},
             Row{"GET / HTTP/1.0", "Connection: Keep-Alive\r\n", true},
             Row{"GET / HTTP/1.0", "Connection: ,\tkeep-alive ,x\r\n", true},
             Row{"GET / HTTP/1.0", "Connection: keep-alive, close\r\n", false},
             Row{"GET / HTTP/1.0", "Keep-Alive: timeout=5\r\n", false},
         }) {
        SCOPED_TRACE(row.request_line);
        SCOPED_TRACE(row.lines);
        const std::string bytes = with_lines(row.request_line, row.lines);
        EXPECT_EQ(parsed(bytes).keep_alive, row.keep_alive);
    }
}

TEST(RequestHead, ReportsAWebSocketHandshakeAndIgnoresEveryOtherOffer) {
    struct Row {
        std::string_view request_line;
        std::string_view lines;
        bool is_handshake;
    };
    for (const Row& row : {
             Row{"GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", true},
             Row{"GET / HTTP/1.1", "Upgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n",
                 true},
             Row{"GET / HTTP/1.1",
                 "Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: h2c, websocket\r\n",
                 true},
             Row{"GET / HTTP/1.1",
                 "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: ,websocket,\r\n", true},
             Row{"GET / HTTP/1.0", "Connection: Upgrade\r\nUpgrade: websocket\r\n", false},
             Row{"POST / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", false},
             Row{"GET / HTTP/1.1", "Upgrade: websocket\r\n", false},
             Row{"GET / HTTP/1.1", "Connection: upgrade\r\n", false},
             Row{"GET / HTTP/1.1", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n",
                 false},
             Row{"GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: TLS/1.0\r\n", false},
             Row{"GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websockets\r\n", false},
             Row{"GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: a \"b\", ;\r\n", false},
             Row{"GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade:\r\n", false},
         }) {
        SCOPED_TRACE(row.request_line);
        SCOPED_TRACE(row.lines);
        const std::string bytes = with_lines(row.request_line, row.lines);
        EXPECT_EQ(parsed(bytes).is_websocket_handshake, row.is_handshake);
    }
}

TEST(RequestHead, LetsEveryMethodHaveABodyByContentLength) {
    for (const char* line : {"GET / HTTP/1.1", "HEAD / HTTP/1.1", "DELETE / HTTP/1.1"}) {
        SCOPED_TRACE(line);
        const std::string bytes = with_lines(line, "Content-Length: 2\r\n");
        EXPECT_EQ(parsed(bytes).framing, Framing::content_length);
        EXPECT_EQ(parsed(bytes).content_length, 2U);
    }
}

TEST(RequestHead, NamesTheRefusedMethodForTheReply) {
    RequestHead head;
    auto result = parse_request_head(with_lines("CONNECT h:443 HTTP/1.1", ""), {}, head);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().kind, ErrorKind::method_not_supported);
    EXPECT_EQ(result.error().subject, "CONNECT h:443");
}

TEST(RequestHead, IsReusedWithoutRemembering) {
    RequestHead head;
    ASSERT_TRUE(parse_request_head(openai_python, {}, head).has_value());
    ASSERT_TRUE(parse_request_head("GET /a HTTP/1.0\r\n\r\n", {}, head).has_value());
    EXPECT_EQ(head.method, Method::get);
    EXPECT_EQ(head.fields.size(), 0U);
    EXPECT_EQ(head.fields.find("authorization"), std::nullopt);
    EXPECT_EQ(head.framing, Framing::none);
    EXPECT_EQ(head.content_length, 0U);
    EXPECT_FALSE(head.keep_alive);
    EXPECT_EQ(head.host, "");
}

TEST(RequestHead, RefusesAHeadThatIsNotExactlyOne) {
    RequestHead head;
    for (const std::string_view bytes :
         {"", "\r\n", "GET", "GET / HTTP/1.1", "GET / HTTP/1.1\r\n",
          "GET / HTTP/1.1\r\nHost: h\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\r",
          "GET / HTTP/1.1\r\nHost: h\r\n\r\nx", "GET / HTTP/1.1\r\nHost: h\r\nx",
          "GET / HTTP/1.1\r\nHost: h\r\nx:", "GET / HTTP/1.1\r\nHost: h\r\nx: y\r",
          "GET / HTTP/1.1\r\nHost: h\r\n\r\n\r\n"}) {
        SCOPED_TRACE(bytes);
        auto result = parse_request_head(bytes, {}, head);
        ASSERT_FALSE(result.has_value());
        EXPECT_EQ(result.error().kind, ErrorKind::bad_request);
    }
}

TEST(RequestHead, ReadsTheSameFromAnySplit) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const Arrival any_size = [&random](std::size_t) { return 1 + random() % 90; };
    for (const std::string_view head : {openai_python, openai_node_upload, curl_upload}) {
        const std::string bytes = "\r\n" + std::string(head) + "the body, or the next request";
        const std::string whole = request_outcome(bytes, all_at_once);
        EXPECT_EQ(verdict(whole), "accepted") << whole;
        EXPECT_EQ(request_outcome(bytes, byte_by_byte), whole);
        for (int i = 0; i < 200; ++i) EXPECT_EQ(request_outcome(bytes, any_size), whole);
    }
}

TEST(RequestHead, DamagedHeadsEndTheSameInAnySplit) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const Arrival any_size = [&random](std::size_t) { return 1 + random() % 40; };
    constexpr std::string_view damage("\0\r\n \t:,/\x7F\xFF%?#Aa0", 17);
    for (int i = 0; i < 3000; ++i) {
        std::string bytes(curl_upload);
        for (auto n = 1 + random() % 3; n > 0; --n) {
            const char byte = damage[random() % damage.size()];
            if (random() % 2 == 0) {
                bytes[random() % bytes.size()] = byte;
            } else {
                bytes.insert(random() % bytes.size(), 1, byte);
            }
        }
        const HeadLimits limits{.head_bytes_max = 100 + random() % 200,
                                .fields_max = 3 + random() % 5,
                                .request_line_bytes_max = 1 + random() % 60};
        const std::string whole = request_outcome(bytes, all_at_once, limits);
        ASSERT_EQ(request_outcome(bytes, byte_by_byte, limits), whole) << bytes;
        ASSERT_EQ(request_outcome(bytes, any_size, limits), whole) << bytes;
    }
}

TEST(RequestHead, ThatIsCutAnywhereIsRefused) {
    for (std::size_t size = 0; size < curl_upload.size(); ++size) {
        // Of exactly that size, so that a sanitizer sees a read beyond the end.
        const std::vector<char> cut(curl_upload.begin(), curl_upload.begin() + size);
        RequestHead head;
        EXPECT_FALSE(parse_request_head({cut.data(), cut.size()}, {}, head).has_value()) << size;
    }
}

}  // namespace
}  // namespace sluicegate::http
