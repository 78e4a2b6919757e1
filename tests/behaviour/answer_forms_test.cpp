// What counts as an answer: told from the body, whatever the status, the type and the endpoint.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluicegate::support {
namespace {

constexpr std::string_view chat_path = "/v1/chat/completions";

std::string good_json(std::string_view more = "") {
    return R"({"id":"c","object":"chat.completion","created":1,"model":"m",)"
           R"("choices":[{"index":0,"message":{"role":"assistant","content":"hello"},)"
           R"("finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,)"
           R"("total_tokens":7})" +
           std::string(more) + "}";
}

std::string good_events() {
    return chat_event("hel") + chat_event("lo") +
           R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m",)"
           R"("choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
           "\n\n" +
           usage_event(5, 2) + std::string(done_event);
}

std::string with_type(std::string_view type, std::string_view body) {
    const std::string line =
        type.empty() ? std::string() : "Content-Type: " + std::string(type) + "\r\n";
    return response_head(200, line + "Content-Length: " + std::to_string(body.size()) + "\r\n") +
           std::string(body);
}

std::string audio_form(std::string_view more = "") {
    return "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n" +
           std::string(more) +
           "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n"
           "RIFF\r\n--b--\r\n";
}

std::string content_of(const Response& response) {
    const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
    if (!body.is_object() || !body.contains("choices")) return "no answer: " + response.body;
    return body["choices"][0]["message"].value("content", "");
}

/// What a request for each endpoint says.
std::string request_for(const std::string& path, bool is_streaming = false) {
    if (path.starts_with("/v1/audio/trans")) {
        return request("POST", path,
                       bearer(alice_key) + "Content-Type: multipart/form-data; boundary=b\r\n",
                       audio_form());
    }
    return post_json(path, alice_key,
                     R"({"model":"m","messages":[],"prompt":"x","input":"x","query":"x",)"
                     R"("documents":["x"],"voice":"v")" +
                         std::string(is_streaming ? R"(,"stream":true})" : "}"));
}

class AnswerForms : public testing::Test {
protected:
    static ConfigText config(const FakeUpstream& first, const FakeUpstream& second) {
        ConfigText text(first.base_url(), "breaker: {min_requests: 100000}");
        text.upstreams += upstream_line("second", second.base_url());
        text.models =
            "  m: {route: [{upstream: up}]}\n"
            "  backed: {route: [{upstream: up}], fallback: [{upstream: second}]}\n";
        text.groups = "  default: {}\n";
        text.users = "  alice:\n    keys:\n" + key_line("laptop", alice_key);
        text.retries = "retries: {budget: 100%, minimum: 1000}\n";
        text.streams = "streams: {end_grace: 30ms}\n";
        return text;
    }
    Response ask(const std::string& path, const std::string& answer, bool is_streaming = false) {
        upstream_.answer(Script().send(answer));
        return gateway_.send(request_for(path, is_streaming));
    }
    double failures() const {
        return metric(gateway_, "sluicegate_upstream_errors_total", {R"(upstream="up")"});
    }

    FakeUpstream upstream_;
    FakeUpstream second_;
    Gateway gateway_{config(upstream_, second_)};
};

TEST_F(AnswerForms, A200WithoutAnAnswerIsAFailedAttemptAtEveryEndpoint) {
    struct Row {
        std::string path, answer;
    };
    const std::vector<Row> rows{
        {"/v1/chat/completions", R"({"error":{"message":"Provider returned error","code":502}})"},
        {"/v1/chat/completions", R"({"error":"rate limited, sorry"})"},
        {"/v1/chat/completions", R"({"detail":[{"loc":["body"],"msg":"no"}]})"},
        {"/v1/chat/completions", R"({"code":1001,"message":"the model is busy","data":null})"},
        {"/v1/chat/completions", R"({"object":"error","message":"no","code":40303})"},
        {"/v1/chat/completions", R"({"id":"c","choices":null,"usage":{"total_tokens":1}})"},
        {"/v1/chat/completions", R"({"choices":[],"error":null})"},
        {"/v1/chat/completions", R"({"choices":[{"index":0,"message":null}]})"},
        {"/v1/chat/completions",
         R"({"choices":[{"message":{"content":""},"finish_reason":"error"}]})"},
        {"/v1/chat/completions", "null"},
        {"/v1/chat/completions", "\"queued\""},
        {"/v1/completions", R"({"choices":[{"message":{"content":"x"}}]})"},
        {"/v1/completions", R"({"errors":["x"]})"},
        {"/v1/responses", R"({"id":"resp_1","status":"completed"})"},
        {"/v1/responses", R"({"output":null,"status":"queued"})"},
        {"/v1/embeddings", R"({"object":"list","data":null})"},
        {"/v1/embeddings", R"({"error":{"message":"out of memory"},"data":[]})"},
        {"/v1/rerank", R"({"id":"r","meta":{}})"},
        {"/v1/moderations", R"({"id":"m","model":"m"})"},
        {"/v1/images/generations", R"({"created":1})"},
        {"/v1/images/generations", R"({"created":1,"error":{"code":"internal","message":"x"}})"},
        {"/v1/audio/speech", R"({"error":{"message":"no voice"}})"},
        {"/v1/audio/transcriptions", R"({"text":null})"},
        {"/v1/audio/translations", R"({"status":"error","message":"no model"})"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.path + " " + row.answer);
        const double before = failures();
        const Response response = ask(row.path, json_response(200, row.answer));
        EXPECT_GE(response.status, 400) << response.body;
        EXPECT_TRUE(nlohmann::json::parse(response.body, nullptr, false).contains("error"));
        if (response.status >= 500) {
            EXPECT_EQ(failures(), before + 1);
        }
    }
}

