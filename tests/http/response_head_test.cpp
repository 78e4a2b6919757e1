#include "sluicegate/http/response_head.hpp"

#include "http/outcome.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::http {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view openai_stream =
    "HTTP/1.1 200 OK\r\n"
    "Date: Sat, 21 Nov 2026 20:00:00 GMT\r\n"
    "Content-Type: text/event-stream; charset=utf-8\r\n"
    "Transfer-Encoding: chunked\r\n"
    "Connection: keep-alive\r\n"
    "openai-processing-ms: 210\r\n"
    "x-request-id: req_0123\r\n"
    "\r\n";

struct ResponseRow {
    const char* name;
    std::string_view bytes;
    const char* verdict;
};

void check_response(const std::vector<ResponseRow>& rows) {
    for (const ResponseRow& row : rows) {
        SCOPED_TRACE(row.name);
        const std::string whole = response_outcome(row.bytes, Method::post, all_at_once);
        EXPECT_EQ(verdict(whole), row.verdict) << whole;
        EXPECT_EQ(response_outcome(row.bytes, Method::post, byte_by_byte), whole);
    }
}

TEST(ResponseHead, ReadsTheHeadOfAStream) {
    ResponseHead head;
    ASSERT_TRUE(parse_response_head(openai_stream, Method::post, {}, head).has_value());
    EXPECT_EQ(head.status, 200U);
    EXPECT_EQ(head.minor_version, 1U);
    EXPECT_EQ(head.framing, Framing::chunked);
    EXPECT_TRUE(head.keep_alive);
    EXPECT_EQ(head.fields.size(), 6U);
    EXPECT_EQ(head.fields.find("X-Request-Id"), "req_0123");
}

TEST(ResponseHead, FramesTheBodyByRfc9112) {
    struct FramingRow {
        const char* name;
        const char* head;
        Method method;
        Framing framing;
        std::uint64_t content_length;
        bool keep_alive;
    };
    const std::vector<FramingRow> rows{
        {"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method::post,
         Framing::content_length, 5, true},
        {"length 0", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Method::post,
         Framing::content_length, 0, true},
        {"length and close", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
         Method::post, Framing::content_length, 5, false},
        {"neither", "HTTP/1.1 200 OK\r\n\r\n", Method::post, Framing::until_close, 0, false},
        {"neither, in 1.0", "HTTP/1.0 200 OK\r\n\r\n", Method::post, Framing::until_close, 0,
         false},
        {"neither, in 1.0 with keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n",
         Method::post, Framing::until_close, 0, false},
        {"length in 1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", Method::post,
         Framing::content_length, 5, false},
        {"length in 1.0 with keep-alive",
         "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", Method::post,
         Framing::content_length, 5, true},
        {"HEAD with length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method::head,
         Framing::none, 0, true},
        {"HEAD with chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::head,
         Framing::none, 0, true},
        {"HEAD with neither", "HTTP/1.1 200 OK\r\n\r\n", Method::head, Framing::none, 0, true},
        {"204", "HTTP/1.1 204 No Content\r\n\r\n", Method::post, Framing::none, 0, true},
        {"204 with length 0", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", Method::post,
         Framing::none, 0, true},
        {"304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", Method::get,
         Framing::none, 0, true},
        {"100", "HTTP/1.1 100 Continue\r\n\r\n", Method::post, Framing::none, 0, true},
        {"103", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", Method::post, Framing::none, 0,
         true},
    };
    for (const FramingRow& row : rows) {
        SCOPED_TRACE(row.name);
        ResponseHead head;
        ASSERT_TRUE(parse_response_head(row.head, row.method, {}, head).has_value());
        EXPECT_EQ(head.framing, row.framing);
        EXPECT_EQ(head.content_length, row.content_length);
        EXPECT_EQ(head.keep_alive, row.keep_alive);
    }
}

