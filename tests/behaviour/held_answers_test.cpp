// Answers that are no streams: what is held back until it is whole, what is passed on as it comes,
// and what is refused because it could not be counted.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

std::string json_of_size(std::size_t size) {
    const std::string begin = R"({"choices":[{"message":{"content":"a"}}],"data":")";
    return begin + std::string(size - begin.size() - 2, 'x') + "\"}";
}

class HeldAnswers : public testing::Test {
protected:
    static std::string head(const std::string& framing) {
        return response_head(200, "Content-Type: application/json\r\n" + framing);
    }
    static std::string sized(std::size_t size) {
        return head("Content-Length: " + std::to_string(size) + "\r\n");
    }
    Response chat(Script script) {
        upstream_.answer(std::move(script));
        TestClient client = gateway_.connect();
        client.send(chat_request(alice_key, "m"));
        return client.read_response("POST", Deadline(milliseconds(60'000)));
    }
    // Signals outlive the upstream that waits for them.
    Signal go_;
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};
};

TEST_F(HeldAnswers, JsonUpTo8MiBIsHeldUntilItIsWhole) {
    for (const std::size_t size : {mebibyte, 7 * mebibyte, 8 * mebibyte}) {
        SCOPED_TRACE(size);
        const std::string body = json_of_size(size);
        const std::string part = body.substr(0, size - 1);
        const ExpectedError closed{
            .status = 502, .type = "server_error", .code = "upstream_closed"};
        expect_error(chat(Script().send(sized(size) + part).cut()), closed);
        expect_error(
            chat(Script().send(head("Transfer-Encoding: chunked\r\n") + chunk(part)).cut()),
            closed);
        const Response whole = chat(Script().send(sized(size) + body));
        expect_success(whole);
        EXPECT_TRUE(whole.body == body);
        EXPECT_EQ(whole.field("content-length"), std::to_string(size));
    }
}

TEST_F(HeldAnswers, ALargerOneIsPassedOnAsItComesInSoundFraming) {
    const std::string body = json_of_size(9 * mebibyte);
    const std::string begin = body.substr(0, body.size() - 10);
    struct Row {
        std::string name, head, first, second;
        bool ends_by_close = false;
    };
    const std::vector<Row> rows{
        {"Content-Length", sized(body.size()), begin, body.substr(begin.size())},
        {"chunked", head("Transfer-Encoding: chunked\r\n"), chunk(begin),
         chunk(body.substr(begin.size())) + chunk("")},
        {"until close", head(""), begin, body.substr(begin.size()), true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Signal go;
        Script script;
        script.send(row.head + row.first).wait(go).send(row.second);
        upstream_.answer(row.ends_by_close ? script.close() : script);
        TestClient client = gateway_.connect();
        client.send(chat_request(alice_key, "m"));
        EXPECT_EQ(client.read_head().status, 200);
        EXPECT_TRUE(client.read_until(R"({"choices")")) << "before the upstream has finished";
        go.raise();
        const Response response = client.read_rest(Deadline(milliseconds(60'000)));
        EXPECT_TRUE(response.is_complete);
        EXPECT_TRUE(response.body == body);
    }
    const Response cut = chat(Script().send(sized(body.size()) + begin).cut());
    EXPECT_FALSE(cut.status == 200 && cut.is_complete);
    const Response cut_chunk =
        chat(Script().send(head("Transfer-Encoding: chunked\r\n") + chunk(begin)).cut());
    EXPECT_FALSE(cut_chunk.status == 200 && cut_chunk.is_complete);
}

TEST_F(HeldAnswers, JsonThatEndsWithTheConnectionIsHeldToBeingWhole) {
    const std::string body = json_of_size(1000);
    const Response whole = chat(Script().send(head("") + body).close());
    expect_success(whole);
    EXPECT_EQ(whole.body, body);
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{60}, body.size() - 1}) {
        SCOPED_TRACE(size);
        const Response part = chat(Script().send(head("") + body.substr(0, size)).close());
        EXPECT_EQ(part.status, 502) << part.body;
    }
}

TEST_F(HeldAnswers, WhatIsNotInItsCodingIsRefusedAndIdentityIsAskedFor) {
    for (const std::string coding : {"gzip", "br", "deflate", "zstd", "gzip, gzip", "x-own"}) {
        for (const bool is_streaming : {false, true}) {
            SCOPED_TRACE(coding + (is_streaming ? ", streamed" : ""));
            const std::string encoding = "Content-Encoding: " + coding + "\r\n";
            const std::string bytes = "\x1f\x8b\x08 not to be counted";
            upstream_.answer(Script().send(is_streaming
                                               ? sse_head(encoding) + chunk(bytes) + chunk("")
                                               : json_response(200, bytes, encoding)));
            const Response response = gateway_.send(post_json("/v1/chat/completions", alice_key,
                                                              chat_body("m", is_streaming),
                                                              "Accept-Encoding: gzip, br\r\n"));
            expect_error(response,
                         {.status = 502, .type = "server_error", .code = "upstream_bad_response"});
            EXPECT_EQ(upstream_.requests().back().head.value("accept-encoding"), "identity");
            EXPECT_EQ(upstream_.requests().back().head.count("accept-encoding"), 1U);
        }
    }
    upstream_.answer(Script().send(json_response(
        200, R"({"choices":[{"message":{"content":"a"}}]})", "Content-Encoding: identity\r\n")));
    const Response plain = gateway_.chat(alice_key, "m");
    expect_success(plain);
}

TEST_F(HeldAnswers, WhatIsNoJsonIsNoAnswerToAChat) {
    struct Row {
        std::string name, answer;
    };
    const std::vector<Row> rows{
        {"HTML", response(200, "text/html", "<html>login</html>")},
        {"HTML called JSON", json_response(200, "<html>login</html>")},
        {"cut JSON, whole by its length", json_response(200, R"({"id":"x","choi)")},
        {"two values", json_response(200, "{}{}")},
        {"nothing", json_response(200, "")},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Response answer = chat(Script().send(row.answer));
        expect_error(answer,
                     {.status = 502, .type = "server_error", .code = "upstream_bad_response"});
        EXPECT_EQ(answer.body.find("<html>"), std::string::npos);
    }
}

TEST_F(HeldAnswers, BinaryAndTextArePassedOnUntouched) {
    const std::string path = "/v1/audio/speech";
    const std::string bytes("ID3\0\xff\r\n\r\ndata: [DONE]\n\n", 24);
    for (const std::string type : {"audio/mpeg", "text/plain", "application/octet-stream"}) {
        SCOPED_TRACE(type);
        upstream_.answer(Script().send(response(200, type, bytes)));
        const Response answer =
            gateway_.send(post_json(path, alice_key, R"({"model":"m","input":"x"})"));
        expect_success(answer);
        EXPECT_EQ(answer.body, bytes);
        EXPECT_EQ(answer.field("content-type"), type);
        EXPECT_EQ(answer.field("content-length"), std::to_string(bytes.size()));
    }
}

}  // namespace
}  // namespace sluicegate::support
