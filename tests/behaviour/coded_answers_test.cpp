// Upstreams that compress whatever they were asked for: clients get what the answer says, decoded.
#include "behaviour/harness.hpp"
#include "support/content_encoder.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sluicegate::support {
namespace {

std::string coded_json_answer(const std::string& content) {
    return R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
           R"("message":{"role":"assistant","content":")" +
           content +
           R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":11,)"
           R"("total_tokens":18}})";
}

std::string words_of(std::size_t size) {
    std::mt19937 random(5);
    std::string text;
    while (text.size() < size) text += "word" + std::to_string(random() % 9000) + " ";
    return text;
}

const std::string finish_event =
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\","
    "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

class CodedAnswers : public testing::Test {
protected:
    static std::string coded_head(int status, const std::string& encoder, const std::string& more,
                                  const std::string& type = "application/json") {
        return response_head(status, "Content-Type: " + type + "\r\nContent-Encoding: " +
                                         coding_name(encoder) + "\r\n" + more);
    }
    static std::string coded_response(int status, const std::string& encoder,
                                      const std::string& plain,
                                      const std::string& type = "application/json") {
        const std::string body = encoded(encoder, plain);
        return coded_head(status, encoder,
                          "Content-Length: " + std::to_string(body.size()) + "\r\n", type) +
               body;
    }
    static std::string in_chunks(const std::string& body, std::size_t size) {
        std::string out;
        for (std::size_t at = 0; at < body.size(); at += size) out += chunk(body.substr(at, size));
        return out + chunk("");
    }
    Response chat(Script script, bool is_streaming = false) {
        upstream_.answer(std::move(script));
        return is_streaming ? gateway_.stream(alice_key, "m") : gateway_.chat(alice_key, "m");
    }
    static void expect_plain(const Response& response, const std::string& body) {
        expect_success(response);
        EXPECT_TRUE(response.body == body) << response.body.size() << " of " << body.size();
        EXPECT_FALSE(response.head.has("content-encoding"));
    }

    // Signals outlive the upstream that waits for them.
    Signal go_;
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};
};