TEST_F(AnswerForms, NothingIsNoAnswerAtAnyEndpoint) {
    for (const std::string path :
         {"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings",
          "/v1/rerank", "/v1/moderations", "/v1/images/generations", "/v1/audio/speech"}) {
        for (const std::string& answer : std::vector<std::string>{
                 with_type("application/json", ""), with_type("", ""),
                 with_type("text/plain", " \n"), response_head(204, ""),
                 response_head(205, "Content-Length: 0\r\n"), json_response(200, "{}"),
                 json_response(202, R"({"status":"queued"})"), json_response(200, R"({"id":"x")"),
                 json_response(200, "{}{}")}) {
            SCOPED_TRACE(path + "\n" + answer);
            expect_error(ask(path, answer),
                         {.status = 502, .type = "server_error", .code = "upstream_bad_response"});
        }
    }
}

TEST_F(AnswerForms, ItLeadsToTheNextUpstreamBeforeAByteWasSent) {
    const std::string usage_only = usage_event(5, 0);
    struct Row {
        std::string name, answer;
        bool is_streaming;
    };
    const std::vector<Row> rows{
        {"an error", json_response(200, R"({"error":{"message":"x","code":502}})"), false},
        {"an error as text", with_type("text/plain", R"({"error":"upstream is down"})"), false},
        {"no choices", with_type("", R"({"object":"chat.completion"})"), false},
        {"an error event",
         sse_head() + chunk("data: {\"error\":{\"message\":\"x\"}}\n\n") + chunk(""), false},
        {"an error as JSON", json_response(200, R"({"message":"x","code":500})"), true},
        {"an empty stream", sse_head() + chunk(""), true},
        {"comments", sse_head() + chunk(": a\n\n: b\n\n") + chunk(""), true},
        {"[DONE] alone", sse_head() + chunk(done_event) + chunk(""), true},
        {"comments and [DONE]", sse_head() + chunk(": a\n\n" + std::string(done_event)) + chunk(""),
         true},
        {"usage alone", sse_head() + chunk(usage_only + std::string(done_event)) + chunk(""), true},
        {"a role alone",
         sse_head() +
             chunk(R"(data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]})"
                   "\n\n" +
                   std::string(done_event)) +
             chunk(""),
         true},
        {"an error of another kind",
         sse_head() + chunk("event: error\ndata: \"out of memory\"\n\n") + chunk(""), true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        upstream_.answer(Script().send(row.answer));
        second_.answer(Script().send(row.is_streaming
                                         ? sse_head() + chunk(good_events()) + chunk("")
                                         : json_response(200, good_json())));
        const double before = failures();
        const Response response = row.is_streaming ? gateway_.stream(alice_key, "backed")
                                                   : gateway_.chat(alice_key, "backed");
        expect_success(response);
        EXPECT_EQ(response.field("x-sluicegate-upstream"), "second") << response.body;
        EXPECT_EQ(response.field("x-sluicegate-attempts"), "2");
        EXPECT_EQ(failures(), before + 1);
    }
}

TEST_F(AnswerForms, AnEmptyErrorBesideAnAnswerIsNone) {
    for (const std::string more : {R"(,"error":null)", R"(,"error":"")", R"(,"error":{})",
                                   R"(,"error":{"code":0,"message":""})", R"(,"errors":[])"}) {
        SCOPED_TRACE(more);
        const Response response = ask(std::string(chat_path), json_response(200, good_json(more)));
        expect_success(response);
        EXPECT_EQ(response.body, good_json(more));
    }
    const std::string event =
        R"(data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}],)"
        R"("error":null})"
        "\n\n" +
        std::string(done_event);
    const Response stream =
        ask(std::string(chat_path), sse_head() + chunk(event) + chunk(""), true);
    expect_success(stream);
    EXPECT_EQ(stream.body, event);
    EXPECT_EQ(failures(), 0);
}

TEST_F(AnswerForms, TheTypeIsOnlyAHint) {
    const std::vector<std::string> types{"application/json",
                                         "APPLICATION/JSON; charset=utf-8",
                                         "text/plain",
                                         "text/json",
                                         "application/octet-stream",
                                         "text/event-stream",
                                         "application/x-ndjson",
                                         ""};
    for (const std::string& type : types) {
        SCOPED_TRACE("type: " + type);
        const Response json = ask(std::string(chat_path), with_type(type, good_json()));
        expect_success(json);
        EXPECT_EQ(content_of(json), "hello");
        EXPECT_TRUE(to_lower(json.field("content-type")).starts_with("application/json"))
            << json.field("content-type");
        const Response stream = ask(std::string(chat_path), with_type(type, good_events()), true);
        expect_success(stream);
        EXPECT_TRUE(stream.field("content-type").starts_with("text/event-stream"))
            << stream.field("content-type");
        EXPECT_TRUE(stream.body.starts_with(chat_event("hel"))) << stream.body;
        EXPECT_TRUE(stream.body.ends_with(done_event));
        const Response made = ask(std::string(chat_path), with_type(type, good_json()), true);
        expect_success(made);
        EXPECT_TRUE(made.field("content-type").starts_with("text/event-stream"));
        EXPECT_EQ(events_of(made.body).back(), "[DONE]");
    }
    // Bodies without an end of their own, and without any field.
    upstream_.answer(Script().send("HTTP/1.0 200 OK\r\n\r\n" + good_json()).close());
    const Response bare = gateway_.send(request_for(std::string(chat_path)));
    expect_success(bare);
    EXPECT_EQ(content_of(bare), "hello");
    for (const std::string& body :
         std::vector<std::string>{"\xef\xbb\xbf" + good_json(), "\r\n\n  " + good_json()}) {
        const Response response = ask(std::string(chat_path), with_type("text/plain", body));
        expect_success(response);
        EXPECT_EQ(content_of(response), "hello") << "no byte order mark, on which parsers fail";
    }
    for (const std::string page :
         {"<!DOCTYPE html><p>sign in</p>", "<html>", "\n <HTML lang=en>"}) {
        for (const std::string type : {"text/html", "application/json", ""}) {
            SCOPED_TRACE(page + type);
            expect_error(ask(std::string(chat_path), with_type(type, page)),
                         {.status = 502, .type = "server_error", .code = "upstream_bad_response"});
        }
    }
}

TEST_F(AnswerForms, AWholeAnswerIsNoPartWhateverItsStatusSays) {
    for (const auto& [sent, got] :
         std::vector<std::pair<int, int>>{{200, 200}, {201, 201}, {205, 200}, {206, 200}}) {
        SCOPED_TRACE(sent);
        const Response response = ask("/v1/chat/completions", json_response(sent, good_json()));
        EXPECT_EQ(response.status, got);
        EXPECT_EQ(response.body, good_json());
    }
    for (const int status : {205, 206}) {
        SCOPED_TRACE(status);
        expect_error(ask("/v1/audio/speech", support::response(status, "audio/mpeg", "ID3")),
                     {.status = 502, .type = "server_error", .code = "upstream_bad_response"});
    }
}

TEST_F(AnswerForms, EventsBecomeTheJsonThatWasAskedFor) {
    const std::string events =
        R"(data: {"id":"c1","object":"chat.completion.chunk","created":9,"model":"p","system_fingerprint":"fp","choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":"th"},"finish_reason":null}]})"
        "\r\n\r\n: comment\r\n\r\n"
        R"(data: {"choices":[{"index":1,"delta":{"content":"tw"},"logprobs":{"content":[{"token":"tw","logprob":-1}]}}]})"
        "\r\n\r\n"
        R"(data: {"choices":[{"index":0,"delta":{"reasoning_content":"ink","tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\""}}]}}]})"
        "\r\n\r\n"
        R"(data: {"choices":[{"index":1,"delta":{"content":"o"},"logprobs":{"content":[{"token":"o","logprob":-2}]},"finish_reason":"stop"},{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}},{"index":0,"function":{"arguments":":1}"}}]},"finish_reason":"tool_calls"}]})"
        "\r\n\r\n"
        R"(data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":9,"total_tokens":14}})"
        "\r\n\r\ndata: [DONE]\r\n\r\n";
    for (const std::string type : {"text/event-stream", "application/json", ""}) {
        SCOPED_TRACE("type: " + type);
        const Response response = ask(std::string(chat_path), with_type(type, events));
        expect_success(response);
        EXPECT_TRUE(response.field("content-type").starts_with("application/json"));
        const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
        ASSERT_TRUE(body.is_object()) << response.body;
        EXPECT_EQ(body.value("object", ""), "chat.completion");
        EXPECT_EQ(body.value("id", ""), "c1");
        EXPECT_EQ(body.value("system_fingerprint", ""), "fp");
        EXPECT_EQ(body["usage"].value("total_tokens", 0), 14);
        ASSERT_EQ(body["choices"].size(), 2U);
        const nlohmann::json& first = body["choices"][0];
        EXPECT_EQ(first.value("finish_reason", ""), "tool_calls");
        EXPECT_EQ(first["message"],
                  nlohmann::json::parse(
                      R"({"role":"assistant","content":null,"reasoning_content":"think",
                          "tool_calls":[
                            {"id":"a","type":"function",
                             "function":{"name":"f","arguments":"{\"x\":1}"}},
                            {"id":"b","type":"function",
                             "function":{"name":"g","arguments":"{}"}}]})"));
        const nlohmann::json& second = body["choices"][1];
        EXPECT_EQ(second["message"].value("content", ""), "two");
        EXPECT_EQ(second["logprobs"]["content"].size(), 2U);
        EXPECT_EQ(second.value("finish_reason", ""), "stop");
    }
}

