/// Bounds of a request head, each tested on both sides, and how early a head is refused.

#include "http/outcome.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::http {
namespace {

using std::string_view_literals::operator""sv;

std::string repeated(std::size_t count, std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += text;
    return out;
}

/// Same verdict whole and byte by byte.
std::string verdict_of(const std::string& bytes, const HeadLimits& limits = {}) {
    const std::string whole = request_outcome(bytes, all_at_once, limits);
    EXPECT_EQ(request_outcome(bytes, byte_by_byte, limits), whole);
    return verdict(whole);
}

std::string head_of_size(std::size_t size) {
    const std::string before = "GET / HTTP/1.1\r\nHost: h\r\nx: ";
    const std::string after = "\r\n\r\n";
    return before + std::string(size - before.size() - after.size(), 'y') + after;
}

std::string head_with_line_of_size(std::size_t size) {
    const std::string_view around = "GET / HTTP/1.1"sv;
    return "GET /" + std::string(size - around.size(), 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

TEST(RequestLimits, TheHeadHasAtMost16Kibibytes) {
    EXPECT_EQ(verdict_of(head_of_size(16384)), "accepted");
    EXPECT_EQ(verdict_of(head_of_size(16385)), "header_too_large");
    EXPECT_EQ(verdict_of("\r\n" + head_of_size(16382)), "accepted");
    EXPECT_EQ(verdict_of("\r\n" + head_of_size(16383)), "header_too_large");
}

TEST(RequestLimits, BytesAfterTheHeadDoNotCount) {
    EXPECT_EQ(verdict_of(head_of_size(64) + std::string(64, 'b'), {.head_bytes_max = 64}),
              "accepted");
}

TEST(RequestLimits, TheRequestLineHasAtMost8Kibibytes) {
    EXPECT_EQ(verdict_of(head_with_line_of_size(8192)), "accepted");
    EXPECT_EQ(verdict_of(head_with_line_of_size(8193)), "uri_too_long");
    EXPECT_EQ(verdict_of("\r\n" + head_with_line_of_size(8192)), "accepted");
    EXPECT_EQ(verdict_of("\r\n" + head_with_line_of_size(8193)), "uri_too_long");
}

TEST(RequestLimits, TheHeadHasAtMost100Fields) {
    const std::string before = "GET / HTTP/1.1\r\nHost: h\r\n";
    EXPECT_EQ(verdict_of(before + repeated(99, "a: b\r\n") + "\r\n"), "accepted");
    EXPECT_EQ(verdict_of(before + repeated(100, "a: b\r\n") + "\r\n"), "header_too_large");
    EXPECT_EQ(verdict_of(before + repeated(100, "a: b\r\n") + "\r\n", {.fields_max = 1000}),
              "header_too_large");
}

TEST(RequestLimits, TheFieldLimitIsConfigurable) {
    const std::string before = "GET / HTTP/1.1\r\nHost: h\r\n";
    EXPECT_EQ(verdict_of(before + "a: b\r\n\r\n", {.fields_max = 2}), "accepted");
    EXPECT_EQ(verdict_of(before + "a: b\r\na: b\r\n\r\n", {.fields_max = 2}), "header_too_large");
}

TEST(RequestLimits, ParsingHoldsTheBoundsByItself) {
    RequestHead head;
    auto too_large = parse_request_head(head_of_size(65), {.head_bytes_max = 64}, head);
    ASSERT_FALSE(too_large.has_value());
    EXPECT_EQ(too_large.error().kind, ErrorKind::header_too_large);
    auto too_long =
        parse_request_head(head_with_line_of_size(41), {.request_line_bytes_max = 40}, head);
    ASSERT_FALSE(too_long.has_value());
    EXPECT_EQ(too_long.error().kind, ErrorKind::uri_too_long);
}

/// Errors that are certain after exactly these bytes, and not one byte earlier.
TEST(RequestLimits, RefusesAsSoonAsItIsCertain) {
    struct Row {
        const char* name;
        std::string bytes;
        ErrorKind kind;
    };
    const std::vector<Row> rows{
        {"a TLS ClientHello", "\x16", ErrorKind::bad_request},
        {"a NUL", std::string("\0", 1), ErrorKind::bad_request},
        {"an SSLv2 ClientHello", "\x80", ErrorKind::bad_request},
        {"an empty line of LF", "\n", ErrorKind::bad_request},
        {"a space", " ", ErrorKind::bad_request},
        {"JSON", "{", ErrorKind::bad_request},
        {"a second empty line", "\r\n\r", ErrorKind::bad_request},
        {"a CR alone first", "\rG", ErrorKind::bad_request},
        {"no method after 32 bytes", std::string(33, 'A'), ErrorKind::bad_request},
        {"the end of the line within the method", "GET\r", ErrorKind::bad_request},
        {"a NUL in the target", std::string("GET /\0", 6), ErrorKind::bad_request},
        {"a LF after the request line", "GET / HTTP/1.1\n", ErrorKind::bad_request},
        {"a CR alone after the request line", "GET / HTTP/1.1\rH", ErrorKind::bad_request},
        {"a LF after a field", "GET / HTTP/1.1\r\nHost: h\n", ErrorKind::bad_request},
        {"a CR alone in a field", "GET / HTTP/1.1\r\nHost: h\r\r", ErrorKind::bad_request},
        {"a NUL in a field", "GET / HTTP/1.1\r\nHost: " + std::string("\0", 1),
         ErrorKind::bad_request},
        {"a CR alone in the blank line", "GET / HTTP/1.1\r\nHost: h\r\n\rx",
         ErrorKind::bad_request},
        {"a long request line", "GET /" + std::string(8193 - 5, 'x'), ErrorKind::uri_too_long},
        {"a long head", "GET / HTTP/1.1\r\nHost: " + std::string(16384 - 22, 'x'),
         ErrorKind::header_too_large},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const std::string_view bytes = row.bytes;
        auto before = find_request_head_end(bytes.substr(0, bytes.size() - 1), 0, {});
        ASSERT_TRUE(before.has_value()) << before.error().detail;
        EXPECT_EQ(*before, 0U);
        auto now = find_request_head_end(bytes, bytes.size() - 1, {});
        ASSERT_FALSE(now.has_value());
        EXPECT_EQ(now.error().kind, row.kind);
    }
}

TEST(RequestLimits, FindsTheEndHoweverLittleIsSearchedAgain) {
    const std::string head = "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
    for (std::size_t searched = 0; searched < head.size(); ++searched) {
        SCOPED_TRACE(searched);
        auto before = find_request_head_end(std::string_view(head).substr(0, searched), 0, {});
        ASSERT_TRUE(before.has_value());
        ASSERT_EQ(*before, 0U);
        auto size = find_request_head_end(head + "GET", searched, {});
        ASSERT_TRUE(size.has_value());
        EXPECT_EQ(*size, head.size());
    }
}

}  // namespace
}  // namespace sluicegate::http
