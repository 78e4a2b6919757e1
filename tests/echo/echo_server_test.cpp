#include "sluicegate/echo/echo_server.hpp"

#include "sluicegate/http/chunked_decoder.hpp"

#include "net/manual_clock.hpp"
#include "net/running_task.hpp"

#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace sluicegate::echo {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string request(std::string_view path, std::string_view body) {
    std::string text = "POST ";
    text += path;
    text += " HTTP/1.1\r\nhost: echo\r\ncontent-type: application/json\r\ncontent-length: ";
    text += std::to_string(body.size()) + "\r\n\r\n";
    text += body;
    return text;
}

/// One connection to the echo upstream.
class Connection {
public:
    explicit Connection(const config::EchoSettings& settings)
        : socket_(std::move(*dial(context, settings, clock))) {
        socket_.non_blocking(true);
    }

    void send(const std::string& text) {
        net::asio::write(socket_, net::asio::buffer(text));
        test::settle(context);
    }
    /// What has come by now; `has_ended` is set at the end of the stream.
    std::string received() {
        test::settle(context);
        std::string got;
        std::array<char, 4096> some;
        net::ErrorCode error;
        for (;;) {
            const std::size_t size = socket_.read_some(net::asio::buffer(some), error);
            if (error) break;
            got.append(some.data(), size);
            test::settle(context);
        }
        has_ended = error != net::asio::error::would_block;
        return got;
    }
    void shutdown_send() { socket_.shutdown(net::Socket::shutdown_send); }
    void close() { socket_.close(); }

    net::asio::io_context context;
    test::ManualClock clock;
    bool has_ended = false;

private:
    net::Socket socket_;
};

const std::string hello =
    request("/chat/completions", R"({"model":"m","messages":[{"role":"user","content":"hello"}]})");

TEST(EchoServer, AnswersOneRequestAfterAnother) {
    Connection connection({.delay = 0ms, .tokens = 3});
    for (int i = 0; i < 3; ++i) {
        connection.send(hello);
        const std::string answer = connection.received();
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"));
        EXPECT_THAT(answer, HasSubstr("hello hello hello"));
        EXPECT_THAT(answer, HasSubstr("\"created\":1728000000"));
    }
    connection.shutdown_send();
    EXPECT_EQ(connection.received(), "");
    EXPECT_TRUE(connection.has_ended);
}

TEST(EchoServer, TakesARequestInAnySplit) {
    Connection connection({.delay = 0ms, .tokens = 1});
    for (std::size_t cut = 1; cut < hello.size(); cut += 7) {
        SCOPED_TRACE(cut);
        connection.send(hello.substr(0, cut));
        EXPECT_EQ(connection.received(), "");
        connection.send(hello.substr(cut));
        EXPECT_TRUE(connection.received().starts_with("HTTP/1.1 200 OK\r\n"));
    }
}

TEST(EchoServer, StreamsEventsInChunks) {
    Connection connection({.delay = 0ms, .tokens = 2});
    connection.send(
        request("/chat/completions",
                R"({"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]})"));
    const std::string answer = connection.received();
    EXPECT_THAT(answer, HasSubstr("\r\ncontent-type: text/event-stream"));
    const auto head_end = answer.find("\r\n\r\n");
    ASSERT_NE(head_end, std::string::npos);
    http::ChunkedDecoder chunks(ErrorKind::upstream_bad_response);
    std::string_view raw = std::string_view(answer).substr(head_end + 4);
    std::string events;
    while (!raw.empty()) {
        const auto step = chunks.decode(raw);
        ASSERT_TRUE(step);
        events += step->payload;
        raw.remove_prefix(step->consumed);
    }
    EXPECT_TRUE(chunks.done());
    EXPECT_TRUE(events.ends_with("data: [DONE]\n\n"));
}

TEST(EchoServer, EndsTheConnectionAtWhatItDoesNotUnderstand) {
    for (const std::string text :
         {"hello\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
          "POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"}) {
        SCOPED_TRACE(text);
        Connection connection({});
        connection.send(text);
        EXPECT_EQ(connection.received(), "");
        EXPECT_TRUE(connection.has_ended);
    }
}

TEST(EchoServer, WaitsForItsDelay) {
    Connection connection({.delay = 30ms, .tokens = 1});
    connection.send(hello);
    std::string answer;
    const auto has_answered = [&] {
        answer += connection.received();
        return !answer.empty();
    };
    const auto begun_at = std::chrono::steady_clock::now();
    ASSERT_TRUE(test::run_until(connection.context, has_answered));
    EXPECT_GE(std::chrono::steady_clock::now() - begun_at, 25ms);
}

TEST(EchoServer, ADelayDoesNotOutliveItsClient) {
    Connection connection({.delay = 10min, .tokens = 1});
    connection.send(hello);
    connection.close();
    connection.context.restart();
    connection.context.run_for(test::patience);
    EXPECT_TRUE(connection.context.stopped()) << "nothing is left that could hold up a drain";
}

}  // namespace
}  // namespace sluicegate::echo
