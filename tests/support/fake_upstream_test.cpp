#include "support/fake_upstream.hpp"

#include "support/test_client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <system_error>

namespace sluicegate::support {
namespace {

TEST(FakeUpstream, RecordsWhatItGotAndKeepsTheConnection) {
    FakeUpstream upstream;
    TestClient client(upstream.port());
    client.send(request("POST", "/v1/a", "X-A: 1\r\n", "hello"));
    EXPECT_EQ(client.read_response().status, 200);
    client.send("POST /v1/b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    EXPECT_TRUE(client.read_response().is_complete);

    const auto requests = upstream.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(requests[0].target(), "/v1/a");
    EXPECT_EQ(requests[0].head.value("x-a"), "1");
    EXPECT_EQ(requests[0].body, "hello");
    EXPECT_EQ(requests[1].body, "abc");
    EXPECT_EQ(upstream.connections().size(), 1U);
    EXPECT_TRUE(upstream.connections()[0].received.starts_with("POST /v1/a HTTP/1.1\r\n"));
}

TEST(FakeUpstream, HoldsAPieceBackUntilTheTestAllowsIt) {
    Signal go;
    FakeUpstream upstream;
    upstream.answer(
        Script().send(sse_head()).send(chunk("one")).wait(go).send(chunk("two") + chunk("")));
    TestClient client(upstream.port());
    client.send(request("GET", "/", ""));
    EXPECT_EQ(client.read_head("GET").status, 200);
    EXPECT_TRUE(client.read_until("one"));
    EXPECT_EQ(client.wire().read_some(Deadline(milliseconds(50))).end, ReadEnd::timeout);
    go.raise();
    const Response response = client.read_rest();
    EXPECT_EQ(response.body, "onetwo");
    EXPECT_TRUE(response.is_complete);
}

TEST(FakeUpstream, EndsInTheWayTheScriptSays) {
    FakeUpstream upstream;
    upstream.answer_next(Script().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").cut());
    upstream.answer_next(Script().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").reset());
    for (const ReadEnd expected : {ReadEnd::eof, ReadEnd::reset}) {
        TestClient client(upstream.port());
        client.send(request("GET", "/", ""));
        static_cast<void>(client.read_head("GET"));
        EXPECT_EQ(client.read_to_end(), expected);
        EXPECT_FALSE(client.read_rest().is_complete);
    }
}

TEST(FakeUpstream, RefusesConnectionsUntilToldOtherwise) {
    FakeUpstream upstream;
    for (int i = 0; i < 3; ++i) {
        upstream.refuse_connections();
        EXPECT_THROW(TestClient(upstream.port()), std::system_error);
        upstream.accept_connections();
        TestClient client(upstream.port());
        client.send(request("POST", "/v1/a", "", "{}"));
        EXPECT_EQ(client.read_response().status, 200);
    }
}

TEST(FakeUpstream, RunsAFunctionWhereTheScriptSays) {
    std::atomic<int> calls{0};
    FakeUpstream upstream;
    upstream.answer(Script().call([&] { ++calls; }).send(chat_answer()));
    TestClient client(upstream.port());
    client.send(request("POST", "/v1/a", "", "{}"));
    EXPECT_EQ(client.read_response().status, 200);
    EXPECT_EQ(calls, 1);
}

TEST(FakeUpstream, NoticesThatThePeerLeaves) {
    Signal reached;
    FakeUpstream upstream;
    upstream.answer(Script().raise(reached).stall());
    TestClient client(upstream.port());
    client.send(request("GET", "/", ""));
    ASSERT_TRUE(reached.wait());
    EXPECT_FALSE(upstream.connections()[0].peer_closed);
    client.wire().close();
    EXPECT_TRUE(upstream.wait_for_peer_close(0));
}

TEST(FakeUpstream, NoticesAResetWhileItWrites) {
    FakeUpstream upstream;
    upstream.answer(Script().send(sse_head()).repeat(chunk(std::string(65536, 'x'))));
    TestClient client(upstream.port());
    client.send(request("GET", "/", ""));
    EXPECT_EQ(client.read_head("GET").status, 200);
    client.wire().reset();
    EXPECT_TRUE(upstream.wait_for_peer_close(0));
}

TEST(FakeUpstream, MayGreetOrHangUpBeforeAnyRequest) {
    FakeUpstream upstream;
    upstream.on_connect(
        [](int number) { return number == 0 ? Script().send("hello").close() : Script().reset(); });
    TestClient first(upstream.port());
    EXPECT_EQ(first.read_raw(), "hello");
    try {
        TestClient second(upstream.port());
        EXPECT_EQ(second.read_to_end(), ReadEnd::reset);
    } catch (const std::system_error& early) {
        EXPECT_EQ(early.code(), std::errc::connection_reset) << "the reset may beat connect()";
    }
    EXPECT_TRUE(upstream.requests().empty());
}

TEST(TestClient, ReadsPipelinedResponsesAndInterimOnes) {
    FakeUpstream upstream;
    upstream.answer(Script().send("HTTP/1.1 100 Continue\r\n\r\n").send(chat_answer()));
    TestClient client(upstream.port());
    client.send_in_pieces(request("GET", "/1", "") + request("GET", "/2", ""), 3);
    for (int i = 0; i < 2; ++i) {
        const Response response = client.read_response("GET");
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.interim, std::vector<int>{100});
        EXPECT_TRUE(response.is_complete);
    }
    EXPECT_EQ(client.unread(), "");
}

}  // namespace
}  // namespace sluicegate::support