TEST(ResponseHead, StatusLinesMustBeExact) {
    check_response({
        {"1.1", "HTTP/1.1 200 OK\r\n\r\n"sv, "accepted"},
        {"1.0", "HTTP/1.0 200 OK\r\n\r\n"sv, "accepted"},
        {"no phrase", "HTTP/1.1 200 \r\n\r\n"sv, "accepted"},
        {"a phrase of several words", "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n"sv,
         "accepted"},
        {"obs-text and a tab in the phrase", "HTTP/1.1 200 \xC3\xA9\tx\r\n\r\n"sv, "accepted"},
        {"two spaces before the phrase", "HTTP/1.1 200  OK\r\n\r\n"sv, "accepted"},
        {"an unregistered status", "HTTP/1.1 599 x\r\n\r\n"sv, "accepted"},
        {"no space after the status", "HTTP/1.1 200\r\n\r\n"sv, "upstream_bad_response"},
        {"099", "HTTP/1.1 099 x\r\n\r\n"sv, "upstream_bad_response"},
        {"000", "HTTP/1.1 000 x\r\n\r\n"sv, "upstream_bad_response"},
        {"600", "HTTP/1.1 600 x\r\n\r\n"sv, "upstream_bad_response"},
        {"999", "HTTP/1.1 999 x\r\n\r\n"sv, "upstream_bad_response"},
        {"four digits", "HTTP/1.1 2000 x\r\n\r\n"sv, "upstream_bad_response"},
        {"two digits", "HTTP/1.1 20 x\r\n\r\n"sv, "upstream_bad_response"},
        {"a sign", "HTTP/1.1 +20 x\r\n\r\n"sv, "upstream_bad_response"},
        {"a letter", "HTTP/1.1 2O0 x\r\n\r\n"sv, "upstream_bad_response"},
        {"no status", "HTTP/1.1\r\n\r\n"sv, "upstream_bad_response"},
        {"an empty status", "HTTP/1.1  OK\r\n\r\n"sv, "upstream_bad_response"},
        {"two spaces before the status", "HTTP/1.1  200 OK\r\n\r\n"sv, "upstream_bad_response"},
        {"a tab before the status", "HTTP/1.1\t200 OK\r\n\r\n"sv, "upstream_bad_response"},
        {"a tab after the status", "HTTP/1.1 200\tOK\r\n\r\n"sv, "upstream_bad_response"},
        {"a NUL in the phrase", "HTTP/1.1 200 O\0K\r\n\r\n"sv, "upstream_bad_response"},
        {"DEL in the phrase", "HTTP/1.1 200 \x7F\r\n\r\n"sv, "upstream_bad_response"},
        {"1.2", "HTTP/1.2 200 OK\r\n\r\n"sv, "upstream_bad_response"},
        {"2", "HTTP/2 200 \r\n\r\n"sv, "upstream_bad_response"},
        {"2.0", "HTTP/2.0 200 OK\r\n\r\n"sv, "upstream_bad_response"},
        {"0.9", "HTTP/0.9 200 OK\r\n\r\n"sv, "upstream_bad_response"},
        {"lower case", "http/1.1 200 OK\r\n\r\n"sv, "upstream_bad_response"},
        {"ICY", "ICY 200 OK\r\n\r\n"sv, "upstream_bad_response"},
        {"HTML", "<html></html>"sv, "upstream_bad_response"},
        {"SSH", "SSH-2.0-x\r\n"sv, "upstream_bad_response"},
        {"a TLS alert", "\x15\x03\x01"sv, "upstream_bad_response"},
        {"an empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n"sv, "upstream_bad_response"},
        {"a space first", " HTTP/1.1 200 OK\r\n\r\n"sv, "upstream_bad_response"},
        {"a LF after it", "HTTP/1.1 200 OK\n\n"sv, "upstream_bad_response"},
        {"a CR alone after it", "HTTP/1.1 200 OK\r\r\n"sv, "upstream_bad_response"},
        {"a switch of protocols",
         "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"sv,
         "upstream_bad_response"},
        {"nothing but a start", "HTTP/1"sv, "incomplete"},
        {"no blank line", "HTTP/1.1 200 OK\r\na: b\r\n"sv, "incomplete"},
    });
}

