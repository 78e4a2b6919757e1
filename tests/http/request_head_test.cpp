#include "sluicegate/http/chunked_decoder.hpp"
#include "sluicegate/http/head_writer.hpp"
#include "sluicegate/http/request_head.hpp"
#include "sluicegate/http/response_head.hpp"

#include <gtest/gtest.h>

namespace sluicegate::http {
namespace {
TEST(RequestHead, ReadsWhatCurlSends) {
    const std::string_view bytes =
        "POST /v1/chat/completions?x=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\n"
        "Accept: */*\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\nbody";
    const auto size = find_request_head_end(bytes, 0, {});
    ASSERT_TRUE(size.has_value());
    ASSERT_EQ(*size, bytes.size() - 4);
    RequestHead head;
    ASSERT_TRUE(parse_request_head(bytes.substr(0, *size), {}, head).has_value());
    EXPECT_EQ(head.path, "/v1/chat/completions");
    EXPECT_EQ(head.query, "x=1");
    EXPECT_EQ(head.content_length, 12U);
    EXPECT_TRUE(head.expects_continue);
}
TEST(ResponseHead, Reads) {
    const std::string_view bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n";
    ResponseHead head;
    ASSERT_TRUE(parse_response_head(bytes, Method::get, {}, head).has_value());
    EXPECT_EQ(head.framing, Framing::chunked);
}
TEST(ChunkedDecoder, Reads) {
    ChunkedDecoder decoder(ErrorKind::bad_request);
    std::string_view in = "5 ; a=\"b\\\"\" ;c\r\nhello\r\n0\r\nx: y\r\n\r\nrest";
    std::string out;
    while (!decoder.done()) {
        auto step = decoder.decode(in);
        ASSERT_TRUE(step.has_value()) << step.error().detail;
        out += step->payload;
        in.remove_prefix(step->consumed);
    }
    EXPECT_EQ(out, "hello");
    EXPECT_EQ(in, "rest");
}
}  // namespace
}  // namespace sluicegate::http