TEST_F(AnswerForms, EventsBecomeJsonHoweverTheirBodyEnds) {
    const std::string head = "Content-Type: text/event-stream\r\n";
    const std::string reason =
        R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
        "\n\n";
    const std::string events = chat_event("hel") + chat_event("lo") + reason;
    const std::vector<Script> scripts{
        Script().send(sse_head() + chunk(events) + chunk("")),
        Script().send(sse_head() + chunk(events)).stall(),
        Script().send(sse_head() + chunk(events + std::string(done_event))).stall(),
        Script().send(response_head(200, head) + events).close(),
        Script().send("HTTP/1.0 200 OK\r\n" + head + "\r\n" + events).close(),
        Script().send_in_pieces(sse_head() + chunk(events) + chunk(""), 7),
        Script().send(
            sse_head() +
            chunk(chat_event("hel") + chat_event("lo") + reason.substr(0, reason.size() - 1)) +
            chunk("")),
    };
    for (const Script& script : scripts) {
        SCOPED_TRACE(&script - scripts.data());
        upstream_.answer(script);
        const Response response = gateway_.send(request_for(std::string(chat_path)));
        expect_success(response);
        EXPECT_EQ(content_of(response), "hello");
        EXPECT_EQ(nlohmann::json::parse(response.body)["choices"][0]["finish_reason"], "stop");
    }
    EXPECT_EQ(failures(), 0);
}

