// One client connection over many requests.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluicegate::support {
namespace {

class ClientConnection : public testing::Test {
protected:
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};
};

TEST_F(ClientConnection, StaysOpenAndCanBeUsedAgain) {
    TestClient client = gateway_.connect();
    for (int i = 0; i < 20; ++i) {
        client.send(i % 2 == 0 ? chat_request(alice_key, "m")
                               : request("GET", "/v1/models", bearer(alice_key)));
        expect_success(client.read_response(i % 2 == 0 ? "POST" : "GET"));
    }
}

TEST_F(ClientConnection, StaysOpenAfterAnErrorThatLeftNoDoubt) {
    TestClient client = gateway_.connect();
    client.send(chat_request(alice_key, "nope"));
    EXPECT_EQ(client.read_response().status, 404);
    client.send(chat_request(alice_key, "m"));
    expect_success(client.read_response());
}

TEST_F(ClientConnection, AnswersPipelinedRequestsInOrder) {
    upstream_.answer_with([](const ReceivedRequest& received) {
        return Script().send(json_response(200, R"({"data":[],"asked":)" + received.body + "}"));
    });
    TestClient client = gateway_.connect();
    std::string bytes;
    for (int i = 0; i < 10; ++i) {
        bytes += post_json("/v1/embeddings", alice_key,
                           R"({"model":"m","input":")" + std::to_string(i) + "\"}");
    }
    client.send(bytes);
    for (int i = 0; i < 10; ++i) {
        const Response response = client.read_response();
        expect_success(response);
        EXPECT_EQ(response.body,
                  R"({"data":[],"asked":{"model":"m","input":")" + std::to_string(i) + "\"}}");
    }
    EXPECT_EQ(client.unread(), "");
}

TEST_F(ClientConnection, TakesARequestInSingleBytes) {
    TestClient client = gateway_.connect();
    client.send_in_pieces(chat_request(alice_key, "m"), 1);
    expect_success(client.read_response());
    EXPECT_EQ(upstream_.requests().at(0).body, chat_body("m"));
}

TEST_F(ClientConnection, IsClosedWhenTheClientAsks) {
    TestClient client = gateway_.connect();
    client.send(request("GET", "/v1/models", bearer(alice_key) + "Connection: close\r\n"));
    const Response response = client.read_response("GET");
    expect_success(response);
    EXPECT_EQ(to_lower(response.field("connection")), "close");
    EXPECT_EQ(client.read_to_end(), ReadEnd::eof);
}

TEST_F(ClientConnection, ServesHttp10WithoutChunksAndCloses) {
    const std::string answer = R"({"choices":[{"index":0,"message":{"content":"a"}}]})";
    upstream_.answer(Script().send(
        response_head(200, "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n") +
        chunk(answer.substr(0, 9)) + chunk(answer.substr(9)) + chunk("")));
    const std::string body = chat_body("m");
    TestClient client = gateway_.connect();
    client.send("POST /v1/chat/completions HTTP/1.0\r\nHost: a\r\n" + bearer(alice_key) +
                "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
    const Response response = client.read_response();
    expect_success(response);
    EXPECT_FALSE(response.head.has("transfer-encoding"));
    EXPECT_EQ(response.body, answer);
    EXPECT_EQ(client.read_to_end(), ReadEnd::eof);
}

TEST_F(ClientConnection, StreamsToHttp10CloseDelimited) {
    upstream_.answer(
        Script().send(sse_head() + chunk(chat_event("a")) + chunk(done_event) + chunk("")));
    const std::string body = chat_body("m", true);
    TestClient client = gateway_.connect();
    client.send("POST /v1/chat/completions HTTP/1.0\r\nHost: a\r\n" + bearer(alice_key) +
                "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
    const Response response = client.read_response();
    expect_success(response);
    EXPECT_EQ(response.framing, BodyReader::Framing::until_close);
    EXPECT_EQ(response.body, chat_event("a") + std::string(done_event));
}

TEST_F(ClientConnection, AcceptsOneEmptyLineBeforeARequest) {
    TestClient client = gateway_.connect();
    client.send("\r\n" + request("GET", "/v1/models", bearer(alice_key)));
    expect_success(client.read_response("GET"));
}

TEST_F(ClientConnection, ReadsTheBodyOfARefusedRequestBeforeTheNext) {
    // The rest of the refused body must not be taken for a request.
    TestClient client = gateway_.connect();
    const std::string smuggled = request("GET", "/v1/models", bearer(alice_key));
    client.send(
        request("POST", "/v1/chat/completions", "Content-Type: application/json\r\n", smuggled) +
        request("GET", "/v1/models/m", bearer(alice_key)));
    EXPECT_EQ(client.read_response().status, 401);
    const Response next = client.read_response("GET");
    if (next.status != 0) {
        EXPECT_EQ(nlohmann::json::parse(next.body, nullptr, false).value("id", ""), "m");
    }
    EXPECT_EQ(client.unread(), "");
}

}  // namespace
}  // namespace sluicegate::support
