#include "sluicegate/http/head_writer.hpp"

#include "sluicegate/http/request_head.hpp"
#include "sluicegate/http/response_head.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace sluicegate::http {
namespace {

TEST(HeadWriter, WritesARequestThatTheParserReads) {
    std::string out;
    append_request_line(out, Method::post, "/v1/chat/completions");
    append_field(out, "host", "api.openai.com");
    append_field(out, "content-length", std::int64_t{936});
    append_head_end(out);
    EXPECT_EQ(out,
              "POST /v1/chat/completions HTTP/1.1\r\n"
              "host: api.openai.com\r\n"
              "content-length: 936\r\n"
              "\r\n");
    RequestHead head;
    EXPECT_TRUE(parse_request_head(out, {}, head).has_value());
}

TEST(HeadWriter, WritesAResponseThatTheParserReadsForEveryStatus) {
    for (unsigned status = 100; status <= 599; ++status) {
        if (status == 101) continue;  // refused by the parser
        SCOPED_TRACE(status);
        std::string out;
        append_status_line(out, status);
        append_head_end(out);
        ResponseHead head;
        ASSERT_TRUE(parse_response_head(out, Method::get, {}, head).has_value()) << out;
        EXPECT_EQ(head.status, status);
    }
}

TEST(HeadWriter, KnowsThePhrasesOfWhatIsSent) {
    EXPECT_EQ(reason_of(100), "Continue");
    EXPECT_EQ(reason_of(200), "OK");
    EXPECT_EQ(reason_of(429), "Too Many Requests");
    EXPECT_EQ(reason_of(504), "Gateway Timeout");
    EXPECT_EQ(reason_of(299), "");
    std::string out;
    append_status_line(out, 529);
    EXPECT_EQ(out, "HTTP/1.1 529 \r\n");
}

TEST(HeadWriter, WritesNumbersInFull) {
    std::string out;
    append_field(out, "a", std::numeric_limits<std::int64_t>::min());
    append_field(out, "b", std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(out, "a: -9223372036854775808\r\nb: 9223372036854775807\r\n");
    out.clear();
    append_chunk_size(out, 26);
    append_chunk_size(out, std::numeric_limits<std::size_t>::max());
    EXPECT_EQ(out, "1a\r\nffffffffffffffff\r\n");
}

#ifndef NDEBUG
TEST(HeadWriterDeathTest, RefusesWhatWouldSplitAHead) {
    std::string out;
    EXPECT_DEATH(append_field(out, "a", "b\r\nc: d"), "is_field_value");
    EXPECT_DEATH(append_field(out, "a", "b\n"), "is_field_value");
    EXPECT_DEATH(append_field(out, "a", " b"), "is_field_value");
    EXPECT_DEATH(append_field(out, "a:", "b"), "is_token");
    EXPECT_DEATH(append_field(out, "", std::int64_t{1}), "is_token");
    EXPECT_DEATH(append_request_line(out, Method::get, "/a b"), "target");
    EXPECT_DEATH(append_request_line(out, Method::get, "/\r\n"), "target");
}
#endif

}  // namespace
}  // namespace sluicegate::http
