/// What becomes of answers that break off.

#include "gateway/in_process_gateway.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::gateway {
namespace {

using test::chat_request;
using test::InProcessGateway;
using testing::HasSubstr;
using testing::Not;

const std::string event_stream =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const std::string event(test::text_event);

std::int64_t errors_of(const InProcessGateway& gateway, ErrorKind kind) {
    for (const auto& sample : gateway.registry.collect(metrics::Metric::upstream_errors_total)) {
        if (sample.labels == std::vector<std::string>{"provider", std::string(name_of(kind))}) {
            return sample.values.front();
        }
    }
    return 0;
}

TEST(Relay, AnAnswerThatBreaksOffIsCountedAsAnErrorOfItsUpstream) {
    struct Row {
        const char* name;
        std::string answer;
        const char* status;
        const char* path = "/v1/chat/completions";
    };
    const std::vector<Row> rows{
        {"before the head", "", "502 Bad Gateway"},
        {"held JSON",
         "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
         "502 Bad Gateway"},
        {"before the first event", event_stream, "502 Bad Gateway"},
        {"after an event", event_stream + event, "200 OK"},
        {"in an event", event_stream + event + "6\r\ndata: \r\n", "200 OK"},
        {"after an event, with an end", event_stream + event + "0\r\n\r\n", "200 OK"},
        {"in other bytes",
         "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 9\r\n\r\nabc", "200 OK",
         "/v1/audio/speech"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        InProcessGateway gateway;
        test::RawPeer& client = gateway.connect();
        const bool is_stream = row.answer.starts_with(event_stream);
        std::string request =
            is_stream ? chat_request({.body = test::stream_body}) : chat_request();
        const std::string_view chat = "/v1/chat/completions";
        client.send(request.replace(request.find(chat), chat.size(), row.path));
        gateway.settle();
        ASSERT_EQ(gateway.upstreams.size(), 1U);
        gateway.upstreams[0].send(row.answer);
        gateway.upstreams[0].shutdown_send();
        gateway.settle();
        const std::string answer = client.received();
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::string(row.status) + "\r\n")) << answer;
        const bool is_cut_stream = answer.find("text/event-stream") != std::string::npos;
        EXPECT_EQ(answer.find("\"code\":\"upstream_closed\"") != std::string::npos,
                  is_cut_stream || row.status != std::string("200 OK"));
        EXPECT_THAT(answer, Not(HasSubstr("\r\n0\r\n\r\n"))) << "nothing may look complete";
        client.close();
        gateway.settle();
        EXPECT_EQ(errors_of(gateway, ErrorKind::upstream_closed), 1);
    }
}

TEST(Relay, AnEventIsPassedOnOnceItIsWhole) {
    InProcessGateway gateway;
    test::RawPeer& client = gateway.connect();
    client.send(chat_request({.body = test::stream_body}));
    gateway.settle();
    ASSERT_EQ(gateway.upstreams.size(), 1U);
    std::string most = event;
    most.replace(0, 2, "38");
    most.erase(most.size() - 3, 1);
    gateway.upstreams[0].send(event_stream + most);
    gateway.settle();
    EXPECT_EQ(client.received(), "");
    gateway.upstreams[0].send("1\r\n\n\r\n");
    gateway.settle();
    EXPECT_TRUE(client.received().ends_with("\r\n\r\n" + event));
    gateway.upstreams[0].send("e\r\ndata: [DONE]\n\n\r\n");
    gateway.settle();
    // The end goes out with [DONE]; the upstream's own only frees its connection.
    EXPECT_EQ(client.received(), "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
    gateway.upstreams[0].send("0\r\n\r\n");
    gateway.settle();
    EXPECT_EQ(client.received(), "");
    client.send(chat_request());
    gateway.settle();
    EXPECT_EQ(gateway.upstreams.size(), 1U) << "the same connection carries the next request";
    EXPECT_EQ(errors_of(gateway, ErrorKind::upstream_closed), 0);
}

/// An answer too long to be held, with its usage at the end; the last bytes come when the client
/// has just left.
TEST(Relay, ReportedUsageStaysWhenTheLastBytesCannotBeWritten) {
    InProcessGateway gateway;
    test::RawPeer& client = gateway.connect();
    client.send(chat_request());
    gateway.settle();
    const std::string end =
        R"(","usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}})";
    const std::string begin = R"({"text":")";
    const std::string filler(std::size_t{64} << 10, 'x');
    constexpr std::size_t pieces = 130;  // more than the 8 MiB that are held
    const std::size_t length = begin.size() + pieces * filler.size() + end.size();
    test::RawPeer& upstream = gateway.upstreams.back();
    upstream.send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: " +
                  std::to_string(length) + "\r\n\r\n" + begin);
    std::size_t got = 0;
    for (std::size_t i = 0; i < pieces; ++i) {
        upstream.send(filler);
        gateway.settle();
        got += client.received().size();
    }
    EXPECT_GT(got, std::size_t{8} << 20);

    upstream.send(end);
    client.close();
    gateway.settle();
    const std::string& line = gateway.worker.context().access_lines;
    EXPECT_THAT(line, HasSubstr(R"("outcome":"client_gone")"));
    EXPECT_THAT(line, HasSubstr(R"("usage_source":"reported","settled_tokens":12)"));
}

}  // namespace
}  // namespace sluicegate::gateway
