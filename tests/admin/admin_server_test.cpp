#include "sluicegate/admin/admin_server.hpp"

#include "net/manual_clock.hpp"
#include "net/raw_peer.hpp"
#include "net/running_task.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

namespace sluicegate::admin {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class AdminServerTest : public testing::Test {
protected:
    AdminServerTest() {
        EXPECT_TRUE(server.bind("127.0.0.1", 0));
        server.start();
    }
    ~AdminServerTest() override {
        server.stop();
        context.restart();
        context.run_for(test::patience);
        EXPECT_TRUE(context.stopped()) << "nothing is left after stop()";
    }
    test::RawPeer& connect() {
        const std::string address = server.address();
        const std::string port = address.substr(address.rfind(':') + 1);
        peers.push_back(test::connect_to(static_cast<std::uint16_t>(std::stoi(port))));
        return peers.back();
    }
    /// All bytes until the server closes.
    std::string ask(const std::string& request) {
        test::RawPeer& peer = connect();
        peer.send(request);
        std::string answer;
        EXPECT_TRUE(test::run_until(context, [&] {
            answer += peer.received();
            return peer.has_ended();
        }));
        return answer;
    }

    net::asio::io_context context;
    test::ManualClock clock;
    int calls = 0;
    AdminServer server{
        context,
        clock,
        {{"/livez", [](auto) { return Page{.body = "ok\n"}; }},
         {"/readyz", [](auto) { return Page{.status = 503, .body = "draining\n"}; }},
         {"/query", [](std::string_view query) { return Page{.body = std::string(query)}; }},
         {"/count", [this](auto) {
              return Page{.content_type = "text/x-count", .body = std::to_string(++calls)};
          }}}};
    std::deque<test::RawPeer> peers;
};

TEST_F(AdminServerTest, AnswersEachRequestAsItsPageSays) {
    struct Row {
        const char* name;
        std::string request;
        const char* status;
        std::vector<const char*> has;
        const char* end;
    };
    const std::string tail = " HTTP/1.1\r\nhost: admin\r\n\r\n";
    const std::vector<Row> rows{
        {"a page",
         "GET /livez" + tail,
         "200 OK",
         {"content-type: text/plain; charset=utf-8\r\n", "content-length: 3\r\n",
          "cache-control: no-store\r\n", "connection: close\r\n"},
         "\r\n\r\nok\n"},
        {"a query is no part of the path", "GET /livez?verbose" + tail, "200 OK", {}, "ok\n"},
        {"its own status", "GET /readyz" + tail, "503 Service Unavailable", {}, "draining\n"},
        {"its own type", "GET /count" + tail, "200 OK", {"content-type: text/x-count\r\n"}, "1"},
        {"HEAD", "HEAD /livez" + tail, "200 OK", {"content-length: 3\r\n"}, "\r\n\r\n"},
        {"another path", "GET /secrets" + tail, "404 Not Found", {"/livez\n", "/readyz\n"}, "\n"},
        {"no path", "GET /" + tail, "404 Not Found", {}, "\n"},
        {"a path below", "GET /livez/x" + tail, "404 Not Found", {}, "\n"},
        {"POST",
         "POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
         "405 Method Not Allowed",
         {"allow: GET, HEAD\r\n"},
         "GET only\n"},
        {"HTTP/1.0", "GET /livez HTTP/1.0\r\n\r\n", "200 OK", {}, "ok\n"},
        {"garbage", "hello\r\n\r\n", "400 Bad Request", {}, "malformed request\n"},
        {"no host", "GET /livez HTTP/1.1\r\n\r\n", "400 Bad Request", {}, "malformed request\n"},
        {"a head without end",
         "GET /livez HTTP/1.1\r\nx: " + std::string(9000, 'x'),
         "400 Bad Request",
         {},
         "malformed request\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const std::string answer = ask(row.request);
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::string(row.status) + "\r\n")) << answer;
        EXPECT_TRUE(answer.ends_with(row.end)) << answer;
        for (const char* text : row.has) EXPECT_THAT(answer, HasSubstr(text));
    }
    EXPECT_EQ(calls, 1) << "a page is made only for a request that asks for it";
}

TEST_F(AdminServerTest, TakesARequestInPieces) {
    test::RawPeer& peer = connect();
    const std::string request = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
    for (const char byte : request) {
        EXPECT_FALSE(peer.has_ended());
        peer.send(std::string(1, byte));
        test::settle(context);
    }
    EXPECT_TRUE(test::run_until(context, [&] { return peer.has_ended(); }));
}

TEST_F(AdminServerTest, ServesNoMoreConnectionsThanItsBound) {
    for (std::size_t i = 0; i < AdminServer::connections_max; ++i) connect();
    test::settle(context);
    test::RawPeer& refused = connect();
    EXPECT_TRUE(test::run_until(context, [&] { return refused.has_ended(); }));
    EXPECT_FALSE(peers.front().has_ended());
    peers.front().close();
    test::settle(context);
    EXPECT_TRUE(ask("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").ends_with("ok\n"));
}

TEST_F(AdminServerTest, ASilentConnectionEndsByItsDeadline) {
    test::RawPeer& peer = connect();
    test::settle(context);
    EXPECT_FALSE(peer.has_ended());
    clock.advance(AdminServer::connection_timeout + 1ms);
    EXPECT_TRUE(test::run_until(context, [&] { return peer.has_ended(); }));
}

TEST_F(AdminServerTest, ASilentConnectionDoesNotOutliveStop) {
    test::RawPeer& peer = connect();
    test::settle(context);
    EXPECT_FALSE(peer.has_ended());
    server.stop();
    context.restart();
    context.run_for(test::patience);
    EXPECT_TRUE(context.stopped()) << "the process must be able to end";
    EXPECT_TRUE(peer.has_ended());
}

TEST_F(AdminServerTest, HandsTheQueryToThePage) {
    const std::string answer = ask("GET /query?user=alice&model=m HTTP/1.1\r\nhost: x\r\n\r\n");
    EXPECT_THAT(answer, testing::EndsWith("\r\n\r\nuser=alice&model=m"));
}

}  // namespace
}  // namespace sluicegate::admin
