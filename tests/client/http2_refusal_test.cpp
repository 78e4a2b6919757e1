#include "client/http2_refusal.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluicegate::client {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view http2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"sv;
constexpr std::string_view http2_settings = "\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64"sv;
constexpr std::string_view headers_of_stream_5 = "\0\0\1\1\5\x80\0\0\5\x82"sv;

TEST(Http2Refusal, KnowsThePrefaceByItsFirstPart) {
    EXPECT_TRUE(is_http2_preface(http2_preface));
    EXPECT_TRUE(is_http2_preface(http2_preface.substr(0, 18)));
    EXPECT_FALSE(is_http2_preface(http2_preface.substr(0, 17)));
    EXPECT_FALSE(is_http2_preface("PRI / HTTP/2.0\r\n\r\n"));
    EXPECT_FALSE(is_http2_preface("GET / HTTP/2.0\r\n\r\n"));
}

TEST(Http2Refusal, FindsTheFirstRequestAndNotBeforeItIsThere) {
    std::string bytes(http2_preface);
    bytes += http2_settings;
    EXPECT_EQ(first_http2_stream(bytes), 0U);
    const std::string all = bytes + std::string(headers_of_stream_5);
    for (std::size_t size = 0; size < bytes.size() + 9; ++size) {
        EXPECT_EQ(first_http2_stream(std::string_view(all).substr(0, size)), 0U) << size;
    }
    EXPECT_EQ(first_http2_stream(all), 5U) << "the reserved bit does not count";
}

TEST(Http2Refusal, SurvivesAnyLengthOfAFrame) {
    std::string bytes(http2_preface);
    bytes += "\xff\xff\xff\4\0\0\0\0\0"sv;
    bytes += std::string(100, 'x');
    EXPECT_EQ(first_http2_stream(bytes), 0U);
}

TEST(Http2Refusal, AnswersTheRequestAndNamesHttp11) {
    const std::string frames = http2_frames(
        {.stream = 1, .status = 505, .request_id = "req_1", .body = "{}", .reason = "why"});
    EXPECT_EQ(frames,
              "\0\0\0\4\0\0\0\0\0"
              "\0\0\0\4\1\0\0\0\0"
              "\0\0\x52\1\4\0\0\0\1"
              "\0\7:status\3"
              "505"
              "\0\x0c"
              "content-type\x10"
              "application/json"
              "\0\x0e"
              "content-length\1"
              "2"
              "\0\x0cx-request-id\5"
              "req_1"
              "\0\0\2\0\1\0\0\0\1{}"
              "\0\0\x0b\7\0\0\0\0\0\0\0\0\1\0\0\0\x0dwhy"sv);
}

TEST(Http2Refusal, WithoutARequestItOnlySaysGoAway) {
    const std::string frames =
        http2_frames({.status = 505, .request_id = "req_1", .body = "{}", .reason = "why"});
    EXPECT_EQ(frames,
              "\0\0\0\4\0\0\0\0\0"
              "\0\0\0\4\1\0\0\0\0"
              "\0\0\x0b\7\0\0\0\0\0\0\0\0\0\0\0\0\x0dwhy"sv);
}

}  // namespace
}  // namespace sluicegate::client
