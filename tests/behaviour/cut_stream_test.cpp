// Upstreams that die: before a byte is out it is a 502, after it an error in the stream and an
// abnormal end. Never a stream that looks finished.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

const std::string events = chat_event("one") + chat_event("two") + std::string(done_event);

class CutStream : public testing::Test {
protected:
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};

    Response stream(Script script) {
        upstream_.answer(std::move(script));
        return gateway_.send(chat_request(alice_key, "m", true));
    }
};

/// Either nothing was sent yet and it is a proper 502, or the stream says that it failed, holds
/// only whole events, has no [DONE], and does not end cleanly.
void expect_cut(const Response& response, const std::string& code = "upstream_closed",
                int status = 502) {
    if (response.status == status) {
        expect_error(response, {.status = status, .type = "server_error", .code = code});
        return;
    }
    ASSERT_EQ(response.status, 200) << response.body;
    EXPECT_FALSE(response.is_complete);
    EXPECT_EQ(response.body.find("[DONE]"), std::string::npos) << response.body;
    const std::vector<std::string> data = events_of(response.body);
    ASSERT_FALSE(data.empty());
    for (const std::string& event : data) {
        EXPECT_FALSE(nlohmann::json::parse(event, nullptr, false).is_discarded()) << response.body;
    }
    const nlohmann::json last = nlohmann::json::parse(data.back(), nullptr, false);
    ASSERT_TRUE(last.is_object() && last.contains("error")) << response.body;
    EXPECT_EQ(last["error"].value("type", ""), "server_error");
    EXPECT_EQ(last["error"].value("code", ""), code);
    EXPECT_TRUE(last["error"]["message"].is_string());
    EXPECT_TRUE(response.body.ends_with("\n\n"));
}

TEST_F(CutStream, AChunkedStreamCutAtAnyByte) {
    std::string wire = sse_head() + chunk(events.substr(0, 30)) + chunk(events.substr(30));
    const std::size_t unfinished = wire.size() - std::string_view("data: [DONE]\n\n\r\n").size();
    for (std::size_t size = 0; size < unfinished + 12; ++size) {
        SCOPED_TRACE("cut after " + std::to_string(size) + " of " + std::to_string(wire.size()));
        const Response response = stream(Script().send(wire.substr(0, size)).cut());
        if (size > 0 && size < sse_head().size()) {
            // Half a head: either code tells the truth.
            EXPECT_EQ(response.status, 502);
        } else {
            expect_cut(response);
        }
        if (HasFailure()) return;
    }
}

TEST_F(CutStream, AResetAfterAnEvent) {
    Signal seen;
    upstream_.answer(Script().send(sse_head() + chunk(chat_event("one"))).wait(seen).reset());
    TestClient client = gateway_.connect();
    client.send(chat_request(alice_key, "m", true));
    EXPECT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_until("one"));
    seen.raise();
    const Response response = client.read_rest();
    EXPECT_TRUE(response.body.starts_with(chat_event("one")));
    expect_cut(response);
}

TEST_F(CutStream, ACloseDelimitedStreamWithoutDone) {
    const std::string head = response_head(200, "Content-Type: text/event-stream\r\n");
    expect_cut(stream(Script().send(head + chat_event("one")).cut()));
    expect_cut(stream(Script().send(head + chat_event("one")).close()));
    expect_cut(stream(Script().send(head).close()));
    expect_cut(stream(Script().send(head + chat_event("one") + "data: {\"choi").close()));
}

TEST_F(CutStream, AStreamWithContentLengthThatIsShort) {
    const std::string head = response_head(
        200, "Content-Type: text/event-stream\r\nContent-Length: " + std::to_string(events.size()) +
                 "\r\n");
    expect_cut(stream(Script().send(head + chat_event("one")).cut()));
}

TEST_F(CutStream, ACleanEndWithoutDoneIsACutToo) {
    expect_cut(stream(Script().send(sse_head() + chunk(chat_event("one")) + chunk(""))));
    expect_cut(stream(Script().send(sse_head() + chunk(""))));
}

