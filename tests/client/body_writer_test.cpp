#include "sluicegate/client/body_writer.hpp"

#include "sluicegate/client/answer_head.hpp"

#include "client/owned_context.hpp"
#include "net/raw_peer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace sluicegate::client {
namespace {

using test::OwnedContext;
using testing::HasSubstr;

TEST(BodyWriter, FramesPiecesAsTheClientUnderstandsThem) {
    struct Row {
        const char* name;
        const char* version;
        std::optional<std::int64_t> length;
        unsigned status;
        const char* fields;
        std::string body;
        bool stays_open;
    };
    const std::string chunks = "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";
    const std::vector<Row> rows{
        {"a length", "HTTP/1.1", 5, 200, "content-length: 5\r\n\r\n", "abcde", true},
        {"no length", "HTTP/1.1", {}, 200, "transfer-encoding: chunked\r\n\r\n", chunks, true},
        {"HTTP/1.0 and a length", "HTTP/1.0", 5, 200,
         "connection: close\r\ncontent-length: 5\r\n\r\n", "abcde", false},
        {"HTTP/1.0 and no length",
         "HTTP/1.0",
         {},
         200,
         "connection: close\r\n\r\n",
         "abcde",
         false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        OwnedContext owned;
        const config::Server server;
        test::ConnectedPair pair = test::unix_pair(owned.io);
        Connection client(owned.context, std::move(pair.socket), nullptr, owned.admit());
        Exchange exchange(client);
        exchange.begin({.server = &server, .limiter = nullptr});
        const std::string text = std::string("GET / ") + row.version + "\r\nhost: x\r\n\r\n";
        ASSERT_TRUE(http::parse_request_head(text, {}, client.head()));
        exchange.has_head = true;
        exchange.sent.status = row.status;

        std::string& head = client.answer_text();
        begin_answer(head, exchange, row.status);
        BodyWriter writer(exchange, head, row.length);
        EXPECT_FALSE(writer.has_begun());
        EXPECT_EQ(writer.stays_open(), row.stays_open);
        EXPECT_EQ(writer.is_delimited(), row.length || row.version == std::string("HTTP/1.1"));
        EXPECT_EQ(pair.peer.received(), "") << "the head leaves with the first piece";

        auto& context = owned.io;
        EXPECT_TRUE(test::run(context, writer.write("ab", false)));
        EXPECT_TRUE(writer.has_begun());
        std::string got = pair.peer.received();
        const auto head_end = got.find("\r\n\r\n");
        ASSERT_NE(head_end, std::string::npos);
        EXPECT_TRUE(got.substr(0, head_end + 4).ends_with(row.fields)) << got;
        EXPECT_TRUE(test::run(context, writer.write("cde", false)));
        EXPECT_TRUE(test::run(context, writer.write("", true)));
        got += pair.peer.received();
        EXPECT_EQ(got.substr(head_end + 4), row.body);
        EXPECT_EQ(exchange.sent.body_bytes, 5U);
    }
}

TEST(BodyWriter, SaysThatTheClientHasGone) {
    OwnedContext owned;
    const config::Server server;
    test::ConnectedPair pair = test::unix_pair(owned.io);
    Connection client(owned.context, std::move(pair.socket), nullptr, owned.admit());
    Exchange exchange(client);
    exchange.begin({.server = &server, .limiter = nullptr});
    std::string& head = client.answer_text();
    begin_answer(head, exchange, 200);
    BodyWriter writer(exchange, head, 5);
    pair.peer.close();
    EXPECT_FALSE(test::run(owned.io, writer.write("ab", false)));
    EXPECT_EQ(exchange.sent.error, ErrorKind::client_gone);
}

}  // namespace
}  // namespace sluicegate::client