TEST_F(CodedAnswers, JsonIsDecodedInEveryFraming) {
    for (const std::string& encoder : encoder_names()) {
        for (const std::size_t size : {std::size_t{5}, std::size_t{100'000}}) {
            SCOPED_TRACE(encoder + " " + std::to_string(size));
            const std::string plain = coded_json_answer(words_of(size));
            const std::string body = encoded(encoder, plain);
            const std::vector<Script> scripts{
                Script().send(coded_response(200, encoder, plain)),
                Script().send_in_pieces(coded_response(200, encoder, plain), 1 + body.size() / 50),
                Script().send(coded_head(200, encoder, "Transfer-Encoding: chunked\r\n") +
                              in_chunks(body, 700)),
                Script().send(coded_head(200, encoder, "") + body).close()};
            for (const Script& script : scripts) {
                const Response response = chat(script);
                expect_plain(response, plain);
                EXPECT_EQ(response.field("content-length"), std::to_string(plain.size()));
                EXPECT_EQ(upstream_.requests().back().head.value("accept-encoding"), "identity");
            }
        }
    }
    const double expected = 11.0 * 8 * static_cast<double>(encoder_names().size());
    EXPECT_TRUE(eventually([&] {
        return metric(gateway_, "sluicegate_tokens_total",
                      {"kind=\"output\"", "source=\"reported\""}) == expected;
    })) << "the last answer is counted once it has gone out";
}

TEST_F(CodedAnswers, TheConnectionCarriesTheNextRequest) {
    TestClient client = gateway_.connect();  // one client, so that one worker asks
    for (const std::string& encoder : encoder_names()) {
        for (int i = 0; i < 2; ++i) {
            upstream_.answer(Script().send(coded_response(200, encoder, coded_json_answer("x"))));
            client.send(chat_request(alice_key, "m"));
            expect_success(client.read_response());
        }
    }
    EXPECT_EQ(upstream_.connections().size(), 1U);
}

TEST_F(CodedAnswers, EventsPassAsTheyArrive) {
    for (const std::string& encoder : encoder_names()) {
        SCOPED_TRACE(encoder);
        ContentEncoder events(encoder);
        Signal go;
        const std::string one = events.take(chat_event("one"));
        const std::string two = events.take(chat_event("two"));
        const std::string last =
            events.take(finish_event + usage_event(7, 11) + std::string(done_event));
        const std::string end = events.end();
        Script script;
        script.send(sse_head("Content-Encoding: " + coding_name(encoder) + "\r\n") + chunk(one))
            .wait(go)
            .send(chunk(two))
            .send(chunk(last) + chunk(end) + chunk(""));
        upstream_.answer(script);
        TestClient client = gateway_.connect();
        client.send(chat_request(alice_key, "m", true));
        EXPECT_EQ(client.read_head().status, 200);
        EXPECT_TRUE(client.read_until("one"));
        go.raise();
        const Response response = client.read_rest();
        EXPECT_TRUE(response.is_complete);
        EXPECT_FALSE(response.head.has("content-encoding"));
        const std::vector<std::string> got = events_of(response.body);
        EXPECT_EQ(got.back(), "[DONE]");
        EXPECT_NE(response.body.find("two"), std::string::npos);
    }
}

TEST_F(CodedAnswers, AStreamThatEndsInsideTheCodingIsCut) {
    for (const std::string& encoder : encoder_names()) {
        SCOPED_TRACE(encoder);
        ContentEncoder events(encoder);
        const std::string head = sse_head("Content-Encoding: " + coding_name(encoder) + "\r\n");
        const std::string first = chunk(events.take(chat_event("one")));
        const Response cut = chat(Script().send(head + first + chunk("")), true);
        EXPECT_EQ(cut.status, 200);
        EXPECT_NE(cut.body.find("one"), std::string::npos);
        EXPECT_NE(cut.body.find("upstream_closed"), std::string::npos) << cut.body;
        EXPECT_EQ(cut.body.find("[DONE]"), std::string::npos);
        // What says itself that it is complete needs no end of its coding.
        const std::string rest =
            chunk(events.take(finish_event + std::string(done_event))) + chunk("");
        const Response done = chat(Script().send(head + first + rest), true);
        expect_success(done);
        EXPECT_EQ(events_of(done.body).back(), "[DONE]");
    }
}

TEST_F(CodedAnswers, WordsOfErrorsAreRead) {
    const std::string refusal =
        R"({"error":{"message":"temperature must be below 2","type":"invalid_request_error",)"
        R"("param":"temperature","code":"too_hot"}})";
    const std::string spent =
        R"({"error":{"message":"You exceeded your quota","type":"insufficient_quota",)"
        R"("param":null,"code":"insufficient_quota"}})";
    const std::string leaking = R"({"error":{"message":"bad key )" + std::string(upstream_key) +
                                R"(","type":"invalid_request_error","param":null,"code":"c"}})";
    for (const std::string& encoder : encoder_names()) {
        for (const bool is_streaming : {false, true}) {
            SCOPED_TRACE(encoder + (is_streaming ? ", streamed" : ""));
            expect_error(chat(Script().send(coded_response(400, encoder, refusal)), is_streaming),
                         {.status = 400,
                          .code = "too_hot",
                          .message = "temperature must be below 2",
                          .param = "temperature"});
            const Response clean =
                chat(Script().send(coded_response(422, encoder, leaking)), is_streaming);
            EXPECT_EQ(clean.status, 422);
            EXPECT_NE(clean.body.find("bad key ***"), std::string::npos) << clean.body;
            EXPECT_EQ(clean.body.find(upstream_key), std::string::npos);
            expect_error(
                chat(Script().send(coded_response(429, encoder, spent)), is_streaming),
                {.status = 503, .type = "server_error", .code = "upstream_quota_exhausted"});
        }
    }
}