TEST_F(CutStream, ALegacyErrorLineDoesNotEndInSilence) {
    const Response response = stream(Script().send(
        sse_head() + chunk(chat_event("one") + "error: {\"message\":\"out of memory\"}\n\n") +
        chunk("")));
    EXPECT_NE(response.body.find("data: {\"error\""), std::string::npos) << response.body;
    EXPECT_EQ(response.body.find("[DONE]"), std::string::npos);
}

TEST_F(CutStream, BrokenChunksAreACutAndNeverRelayed) {
    const Response response =
        stream(Script().send(sse_head() + chunk(chat_event("one")) + "zz\r\nevil\r\n").stall());
    EXPECT_EQ(response.body.find("evil"), std::string::npos);
    EXPECT_FALSE(response.is_complete && response.status == 200);
    EXPECT_EQ(response.body.find("[DONE]"), std::string::npos);
}

TEST_F(CutStream, AResponsesStreamGetsItsOwnErrorEvent) {
    const std::string created =
        "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":4}\n\n";
    upstream_.answer(Script().send(sse_head() + chunk(created)).cut());
    const Response response = gateway_.send(
        post_json("/v1/responses", alice_key, R"({"model":"m","input":"x","stream":true})"));
    ASSERT_EQ(response.status, 200);
    EXPECT_FALSE(response.is_complete);
    EXPECT_NE(response.body.find("event: error\n"), std::string::npos) << response.body;
    const nlohmann::json last =
        nlohmann::json::parse(events_of(response.body).back(), nullptr, false);
    EXPECT_EQ(last.value("type", ""), "error");
    EXPECT_EQ(last.value("code", ""), "upstream_closed");
    EXPECT_EQ(last.value("sequence_number", 0), 5);
    ASSERT_TRUE(last.contains("error"));
    EXPECT_EQ(last["error"].value("code", ""), "upstream_closed");
}

TEST_F(CutStream, PlainJsonThatIsCutIsA502) {
    const std::string body = R"({"id":"chatcmpl-1","choices":[]})";
    const std::string half = body.substr(0, 10);
    const std::string type = "Content-Type: application/json\r\n";
    const std::string sized =
        response_head(200, type + "Content-Length: " + std::to_string(body.size()) + "\r\n");
    const std::string chunked = response_head(200, type + "Transfer-Encoding: chunked\r\n");
    struct Row {
        std::string name;
        Script script;
    };
    const std::vector<Row> rows{
        {"before the head, FIN", Script().cut()},
        {"before the head, RST", Script().reset()},
        {"Content-Length, no byte", Script().send(sized).cut()},
        {"Content-Length, FIN", Script().send(sized + half).cut()},
        {"Content-Length, RST", Script().send(sized + half).reset()},
        {"chunked, in a chunk", Script().send(chunked + "20\r\n" + half).cut()},
        {"chunked, after a chunk", Script().send(chunked + chunk(half)).cut()},
        {"chunked, no last chunk", Script().send(chunked + chunk(body)).cut()},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        upstream_.answer(row.script);
        expect_error(gateway_.chat(alice_key, "m"),
                     {.status = 502,
                      .type = "server_error",
                      .code = "upstream_closed",
                      .message = "The upstream closed the connection."});
    }
}

TEST_F(CutStream, AnAnswerTooLargeToHoldEndsAbnormally) {
    const std::string part(std::size_t{12} << 20, 'x');
    upstream_.answer(
        Script()
            .send(response_head(200, "Content-Type: application/json\r\nContent-Length: " +
                                         std::to_string(part.size() * 2) + "\r\n") +
                  part)
            .cut());
    const Response response = gateway_.chat(alice_key, "m");
    EXPECT_FALSE(response.status == 200 && response.is_complete);
}

TEST_F(CutStream, ABinaryAnswerThatIsCutEndsAbnormally) {
    Signal seen;
    upstream_.answer(
        Script()
            .send(response_head(200, "Content-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n") +
                  chunk("ID3"))
            .wait(seen)
            .cut());
    TestClient client = gateway_.connect();
    client.send(post_json("/v1/audio/speech", alice_key, R"({"model":"m","input":"x"})"));
    EXPECT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_until("ID3"));
    seen.raise();
    const Response response = client.read_rest();
    EXPECT_FALSE(response.is_complete);
    EXPECT_EQ(response.body, "ID3") << "no text is mixed into a binary answer";
}

}  // namespace
}  // namespace sluicegate::support