TEST_F(AnswerForms, WhatServersRepeatInEachEventStandsOnceInTheJson) {
    const auto piece = [](const std::string& delta, const std::string& reason = "null") {
        return R"(data: {"id":"c","choices":[{"delta":{"role":"assistant",)" + delta +
               R"(},"finish_reason":)" + reason + "}],\"usage\":null}\n\n";
    };
    const std::string calls =
        piece(
            R"("tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{"}}])") +
        piece(
            R"("tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"}"}}])",
            R"("tool_calls")") +
        std::string(done_event);
    const Response response = ask(std::string(chat_path), sse_head() + chunk(calls) + chunk(""));
    expect_success(response);
    const nlohmann::json message = nlohmann::json::parse(response.body)["choices"][0]["message"];
    EXPECT_EQ(message, nlohmann::json::parse(
                           R"({"role":"assistant","content":null,"tool_calls":[{"id":"a",
                               "type":"function","function":{"name":"f","arguments":"{}"}}]})"));
    const std::string old =
        piece(R"("content":null,"function_call":{"name":"f","arguments":"{"})") +
        piece(R"("function_call":{"arguments":"}"})", R"("function_call")") +
        std::string(done_event);
    const Response called = ask(std::string(chat_path), sse_head() + chunk(old) + chunk(""));
    expect_success(called);
    EXPECT_EQ(nlohmann::json::parse(called.body)["choices"][0]["message"]["function_call"],
              nlohmann::json::parse(R"({"name":"f","arguments":"{}"})"));
}