TEST(ResponseHead, FramingMustBeClear) {
    check_response({
        {"both", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
         "upstream_bad_response"},
        {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"sv,
         "upstream_bad_response"},
        {"two equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"sv,
         "upstream_bad_response"},
        {"a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n"sv,
         "upstream_bad_response"},
        {"a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"sv,
         "upstream_bad_response"},
        {"an empty length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n"sv,
         "upstream_bad_response"},
        {"a length beyond 2^63-1",
         "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n"sv,
         "upstream_bad_response"},
        {"a look-alike of CL",
         "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent_Length: 0\r\n\r\n"sv,
         "upstream_bad_response"},
        {"a look-alike of TE", "HTTP/1.1 200 OK\r\nTransfer.Encoding: chunked\r\n\r\n"sv,
         "upstream_bad_response"},
        {"gzip, chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"sv,
         "upstream_bad_response"},
        {"identity", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n"sv,
         "upstream_bad_response"},
        {"chunked twice",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
         "upstream_bad_response"},
        {"chunked in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
         "upstream_bad_response"},
        {"204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"sv,
         "upstream_bad_response"},
        {"204 chunked", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
         "upstream_bad_response"},
        {"100 with a length", "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n"sv,
         "upstream_bad_response"},
        {"304 with both",
         "HTTP/1.1 304 x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
         "upstream_bad_response"},
        {"a malformed Connection", "HTTP/1.1 200 OK\r\nConnection: a b\r\n\r\n"sv,
         "upstream_bad_response"},
    });
}

TEST(ResponseHead, FieldLinesAreAsStrictAsInRequests) {
    check_response({
        {"plain", "HTTP/1.1 200 OK\r\na: b\r\n\r\n"sv, "accepted"},
        {"no Host is needed", "HTTP/1.1 200 OK\r\n\r\n"sv, "accepted"},
        {"space before the colon", "HTTP/1.1 200 OK\r\na : b\r\n\r\n"sv, "upstream_bad_response"},
        {"folded", "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n"sv, "upstream_bad_response"},
        {"folded at once", "HTTP/1.1 200 OK\r\n a: b\r\n\r\n"sv, "upstream_bad_response"},
        {"no colon", "HTTP/1.1 200 OK\r\nab\r\n\r\n"sv, "upstream_bad_response"},
        {"no name", "HTTP/1.1 200 OK\r\n: b\r\n\r\n"sv, "upstream_bad_response"},
        {"a NUL", "HTTP/1.1 200 OK\r\na: \0\r\n\r\n"sv, "upstream_bad_response"},
        {"a bare LF", "HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n"sv, "upstream_bad_response"},
        {"a bare CR", "HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n"sv, "upstream_bad_response"},
    });
}

TEST(ResponseHead, HasTheBoundsOfAnyHead) {
    const std::string start = "HTTP/1.1 200 OK\r\nx: ";
    const std::string fits = start + std::string(16384 - start.size() - 4, 'y') + "\r\n\r\n";
    EXPECT_EQ(verdict(response_outcome(fits, Method::get, all_at_once)), "accepted");
    EXPECT_EQ(
        verdict(response_outcome("HTTP/1.1 200 OKy" + fits.substr(15), Method::get, byte_by_byte)),
        "upstream_bad_response");
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 100; ++i) many += "a: b\r\n";
    EXPECT_EQ(verdict(response_outcome(many + "\r\n", Method::get, all_at_once)), "accepted");
    EXPECT_EQ(verdict(response_outcome(many + "a: b\r\n\r\n", Method::get, all_at_once)),
              "upstream_bad_response");
}

TEST(ResponseHead, DamagedHeadsEndTheSameInAnySplit) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const Arrival any_size = [&random](std::size_t) { return 1 + random() % 40; };
    constexpr std::string_view damage("\0\r\n \t:,/\x7F\xFF 012A", 15);
    for (int i = 0; i < 2000; ++i) {
        std::string bytes(openai_stream);
        for (auto n = random() % 3; n > 0; --n) {
            bytes[random() % bytes.size()] = damage[random() % damage.size()];
        }
        const HeadLimits limits{.head_bytes_max = 150 + random() % 150};
        const std::string whole = response_outcome(bytes, Method::get, all_at_once, limits);
        ASSERT_EQ(response_outcome(bytes, Method::get, byte_by_byte, limits), whole) << bytes;
        ASSERT_EQ(response_outcome(bytes, Method::get, any_size, limits), whole) << bytes;
    }
}

}  // namespace
}  // namespace sluicegate::http
