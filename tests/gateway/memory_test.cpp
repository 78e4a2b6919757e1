/// What a request takes of the process's memory: claimed before it is taken, and all of it given
/// back however the request ends.

#include "gateway/in_process_gateway.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace sluicegate::gateway {
namespace {

using test::chat_request;
using test::InProcessGateway;
using test::RawPeer;
using testing::HasSubstr;

constexpr std::size_t body_bytes = 100'000;

std::string large_body() {
    const std::string begin = R"({"model":"chat","messages":[{"role":"user","content":")";
    const std::string end = "\"}]}";
    return begin + std::string(body_bytes - begin.size() - end.size(), 'x') + end;
}

std::string chunked_request(std::string_view body) {
    std::string text = chat_request({.body = ""});
    const std::string_view length = "content-length: 0\r\n";
    text.replace(text.find(length), length.size(), "transfer-encoding: chunked\r\n");
    const std::size_t half = body.size() / 2;
    for (const std::string_view piece : {body.substr(0, half), body.substr(half)}) {
        char size[20];
        std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
        text += size;
        text += piece;
        text += "\r\n";
    }
    return text + "0\r\n\r\n";
}

/// Sends all of `text` as the gateway takes it, and lets everything go on.
void send_all(InProcessGateway& gateway, RawPeer& peer, std::string_view text) {
    constexpr std::size_t piece = 16 * 1024;
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
        peer.send(text.substr(0, piece));
        gateway.settle();
    }
}

std::string large_answer(std::size_t size) {
    const std::string begin = R"({"choices":[{"message":{"content":"a"}}],"data":")";
    return test::answer_with("200 OK", "content-type: application/json\r\n",
                             begin + std::string(size - begin.size() - 2, 'x') + "\"}");
}

TEST(Memory, OfABodyIsClaimedAndGivenBack) {
    for (const bool is_chunked : {false, true}) {
        SCOPED_TRACE(is_chunked);
        InProcessGateway gateway;
        RawPeer& client = gateway.connect();
        const std::string body = large_body();
        send_all(gateway, client,
                 is_chunked ? chunked_request(body) : chat_request({.body = body}));
        ASSERT_EQ(gateway.upstreams.size(), 1U);
        EXPECT_EQ(gateway.memory.used(), body.size()) << "exactly its size, once";
        std::string sent;
        for (int i = 0; i < 100; ++i) {
            sent += gateway.upstreams[0].received();
            gateway.settle();
        }
        EXPECT_TRUE(sent.ends_with("\"}]}")) << sent.size();
        gateway.upstreams[0].send(
            test::answer_with("200 OK", "content-type: application/json\r\n", test::chat_answer));
        gateway.settle();
        EXPECT_THAT(client.received(), HasSubstr("HTTP/1.1 200 OK"));
        EXPECT_EQ(gateway.memory.used(), 0U);
    }
}

TEST(Memory, HasRoomForABodyOfItsSizeAndForNoLarger) {
    for (const std::size_t missing : {0U, 1U}) {
        for (const bool is_chunked : {false, true}) {
            SCOPED_TRACE(testing::Message() << missing << (is_chunked ? " chunked" : ""));
            InProcessGateway gateway;
            gateway.memory.set_limit(body_bytes - missing);
            RawPeer& client = gateway.connect();
            const std::string body = large_body();
            std::string text = is_chunked ? chunked_request(body) : chat_request({.body = body});
            if (missing > 0 && !is_chunked) text.resize(text.size() - body.size());
            send_all(gateway, client, text);
            if (missing == 0) {
                EXPECT_EQ(gateway.upstreams.size(), 1U);
                continue;
            }
            const std::string answer = client.received();
            EXPECT_THAT(answer, HasSubstr("HTTP/1.1 503 "));
            EXPECT_THAT(answer, HasSubstr("gateway_overloaded"));
            EXPECT_TRUE(gateway.upstreams.empty());
            EXPECT_EQ(gateway.memory.used(), 0U) << "before its connection has ended";
        }
    }
}

TEST(Memory, IsRefusedBeforeTheClientIsToldToContinue) {
    InProcessGateway gateway;
    gateway.memory.set_limit(body_bytes - 1);
    RawPeer& client = gateway.connect();
    std::string text = chat_request({.fields = "expect: 100-continue\r\n", .body = large_body()});
    text.resize(text.size() - body_bytes);
    client.send(text);
    gateway.settle();
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 503 "));
}

TEST(Memory, OfShortRequestsIsNotCounted) {
    InProcessGateway gateway;
    gateway.memory.set_limit(0);
    RawPeer& client = gateway.connect();
    for (int i = 0; i < 2; ++i) {
        client.send(chat_request());
        gateway.settle();
        ASSERT_EQ(gateway.upstreams.size(), 1U);
        EXPECT_NE(gateway.upstreams[0].received(), "");
        gateway.upstreams[0].send(
            test::answer_with("200 OK", "content-type: application/json\r\n", test::chat_answer));
        gateway.settle();
        EXPECT_THAT(client.received(), HasSubstr("HTTP/1.1 200 OK"));
    }
}

