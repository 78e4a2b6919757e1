#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class Streaming : public testing::Test {
protected:
    // Signals outlive the upstream that waits for them.
    Signal first_;
    Signal second_;
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};

    Response stream() { return gateway_.send(chat_request(alice_key, "m", true)); }
};

TEST_F(Streaming, EachEventIsRelayedBeforeTheNextExists) {
    upstream_.answer(Script()
                         .send(sse_head() + chunk(chat_event("one")))
                         .wait(first_)
                         .send(chunk(chat_event("two")))
                         .wait(second_)
                         .send(chunk(done_event) + chunk("")));
    TestClient client = gateway_.connect();
    client.send(chat_request(alice_key, "m", true));
    EXPECT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_until("one"));
    first_.raise();
    ASSERT_TRUE(client.read_until("two"));
    second_.raise();
    const Response response = client.read_rest();
    expect_success(response);
    EXPECT_EQ(response.body, chat_event("one") + chat_event("two") + std::string(done_event));
    client.send(chat_request(alice_key, "m", true));
    EXPECT_EQ(client.read_response().status, 200) << "the connection serves on";
}

TEST_F(Streaming, DoneEndsTheAnswerWhateverTheUpstreamsConnectionDoes) {
    upstream_.answer(Script()
                         .send(sse_head() + chunk(chat_event("one")) + chunk(done_event))
                         .wait(first_)
                         .send(chunk("")));
    const Response response = stream();
    expect_success(response);
    EXPECT_EQ(response.body, chat_event("one") + std::string(done_event));
    first_.raise();
}

TEST_F(Streaming, EventsPassByteForByteInAnyPieces) {
    const std::string events =
        ": a comment\n\n" + chat_event("a") + "event: named\ndata: {\"x\":1}\n\n" +
        "data: {\"crlf\":true}\r\n\r\n" + "data: {\"cr\":true}\r\r" +
        R"(data: {"choices":[],"prompt_filter_results":[]})" + "\n\n" + "data:{\"nospace\":1}\n\n" +
        chat_event("\xc3\xa9\xf0\x9f\x98\x80") + std::string(done_event);
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{3}, std::size_t{17}, events.size()}) {
        SCOPED_TRACE(piece);
        Script script;
        script.send(sse_head());
        for (std::size_t at = 0; at < events.size(); at += piece) {
            script.send(chunk(std::string_view(events).substr(at, piece)));
        }
        upstream_.answer(script.send(chunk("")));
        const Response response = stream();
        expect_success(response);
        EXPECT_EQ(response.body, events);
    }
}

TEST_F(Streaming, EveryFramingOfTheUpstreamWorks) {
    const std::string events = chat_event("a") + chat_event("b") + std::string(done_event);
    const std::string type = "Content-Type: text/event-stream; charset=utf-8\r\n";
    const std::vector<Script> scripts{
        Script().send_in_pieces(sse_head() + chunk(events) + chunk(""), 1),
        Script().send(response_head(200, type) + events).close(),
        Script().send(
            response_head(200, type + "Content-Length: " + std::to_string(events.size()) + "\r\n") +
            events),
        Script().send("HTTP/1.0 200 OK\r\n" + type + "\r\n" + events).close(),
    };
    for (const Script& script : scripts) {
        upstream_.answer(script);
        const Response response = stream();
        expect_success(response);
        EXPECT_EQ(response.body, events);
    }
}

TEST_F(Streaming, AResponsesStreamEndsWithItsTerminalEvent) {
    const std::string events =
        "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0}\n\n"
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":1,"
        "\"response\":{\"usage\":{\"input_tokens\":1}}}\n\n";
    upstream_.answer(Script().send(sse_head() + chunk(events) + chunk("")));
    const Response response = gateway_.send(
        post_json("/v1/responses", alice_key, R"({"model":"m","input":"x","stream":true})"));
    expect_success(response);
    EXPECT_EQ(response.body, events);
}

TEST_F(Streaming, AnUpstreamErrorInTheStreamIsPassedOn) {
    const std::string events = chat_event("a") +
                               "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}"
                               "\n\n" +
                               std::string(done_event);
    upstream_.answer(Script().send(sse_head() + chunk(events) + chunk("")));
    EXPECT_NE(stream().body.find("\"boom\""), std::string::npos);
}

TEST_F(Streaming, AnErrorBeforeAnyOutputIsAStatus) {
    struct Row {
        std::string error;
        unsigned status;
        std::string code;
    };
    const std::vector<Row> rows{
        {R"({"message":"boom","type":"server_error"})", 502, "upstream_failed"},
        {R"({"message":"slow down","type":"rate_limit_error"})", 429, "upstream_rate_limited"},
        {R"({"message":"busy","type":"overloaded_error"})", 503, "upstream_overloaded"},
        {R"({"message":"too long","type":"BadRequestError","code":400})", 400,
         "upstream_rejected"}};
    for (const Row& row : rows) {
        SCOPED_TRACE(row.error);
        upstream_.answer(Script().send(
            sse_head() + chunk("data: {\"error\":" + row.error + "}\n\n") + chunk("")));
        const Response response = stream();
        EXPECT_EQ(response.status, row.status) << response.body;
        EXPECT_NE(response.body.find(row.code), std::string::npos) << response.body;
    }
}

TEST_F(Streaming, AJsonErrorWithStatus200DoesNotLookLikeAnEmptyStream) {
    upstream_.answer(
        Script().send(json_response(200, R"({"error":{"message":"no","type":"server_error"}})")));
    const Response response = stream();
    EXPECT_NE(response.status, 200) << response.body;
}

TEST_F(Streaming, BinaryAnswersAreRelayedAsTheyCome) {
    const std::string audio(100'000, '\xff');
    upstream_.answer(
        Script()
            .send(response_head(200, "Content-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n") +
                  chunk("ID3"))
            .wait(first_)
            .send(chunk(audio) + chunk("")));
    TestClient client = gateway_.connect();
    client.send(post_json("/v1/audio/speech", alice_key, R"({"model":"m","input":"x"})"));
    const Response head = client.read_head();
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.field("content-type"), "audio/mpeg");
    ASSERT_TRUE(client.read_until("ID3"));
    first_.raise();
    const Response response = client.read_rest();
    EXPECT_TRUE(response.is_complete);
    EXPECT_EQ(response.body, "ID3" + audio);
}

TEST_F(Streaming, LargePlainAnswersPassWhole) {
    const std::string body = R"({"data":")" + std::string(std::size_t{20} << 20, 'x') + R"("})";
    upstream_.answer(Script().send(json_response(200, body)));
    const Response response = gateway_.chat(alice_key, "m");
    expect_success(response);
    EXPECT_EQ(response.body.size(), body.size());
    EXPECT_TRUE(response.body == body);
}

}  // namespace
}  // namespace sluicegate::support
