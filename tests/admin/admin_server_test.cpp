#include "sluicegate/admin/admin_server.hpp"

#include "sluicegate/auth/key_hash.hpp"

#include "net/manual_clock.hpp"
#include "net/raw_peer.hpp"
#include "net/running_task.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
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
    static AdminSettings settings_of(config::Admin admin) {
        admin.listen = config::Listener{.host = "127.0.0.1", .port = 0, .tls = std::nullopt};
        return {.access = std::make_shared<const Access>(admin)};
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
         {"/large", [](auto) { return Page{.body = std::string(4 << 20, 'x')}; }},
         {"/query", [](std::string_view query) { return Page{.body = std::string(query)}; }},
         {"/count",
          [this](auto) {
              return Page{.content_type = "text/x-count", .body = std::to_string(++calls)};
          }}},
        settings_of(config::Admin())};
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
    const std::string tail = " HTTP/1.1\r\nhost: localhost\r\n\r\n";
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
         "POST /livez HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n",
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
    const std::string request = "GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
    for (const char byte : request) {
        EXPECT_FALSE(peer.has_ended());
        peer.send(std::string(1, byte));
        test::settle(context);
    }
    EXPECT_TRUE(test::run_until(context, [&] { return peer.has_ended(); }));
}

/// How many of the peers, from the oldest on, the server has closed.
std::size_t closed_among(std::deque<test::RawPeer>& peers) {
    std::size_t count = 0;
    for (test::RawPeer& peer : peers) {
        static_cast<void>(peer.received());
        if (peer.has_ended()) ++count;
    }
    return count;
}