TEST_F(CodedAnswers, WhatCannotBeDecodedIsNoAnswer) {
    const std::string plain = coded_json_answer("x");
    const ExpectedError bad{.status = 502, .type = "server_error", .code = "upstream_bad_response"};
    const std::string odd = "\x1f\x9d\x90\x7b\x44 as compress writes it";
    const std::string twice = encoded("gzip", encoded("gzip", plain));
    for (const auto& [coding, body] : std::vector<std::pair<std::string, std::string>>{
             {"compress", odd}, {"x-own", odd}, {"gzip, br", odd}, {"gzip", twice}}) {
        SCOPED_TRACE(coding);
        const std::string fields = "Content-Encoding: " + coding + "\r\n";
        expect_error(chat(Script().send(json_response(200, body, fields))), bad);
        expect_error(chat(Script().send(sse_head(fields) + chunk(body) + chunk("")), true), bad);
        // A status says enough.
        EXPECT_EQ(chat(Script().send(json_response(400, body, fields))).status, 400);
        EXPECT_EQ(chat(Script().send(json_response(503, body, fields))).status, 503);
    }
    for (const std::string& encoder : encoder_names()) {
        SCOPED_TRACE(encoder);
        const std::string fields = "Content-Encoding: " + coding_name(encoder) + "\r\n";
        const std::string body = encoded(encoder, plain);
        expect_error(chat(Script().send(json_response(200, body + "garbage", fields))), bad);
        expect_error(
            chat(Script().send(json_response(200, body.substr(0, body.size() - 1), fields))),
            {.status = 502, .type = "server_error", .code = "upstream_closed"});
    }
}

TEST_F(CodedAnswers, WhatOnlySaysThatItIsCodedIsRead) {
    const std::string plain = coded_json_answer("x");
    for (const std::string coding : {"gzip", "zstd", "deflate", "br", "gzip, br", "x-own"}) {
        SCOPED_TRACE(coding);
        const std::string fields = "Content-Encoding: " + coding + "\r\n";
        expect_plain(chat(Script().send(json_response(200, plain, fields))), plain);
        const Response stream =
            chat(Script().send(sse_head(fields) +
                               chunk(chat_event("one") + finish_event + std::string(done_event)) +
                               chunk("")),
                 true);
        expect_success(stream);
        EXPECT_EQ(events_of(stream.body).back(), "[DONE]");
    }
}

TEST_F(CodedAnswers, WhatDoesNotSayThatItIsCodedIsDecoded) {
    const std::string plain = coded_json_answer("x");
    const std::string events = chat_event("one") + finish_event + std::string(done_event);
    for (const std::string encoder : {"gzip", "zstd"}) {
        for (const std::string label : {"", "Content-Encoding: br\r\n"}) {
            SCOPED_TRACE(encoder + label);
            expect_plain(chat(Script().send(json_response(200, encoded(encoder, plain), label))),
                         plain);
            const std::string coded = encoded(encoder, events);
            Script pieces;
            pieces.send(sse_head(label));
            for (const char byte : coded) pieces.send(chunk(std::string(1, byte)));
            const Response stream = chat(pieces.send(chunk("")), true);
            expect_success(stream);
            EXPECT_EQ(stream.body, events);
            const Response error = chat(Script().send(
                json_response(400, encoded(encoder, R"({"detail":"too odd"})"), label)));
            EXPECT_EQ(error.status, 400);
            EXPECT_NE(error.body.find("too odd"), std::string::npos) << error.body;
        }
    }
}