TEST(Memory, OfAHeldAnswerIsClaimedAndGivenBack) {
    InProcessGateway gateway;
    RawPeer& client = gateway.connect();
    client.send(chat_request());
    gateway.settle();
    ASSERT_EQ(gateway.upstreams.size(), 1U);
    const std::string answer = large_answer(body_bytes);
    send_all(gateway, gateway.upstreams[0], std::string_view(answer).substr(0, answer.size() - 1));
    EXPECT_GE(gateway.memory.used(), body_bytes - upstream::Connection::buffer_bytes - 1);
    EXPECT_EQ(client.received(), "");
    send_all(gateway, gateway.upstreams[0], "}");
    std::size_t received = 0;
    for (int i = 0; i < 100; ++i) {
        received += client.received().size();
        gateway.settle();
    }
    EXPECT_GT(received, body_bytes);
    EXPECT_EQ(gateway.memory.used(), 0U) << "its connection keeps none in the pool";
}

TEST(Memory, WithoutRoomForAnAnswerEndsTheRequestAndBlamesNoEndpoint) {
    InProcessGateway gateway;
    gateway.memory.set_limit(body_bytes / 2);
    for (int i = 0; i < 12; ++i) {
        RawPeer& client = gateway.connect();
        client.send(chat_request());
        gateway.settle();
        ASSERT_EQ(gateway.upstreams.size(), static_cast<std::size_t>(i + 1)) << "one attempt each";
        try {
            send_all(gateway, gateway.upstreams.back(), large_answer(body_bytes));
        } catch (const std::system_error&) {
            // The gateway has closed that connection.
        }
        const std::string answer = client.received();
        EXPECT_THAT(answer, HasSubstr("HTTP/1.1 503 "));
        EXPECT_THAT(answer, HasSubstr("gateway_overloaded"));
        EXPECT_TRUE(gateway.upstreams.back().has_ended());
        EXPECT_EQ(gateway.memory.used(), 0U);
    }
    const auto& endpoint =
        gateway.worker.context().snapshot->shared->routes.upstreams.front()->endpoints().front();
    EXPECT_EQ(endpoint->status(gateway.clock.now()).health, route::Health::healthy);
}

TEST(Memory, OfTheEventsThatAreMadeOfJsonIsClaimedAsWell) {
    for (const bool has_room : {true, false}) {
        SCOPED_TRACE(has_room);
        InProcessGateway gateway;
        // A buffer that doubles may take twice the answer, and its events take as much as it.
        gateway.memory.set_limit(has_room ? 4 * body_bytes : body_bytes * 3 / 2);
        RawPeer& client = gateway.connect();
        client.send(chat_request({.body = R"({"messages":[],"model":"chat","stream":true})"}));
        gateway.settle();
        ASSERT_EQ(gateway.upstreams.size(), 1U);
        const std::string content(body_bytes, 'x');
        send_all(gateway, gateway.upstreams[0],
                 test::answer_with("200 OK", "content-type: application/json\r\n",
                                   R"({"id":"1","object":"chat.completion","created":1,)"
                                   R"("model":"m","choices":[{"index":0,"finish_reason":"stop",)"
                                   R"("message":{"role":"assistant","content":")" +
                                       content + "\"}}]}"));
        std::string answer;
        for (int i = 0; i < 100; ++i) {
            answer += client.received();
            gateway.settle();
        }
        if (has_room) {
            EXPECT_THAT(answer, HasSubstr("data: [DONE]"));
        } else {
            EXPECT_THAT(answer, HasSubstr("gateway_overloaded"));
        }
        EXPECT_EQ(gateway.memory.used(), 0U);
    }
}

TEST(Memory, IsGivenBackHoweverARequestEnds) {
    struct Row {
        const char* name;
        void (*end)(InProcessGateway&, RawPeer& client);
    };
    const std::vector<Row> rows{
        {"the client leaves during its upload",
         [](InProcessGateway& gateway, RawPeer& client) {
             const std::string text = chat_request({.body = large_body()});
             send_all(gateway, client, std::string_view(text).substr(0, text.size() / 2));
             EXPECT_EQ(gateway.memory.used(), body_bytes);
             client.close();
         }},
        {"its upload takes too long",
         [](InProcessGateway& gateway, RawPeer& client) {
             const std::string text = chunked_request(large_body());
             send_all(gateway, client, std::string_view(text).substr(0, text.size() / 2));
             EXPECT_GT(gateway.memory.used(), 0U);
             gateway.pass(std::chrono::minutes(2));
         }},
        {"the client leaves during the attempt",
         [](InProcessGateway& gateway, RawPeer& client) {
             send_all(gateway, client, chat_request({.body = large_body()}));
             EXPECT_EQ(gateway.memory.used(), body_bytes);
             client.close();
         }},
        {"it is not JSON",
         [](InProcessGateway& gateway, RawPeer& client) {
             send_all(gateway, client, chat_request({.body = std::string(body_bytes, 'x')}));
         }},
        {"the upstream cuts its answer",
         [](InProcessGateway& gateway, RawPeer& client) {
             client.send(chat_request());
             gateway.settle();
             const std::string answer = large_answer(body_bytes);
             send_all(gateway, gateway.upstreams[0],
                      std::string_view(answer).substr(0, answer.size() / 2));
             EXPECT_GT(gateway.memory.used(), 0U);
             gateway.upstreams[0].close();
         }},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        InProcessGateway gateway;
        RawPeer& client = gateway.connect();
        row.end(gateway, client);
        gateway.settle();
        gateway.settle();
        EXPECT_EQ(gateway.memory.used(), 0U);
    }
}

}  // namespace
}  // namespace sluicegate::gateway