TEST_F(AnswerForms, EventsBecomeJsonAtEveryEndpoint) {
    struct Row {
        std::string path, events, member, expected;
    };
    const std::vector<Row> rows{
        {"/v1/completions",
         "data: {\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"a\"}]}\n\n"
         "data: {\"choices\":[{\"index\":0,\"text\":\"b\",\"finish_reason\":\"length\"}]}\n\n"
         "data: [DONE]\n\n",
         "/choices/0/text", "\"ab\""},
        {"/v1/responses",
         "event: response.created\n"
         "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"output\":[]}}\n\n"
         "event: response.completed\n"
         "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":"
         "\"completed\",\"output\":[{\"type\":\"message\"}]}}\n\n",
         "/output/0/type", "\"message\""},
        {"/v1/embeddings",
         "data: {\"object\":\"list\",\"data\":[{\"index\":0,\"embedding\":[0.5]}]}\n\n",
         "/data/0/embedding/0", "0.5"},
        {"/v1/embeddings",
         "data: {\"data\":[{\"embedding\":\"" + std::string(100'000, 'A') + "\"}]}\n\n",
         "/data/0/embedding", "\"" + std::string(100'000, 'A') + "\""},
        {"/v1/rerank", "data: {\"results\":[{\"index\":1,\"relevance_score\":1}]}\n\n",
         "/results/0/index", "1"},
        {"/v1/moderations", "data: {\"results\":[{\"flagged\":false}]}\n\n", "/results/0/flagged",
         "false"},
        {"/v1/images/generations",
         "event: image_generation.completed\n"
         "data: {\"type\":\"image_generation.completed\",\"created_at\":3,\"b64_json\":\"AA\"}\n\n",
         "/data/0/b64_json", "\"AA\""},
        {"/v1/audio/transcriptions",
         "data: {\"type\":\"transcript.text.delta\",\"delta\":\"spo\"}\n\n"
         "data: {\"type\":\"transcript.text.done\",\"text\":\"spoken\"}\n\n",
         "/text", "\"spoken\""},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.path);
        const Response response = ask(row.path, sse_head() + chunk(row.events) + chunk(""));
        expect_success(response);
        EXPECT_TRUE(response.field("content-type").starts_with("application/json"));
        const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
        const nlohmann::json::json_pointer place(row.member);
        ASSERT_TRUE(body.is_object() && body.contains(place)) << response.body;
        EXPECT_EQ(body[place].dump(), row.expected);
    }
}

TEST_F(AnswerForms, EventsThatEndTooEarlyMakeNoJson) {
    for (const std::string& answer : std::vector<std::string>{
             sse_head() + chunk(chat_event("one")) + chunk(""),
             sse_head() + chunk(chat_event("one") + "data: {\"error\":{\"message\":\"x\"}}\n\n") +
                 chunk(""),
             sse_head() + chunk(chat_event("one")) + "40\r\n"}) {
        SCOPED_TRACE(answer);
        upstream_.answer(Script().send(answer).cut());
        second_.answer(Script().send(json_response(200, good_json())));
        const Response response = gateway_.chat(alice_key, "backed");
        expect_success(response);
        EXPECT_EQ(content_of(response), "hello");
        EXPECT_EQ(response.field("x-sluicegate-upstream"), "second");
    }
}

TEST_F(AnswerForms, SoundAndTextAreNoJsonAndStayAsTheyAre) {
    struct Row {
        std::string path, type, body;
    };
    const std::vector<Row> rows{
        {"/v1/audio/speech", "audio/mpeg", std::string("ID3\x04\x00\x00", 6)},
        {"/v1/audio/speech", "", "\xff\xfb\x90{\"error\""},
        {"/v1/audio/speech", "application/octet-stream", "data: no event at all"},
        {"/v1/audio/transcriptions", "text/plain", "spoken words\n"},
        {"/v1/audio/transcriptions", "text/plain; charset=utf-8", "data: what she said"},
        {"/v1/audio/transcriptions", "", "WEBVTT\n\n00:00.000 --> 00:01.000\nhi\n"},
        {"/v1/audio/translations", "application/x-subrip",
         "1\n00:00:00,000 --> 00:00:01,000\n[music]\n"},
        {"/v1/audio/transcriptions", "application/json", R"({"text":"hi","error":null})"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.path + " " + row.type);
        const Response response = ask(row.path, with_type(row.type, row.body));
        expect_success(response);
        EXPECT_EQ(response.body, row.body);
        EXPECT_EQ(response.field("content-type"), row.type);
    }
    EXPECT_EQ(failures(), 0);
}

}  // namespace
}  // namespace sluicegate::support