TEST_F(AdminServerTest, AnswersWhenItsConnectionsAreAllTaken) {
    struct Row {
        const char* name;
        std::string sent;
    };
    const std::vector<Row> rows{
        {"silent", ""},
        {"a part of a head", "GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n"},
        {"a head and no reading of the answer", "GET /large HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        peers.clear();
        test::settle(context);
        for (std::size_t i = 0; i < AdminServer::connections_max; ++i) {
            connect().send(row.sent);
            test::settle(context);
        }
        for (int i = 0; i < 3; ++i) {
            EXPECT_THAT(ask("GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"),
                        testing::EndsWith("\r\n\r\nok\n"));
        }
    }
}

TEST_F(AdminServerTest, TheOldestWithoutAWholeHeadMakesRoom) {
    test::RawPeer& reads_slowly = connect();
    reads_slowly.send("GET /large HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    test::settle(context);
    for (std::size_t i = 1; i < AdminServer::connections_max; ++i) {
        connect();
        test::settle(context);
    }
    EXPECT_FALSE(peers[1].has_ended());
    connect();
    EXPECT_TRUE(test::run_until(context, [&] { return peers[1].has_ended(); }));
    EXPECT_FALSE(peers[2].has_ended());
    connect();
    EXPECT_TRUE(test::run_until(context, [&] { return peers[2].has_ended(); }));
    EXPECT_FALSE(peers[3].has_ended());
    EXPECT_FALSE(peers[0].has_ended()) << "it is answered";
}

TEST_F(AdminServerTest, HoldsNoMoreConnectionsThanItsBound) {
    for (std::size_t i = 0; i < 3 * AdminServer::connections_max; ++i) connect();
    EXPECT_TRUE(test::run_until(context, [&] {
        return closed_among(peers) == 2 * AdminServer::connections_max;
    })) << closed_among(peers);
    test::settle(context);
    EXPECT_EQ(closed_among(peers), 2 * AdminServer::connections_max);
    EXPECT_FALSE(peers.back().has_ended());
}

TEST_F(AdminServerTest, AHeadHasADeadlineOfItsOwn) {
    for (const char* sent : {"", "GET /livez HTTP/1.1\r\n"}) {
        SCOPED_TRACE(sent);
        test::RawPeer& peer = connect();
        peer.send(sent);
        test::settle(context);
        clock.advance(AdminServer::head_timeout - 1ms);
        context.restart();
        context.run_for(700ms);  // longer than a tick of the server
        EXPECT_FALSE(peer.has_ended());
        clock.advance(2ms);
        EXPECT_TRUE(test::run_until(context, [&] { return peer.has_ended(); }));
    }
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

TEST_F(AdminServerTest, ABodyThatIsNotWantedDoesNotTakeTheAnswer) {
    test::RawPeer& peer = connect();
    peer.send("POST /livez HTTP/1.1\r\nhost: localhost\r\ncontent-length: 300000\r\n\r\n");
    std::string answer;
    for (int i = 0; i < 300; ++i) {
        peer.send(std::string(1000, 'x'));
        test::settle(context);
        answer += peer.received();
    }
    EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 405 "));
    EXPECT_FALSE(peer.was_reset());
}

TEST_F(AdminServerTest, HandsTheQueryToThePage) {
    const std::string answer =
        ask("GET /query?user=alice&model=m HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    EXPECT_THAT(answer, testing::EndsWith("\r\n\r\nuser=alice&model=m"));
}

config::Admin admin_with_key(std::string_view key) {
    config::Admin admin;
    config::ApiKey& added = admin.keys.emplace_back();
    added.id = "ops";
    added.sha256 = auth::hash_key(key);
    return admin;
}

std::string asking(std::string_view path, std::string_view host, std::string_view key = {}) {
    std::string text = "GET " + std::string(path) + " HTTP/1.1\r\nhost: " + std::string(host);
    if (!key.empty()) text += "\r\nauthorization: Bearer " + std::string(key);
    return text + "\r\n\r\n";
}

TEST_F(AdminServerTest, ProbesAnswerStrangersWithoutTheReason) {
    for (const char* line : {"", "origin: http://attacker.example\r\n"}) {
        SCOPED_TRACE(line);
        const std::string host = *line == '\0' ? "attacker.example" : "localhost";
        const auto request = [&](const std::string& path) {
            return "GET " + path + " HTTP/1.1\r\nhost: " + host + "\r\n" + line + "\r\n";
        };
        EXPECT_THAT(ask(request("/livez")), testing::EndsWith("\r\n\r\nok\n"));
        const std::string readyz = ask(request("/readyz"));
        EXPECT_THAT(readyz, testing::StartsWith("HTTP/1.1 503 "));
        EXPECT_THAT(readyz, testing::EndsWith("\r\n\r\nunavailable\n"));
        EXPECT_THAT(ask(request("/count")), testing::StartsWith("HTTP/1.1 403 "));
        EXPECT_THAT(ask(request("/nothing")), testing::StartsWith("HTTP/1.1 403 "));
    }
    EXPECT_EQ(calls, 0);
}

TEST_F(AdminServerTest, WrongKeysAreThrottledAndARightOneIsServed) {
    server.configure(settings_of(admin_with_key("right")));
    const std::string wrong = asking("/count", "localhost", "wrong");
    for (unsigned i = 0; i < AdminServer::wrong_keys_max; ++i) {
        ASSERT_THAT(ask(wrong), HasSubstr("\r\nwww-authenticate: Bearer\r\n")) << i;
    }
    const std::string refused = ask(wrong);
    EXPECT_THAT(refused, testing::StartsWith("HTTP/1.1 429 "));
    EXPECT_THAT(refused, HasSubstr("\r\nretry-after: 60\r\n"));
    EXPECT_THAT(ask(asking("/count", "localhost", "right")), testing::EndsWith("\r\n\r\n1"));
    EXPECT_THAT(ask(asking("/count", "localhost")), testing::StartsWith("HTTP/1.1 401 "))
        << "no key is no guess";
    EXPECT_THAT(ask(asking("/livez", "localhost", "wrong")), testing::EndsWith("ok\n"));
    clock.advance(60s);
    EXPECT_THAT(ask(wrong), testing::StartsWith("HTTP/1.1 401 "));
}

TEST_F(AdminServerTest, ConfigureHoldsForTheNextRequest) {
    test::RawPeer& peer = connect();
    peer.send("GET /count HTTP/1.1\r\n");
    test::settle(context);
    server.configure(settings_of(admin_with_key("right")));
    peer.send("host: localhost\r\n\r\n");
    std::string answer;
    EXPECT_TRUE(test::run_until(context, [&] {
        answer += peer.received();
        return peer.has_ended();
    }));
    EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 401 "));
    server.configure(settings_of(config::Admin()));
    EXPECT_THAT(ask(asking("/count", "localhost")), testing::StartsWith("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace sluicegate::admin
