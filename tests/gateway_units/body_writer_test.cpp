#include "gateway/body_writer.hpp"

#include "gateway/answer_head.hpp"
#include "gateway_units/in_process_gateway.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace sluicegate::gateway {
namespace {

using test::InProcessGateway;
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
        InProcessGateway gateway;
        test::ConnectedPair pair = test::unix_pair(gateway.worker.context());
        ClientConnection client(gateway.worker, std::move(pair.socket), nullptr);
        Request request(client);
        request.begin();
        const std::string text = std::string("GET / ") + row.version + "\r\nhost: x\r\n\r\n";
        ASSERT_TRUE(http::parse_request_head(text, {}, client.head()));
        request.has_head = true;
        request.record.status = row.status;

        std::string& head = client.answer_text();
        begin_answer(head, request, row.status);
        BodyWriter writer(request, head, row.length);
        EXPECT_FALSE(writer.has_begun());
        EXPECT_EQ(writer.stays_open(), row.stays_open);
        EXPECT_EQ(writer.is_delimited(), row.length || row.version == std::string("HTTP/1.1"));
        EXPECT_EQ(pair.peer.received(), "") << "the head leaves with the first piece";

        auto& context = gateway.worker.context();
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
        EXPECT_EQ(request.record.bytes_out, 5U);
    }
}

TEST(BodyWriter, SaysThatTheClientHasGone) {
    InProcessGateway gateway;
    test::ConnectedPair pair = test::unix_pair(gateway.worker.context());
    ClientConnection client(gateway.worker, std::move(pair.socket), nullptr);
    Request request(client);
    request.begin();
    std::string& head = client.answer_text();
    begin_answer(head, request, 200);
    BodyWriter writer(request, head, 5);
    pair.peer.close();
    EXPECT_FALSE(test::run(gateway.worker.context(), writer.write("ab", false)));
    EXPECT_EQ(request.record.error, ErrorKind::client_gone);
}

}  // namespace
}  // namespace sluicegate::gateway
