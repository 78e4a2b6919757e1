#include "support/http_message.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

MessageHead head_of(std::string text) {
    return take_head(text).value();
}

TEST(MessageHead, KeepsOrderAndFindsNamesInAnyCase) {
    std::string buffer = "GET / HTTP/1.1\r\nA: 1\r\nb:  2 \r\na: 3\r\n\r\nrest";
    const MessageHead head = take_head(buffer).value();
    EXPECT_EQ(head.start_line, "GET / HTTP/1.1");
    EXPECT_EQ(head.value("a"), "1");
    EXPECT_EQ(head.value("B"), "2");
    EXPECT_EQ(head.count("A"), 2U);
    EXPECT_FALSE(head.has("c"));
    EXPECT_EQ(buffer, "rest");
}

TEST(MessageHead, WaitsForTheBlankLine) {
    std::string buffer = "GET / HTTP/1.1\r\nA: 1\r\n";
    EXPECT_FALSE(take_head(buffer));
    EXPECT_EQ(buffer.size(), 22U);
}

TEST(MessageHead, RefusesALineThatIsNoField) {
    EXPECT_THROW(head_of("GET / HTTP/1.1\r\nno colon\r\n\r\n"), std::runtime_error);
    EXPECT_THROW(head_of("GET / HTTP/1.1\r\nname : x\r\n\r\n"), std::runtime_error);
}

TEST(BodyReader, ReadsChunksInAnySplit) {
    const std::string wire = "4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\nTrailer: t\r\n\r\nrest";
    for (std::size_t split = 0; split <= wire.size(); ++split) {
        SCOPED_TRACE(split);
        BodyReader body(BodyReader::Framing::chunked, 0);
        std::string buffer = wire.substr(0, split);
        body.take(buffer);
        buffer += wire.substr(split);
        body.take(buffer);
        EXPECT_TRUE(body.is_done());
        EXPECT_FALSE(body.is_broken());
        EXPECT_EQ(body.body(), "Wikipedia");
        EXPECT_EQ(body.chunk_sizes(), (std::vector<std::size_t>{4, 5}));
        EXPECT_EQ(buffer, "rest");
    }
}

TEST(BodyReader, ACutChunkedBodyIsNeverDone) {
    const std::string wire = "4\r\nWiki\r\n0\r\n\r\n";
    for (std::size_t size = 0; size < wire.size(); ++size) {
        SCOPED_TRACE(size);
        BodyReader body(BodyReader::Framing::chunked, 0);
        std::string buffer = wire.substr(0, size);
        body.take(buffer);
        body.end_of_input();
        EXPECT_FALSE(body.is_done());
    }
}

TEST(BodyReader, SaysThatChunkFramingIsBroken) {
    for (const std::string wire : {"4\r\nWikiX\r\n", "zz\r\n", "\r\n", "-1\r\n"}) {
        SCOPED_TRACE(wire);
        BodyReader body(BodyReader::Framing::chunked, 0);
        std::string buffer = wire;
        body.take(buffer);
        EXPECT_TRUE(body.is_broken());
        EXPECT_FALSE(body.is_done());
    }
}

TEST(BodyReader, AShortContentLengthIsNotDoneAndALongOneLeavesTheRest) {
    BodyReader body(BodyReader::Framing::content_length, 5);
    std::string buffer = "abc";
    body.take(buffer);
    body.end_of_input();
    EXPECT_FALSE(body.is_done());
    buffer = "defg";
    body.take(buffer);
    EXPECT_TRUE(body.is_done());
    EXPECT_EQ(buffer, "fg");
}

TEST(BodyReader, OnlyTheEndOfInputEndsACloseDelimitedBody) {
    BodyReader body(BodyReader::Framing::until_close, 0);
    std::string buffer = "abc";
    body.take(buffer);
    EXPECT_FALSE(body.is_done());
    body.end_of_input();
    EXPECT_TRUE(body.is_done());
}

TEST(BodyReader, ChoosesTheFramingOfRfc9112) {
    using Framing = BodyReader::Framing;
    const MessageHead sized = head_of("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    const MessageHead bare = head_of("HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
    EXPECT_EQ(BodyReader::for_response(sized, 200, "GET").framing(), Framing::content_length);
    EXPECT_EQ(BodyReader::for_response(sized, 200, "HEAD").framing(), Framing::none);
    EXPECT_EQ(BodyReader::for_response(sized, 204, "GET").framing(), Framing::none);
    EXPECT_EQ(BodyReader::for_response(bare, 200, "GET").framing(), Framing::until_close);
    EXPECT_EQ(BodyReader::for_request(bare).framing(), Framing::none);
}

TEST(BodyReader, RefusesAmbiguousFramings) {
    for (const std::string fields :
         {"Content-Length: 1\r\nTransfer-Encoding: chunked", "Transfer-Encoding: gzip",
          "Content-Length: 1\r\nContent-Length: 1", "Content-Length: 1x"}) {
        SCOPED_TRACE(fields);
        const MessageHead head = head_of("POST / HTTP/1.1\r\n" + fields + "\r\n\r\n");
        EXPECT_THROW(BodyReader::for_request(head), std::runtime_error);
    }
}

}  // namespace
}  // namespace sluicegate::support