TEST_F(CodedAnswers, SeveralCodingsAreTakenOffOneByOne) {
    const std::string plain = coded_json_answer(words_of(100'000));
    const std::vector<std::vector<std::string>> lists{
        {"gzip", "gzip"}, {"br", "gzip"}, {"deflate", "zstd", "br"}, {"zstd", "raw deflate"}};
    for (const std::vector<std::string>& list : lists) {
        std::string body = plain;
        std::string names;
        for (const std::string& encoder : list) {
            body = encoded(encoder, body);
            names += (names.empty() ? "" : ", ") + coding_name(encoder);
        }
        SCOPED_TRACE(names);
        const std::string fields = "Content-Encoding: " + names + "\r\n";
        expect_plain(chat(Script().send(json_response(200, body, fields))), plain);
        expect_plain(chat(Script().send_in_pieces(json_response(200, body, fields), 100)), plain);
        const std::string cut = body.substr(0, body.size() - 1);
        expect_error(chat(Script().send(json_response(200, cut, fields))),
                     {.status = 502, .type = "server_error", .code = "upstream_closed"});
    }
    const std::string four = encoded("gzip", encoded("gzip", encoded("gzip", encoded("br", "{}"))));
    EXPECT_EQ(
        chat(Script().send(json_response(200, four, "Content-Encoding: br, gzip, gzip, gzip\r\n")))
            .status,
        502);
}

TEST_F(CodedAnswers, ARecordingInAnotherCodingSaysSo) {
    upstream_.answer(
        Script().send(response(200, "audio/mpeg", "\x01\x02\x03", "Content-Encoding: x-own\r\n")));
    const Response response = gateway_.send(
        post_json("/v1/audio/speech", alice_key, R"({"model":"m","input":"x","voice":"y"})"));
    expect_success(response);
    EXPECT_EQ(response.field("content-encoding"), "x-own");
}

TEST_F(CodedAnswers, BombsEndSoonInFlatMemory) {
    const std::size_t before = gateway_.daemon().resident_bytes();
    for (const std::string encoder : {"gzip", "br", "zstd"}) {
        SCOPED_TRACE(encoder);
        const std::string bomb = encoded_zeros(encoder, 128 * mebibyte);
        const std::string fields = "Content-Encoding: " + encoder + "\r\n";
        const ExpectedError bad{
            .status = 502, .type = "server_error", .code = "upstream_bad_response"};
        expect_error(chat(Script().send(json_response(200, bomb, fields))), bad);
        EXPECT_GE(chat(Script().send(sse_head(fields) + chunk(bomb) + chunk("")), true).status,
                  502);
        EXPECT_GE(chat(Script().send(json_response(400, bomb, fields))).status, 400);
        EXPECT_GE(chat(Script().send(json_response(500, bomb, fields))).status, 500);
    }
    EXPECT_LT(gateway_.daemon().resident_bytes(), before + 128 * mebibyte)
        << "less than one of them; a sanitizer keeps what was freed";
    EXPECT_TRUE(
        eventually([&] { return metric(gateway_, "sluicegate_memory_buffered_bytes") == 0; }));
}

// A member of gzip without content is 20 bytes that repeat well: 200 of them for each byte.
TEST_F(CodedAnswers, CodedNothingEndsSoon) {
    const std::string empty = encoded("gzip", "");
    std::string members;
    while (members.size() < 8 * mebibyte) members += empty;
    for (const std::string outer : {"gzip", "br", "zstd"}) {
        SCOPED_TRACE(outer);
        const std::string body = encoded(outer, members);
        ASSERT_LT(body.size(), members.size() / 50);
        const std::string fields = "Content-Encoding: gzip, " + outer + "\r\n";
        const Response response = chat(Script().send(json_response(200, body, fields)));
        expect_error(response,
                     {.status = 502, .type = "server_error", .code = "upstream_bad_response"});
        EXPECT_TRUE(eventually([&] {
            return gateway_.daemon().log().find(outer + ": more than 10 bytes for each coded") !=
                   std::string::npos;
        }));
    }
}

TEST_F(CodedAnswers, LongJsonAndRecordingsPassInSoundFraming) {
    const std::string plain = coded_json_answer(words_of(9 * mebibyte));
    std::mt19937 random(9);
    std::string audio;
    for (int i = 0; i < 300'000; ++i) audio += static_cast<char>(random() % 50);
    const std::string speech =
        post_json("/v1/audio/speech", alice_key, R"({"model":"m","input":"x","voice":"y"})");
    for (const std::string& encoder : encoder_names()) {
        SCOPED_TRACE(encoder);
        expect_plain(chat(Script().send(coded_response(200, encoder, plain))), plain);
        upstream_.answer(Script().send(coded_response(200, encoder, audio, "audio/mpeg")));
        expect_plain(gateway_.send(speech), audio);
        const std::string cut = encoded(encoder, audio).substr(0, 150'000);
        upstream_.answer(Script().send(
            coded_head(200, encoder, "Content-Length: 150000\r\n", "audio/mpeg") + cut));
        EXPECT_FALSE(gateway_.send(speech).is_complete);
    }
}

}  // namespace
}  // namespace sluicegate::support
