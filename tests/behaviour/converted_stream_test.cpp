// An upstream that answers a streamed request with something else than a good stream: complete
// JSON, an error line of an old server, an error after some output.
#include "behaviour/harness.hpp"
#include "behaviour/token_requests.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class ConvertedStream : public testing::Test {
protected:
    Response stream(const std::string& answer, const std::string& more = "",
                    const std::string& path = "/v1/chat/completions") {
        upstream_.answer(Script().send(answer));
        return gateway_.send(post_json(
            path, alice_key,
            R"({"model":"m","messages":[],"input":"x","prompt":"x","stream":true)" + more + "}"));
    }
    static void expect_stream(const Response& response) {
        expect_success(response);
        EXPECT_TRUE(response.field("content-type").starts_with("text/event-stream"))
            << response.field("content-type");
    }
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};
};

const std::string completion =
    R"({"id":"chatcmpl-7","object":"chat.completion","created":17,"model":"provider/m",)"
    R"("choices":[{"index":0,"message":{"role":"assistant","content":"caf\u00e9 \"x\"\n",)"
    R"("tool_calls":[{"id":"call_1","type":"function","function":{"name":"f",)"
    R"("arguments":"{\"a\":1}"}}]},"finish_reason":"tool_calls"},)"
    R"({"index":1,"message":{"role":"assistant","content":"second"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}})";

TEST_F(ConvertedStream, ACompleteChatCompletionBecomesAStream) {
    for (const bool wants_usage : {false, true}) {
        SCOPED_TRACE(wants_usage);
        const Response response =
            stream(json_response(200, completion),
                   wants_usage ? R"(,"stream_options":{"include_usage":true})" : "");
        expect_stream(response);
        const std::vector<std::string> events = events_of(response.body);
        ASSERT_GE(events.size(), 2U);
        EXPECT_EQ(events.back(), "[DONE]");
        EXPECT_TRUE(response.body.ends_with(done_event));
        std::map<int, std::string> contents;
        std::map<int, std::string> reasons;
        std::string arguments;
        int usages = 0;
        for (std::size_t i = 0; i + 1 < events.size(); ++i) {
            const nlohmann::json event = nlohmann::json::parse(events[i], nullptr, false);
            ASSERT_TRUE(event.is_object()) << events[i];
            EXPECT_EQ(event.value("object", ""), "chat.completion.chunk");
            EXPECT_EQ(event.value("id", ""), "chatcmpl-7");
            EXPECT_EQ(event.value("created", 0), 17);
            if (event.contains("usage") && event["usage"].is_object()) {
                ++usages;
                EXPECT_EQ(event["usage"].value("total_tokens", 0), 7);
                EXPECT_TRUE(event["choices"].empty());
            }
            for (const nlohmann::json& choice : event["choices"]) {
                const int index = choice.value("index", -1);
                const nlohmann::json& delta = choice.at("delta");
                if (delta.contains("content") && delta["content"].is_string()) {
                    contents[index] += delta["content"].get<std::string>();
                }
                if (delta.contains("tool_calls")) {
                    EXPECT_EQ(delta["tool_calls"][0].value("index", -1), 0);
                    arguments += delta["tool_calls"][0]["function"].value("arguments", "");
                }
                if (choice.contains("finish_reason") && choice["finish_reason"].is_string()) {
                    reasons[index] = choice["finish_reason"];
                }
            }
        }
        EXPECT_EQ(contents[0], "caf\xc3\xa9 \"x\"\n");
        EXPECT_EQ(contents[1], "second");
        EXPECT_EQ(arguments, "{\"a\":1}");
        EXPECT_EQ(reasons[0], "tool_calls");
        EXPECT_EQ(reasons[1], "stop");
        EXPECT_EQ(usages, wants_usage ? 1 : 0);
    }
}

TEST_F(ConvertedStream, ATextCompletionBecomesAStream) {
    const Response response = stream(
        json_response(200, R"({"id":"cmpl-1","object":"text_completion","created":1,"model":"m",)"
                           R"("choices":[{"index":0,"text":"hello","finish_reason":"stop"}],)"
                           R"("usage":{"total_tokens":2}})"),
        "", "/v1/completions");
    expect_stream(response);
    std::string text;
    for (const std::string& event : events_of(response.body)) {
        if (event == "[DONE]") continue;
        const nlohmann::json chunk = nlohmann::json::parse(event, nullptr, false);
        for (const nlohmann::json& choice : chunk.at("choices")) text += choice.value("text", "");
    }
    EXPECT_EQ(text, "hello");
    EXPECT_TRUE(response.body.ends_with(done_event));
}

TEST_F(ConvertedStream, AResponseBecomesAStreamWithItsTerminalEvent) {
    const Response response = stream(
        json_response(200, R"({"id":"resp_1","object":"response","status":"completed","model":"m",)"
                           R"("output":[{"type":"message","id":"msg_1","role":"assistant",)"
                           R"("status":"completed","content":[{"type":"output_text",)"
                           R"("text":"hello","annotations":[]}]}],)"
                           R"("usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}})"),
        "", "/v1/responses");
    expect_stream(response);
    const std::vector<std::string> events = events_of(response.body);
    ASSERT_GE(events.size(), 2U);
    int sequence = -1;
    for (const std::string& text : events) {
        const nlohmann::json event = nlohmann::json::parse(text, nullptr, false);
        ASSERT_TRUE(event.is_object()) << text;
        EXPECT_GT(event.value("sequence_number", -1), sequence);
        sequence = event.value("sequence_number", -1);
        EXPECT_NE(response.body.find("event: " + event.value("type", "?") + "\ndata: "),
                  std::string::npos);
    }
    EXPECT_EQ(nlohmann::json::parse(events.front()).value("type", ""), "response.created");
    const nlohmann::json last = nlohmann::json::parse(events.back());
    EXPECT_EQ(last.value("type", ""), "response.completed");
    EXPECT_EQ(last["response"]["usage"].value("total_tokens", 0), 2);
    EXPECT_EQ(last["response"]["output"][0]["content"][0].value("text", ""), "hello");
}

TEST_F(ConvertedStream, JsonThatIsNoAnswerIsAnErrorAndNoEmptyStream) {
    struct Row {
        std::string name, answer;
    };
    const std::string sized =
        response_head(200, "Content-Type: application/json\r\nContent-Length: 500\r\n");
    const std::vector<Row> rows{
        {"an error", json_response(200, R"({"error":{"message":"no","type":"server_error"}})")},
        {"an error as text", json_response(200, R"({"error":"no"})")},
        {"an empty object", json_response(200, "{}")},
        {"a list", json_response(200, "[]")},
        {"not JSON", json_response(200, "oops")},
        {"nothing", json_response(200, "")},
        {"HTML", response(200, "text/html", "<html></html>")},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Response response = stream(row.answer);
        EXPECT_GE(response.status, 400) << response.body;
        EXPECT_TRUE(nlohmann::json::parse(response.body, nullptr, false).contains("error"));
    }
    upstream_.answer(Script().send(sized + completion.substr(0, 100)).cut());
    expect_error(gateway_.stream(alice_key, "m"),
                 {.status = 502, .type = "server_error", .code = "upstream_closed"});
}

TEST_F(ConvertedStream, ABareErrorLineIsAnErrorEvent) {
    const std::string line =
        R"(error: {"code":500,"message":"out of memory","type":"server_error"})";
    const Response after =
        stream(sse_head() + chunk(chat_event("one") + line + "\n\n") + chunk(""));
    ASSERT_EQ(after.status, 200);
    EXPECT_TRUE(after.body.starts_with(chat_event("one")));
    EXPECT_EQ(after.body.find("\nerror: "), std::string::npos) << "both SDKs drop such a line";
    EXPECT_EQ(after.body.find("[DONE]"), std::string::npos);
    const nlohmann::json last = nlohmann::json::parse(events_of(after.body).back(), nullptr, false);
    ASSERT_TRUE(last.is_object() && last.contains("error")) << after.body;
    EXPECT_TRUE(last["error"].is_object());

    const Response first = stream(sse_head() + chunk(line + "\n\n") + chunk(""));
    EXPECT_GE(first.status, 500) << "nothing was sent yet: " << first.body;
}

TEST_F(ConvertedStream, AnErrorAfterOutputIsTheLastThingSaid) {
    const std::string error =
        "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\",\"code\":500}}\n\n";
    struct Row {
        std::string name, tail;
    };
    for (const Row& row : std::vector<Row>{{"then [DONE], as vLLM", std::string(done_event)},
                                           {"then the end", ""}}) {
        SCOPED_TRACE(row.name);
        const Response response =
            stream(sse_head() + chunk(chat_event("one") + error + row.tail) + chunk(""));
        ASSERT_EQ(response.status, 200);
        const std::vector<std::string> events = events_of(response.body);
        ASSERT_GE(events.size(), 2U);
        EXPECT_NE(events[1].find("\"error\""), std::string::npos);
        const bool has_done = response.body.find("[DONE]") != std::string::npos;
        EXPECT_TRUE(!row.tail.empty() || !has_done) << response.body;
    }
}

TEST_F(ConvertedStream, TheUsageOfTheAnswerIsSettled) {
    ConfigText config(upstream_.base_url());
    config.models += "  tokens: {limits: {tpm: 10}, route: [{upstream: up}]}\n";
    const Gateway gateway(config);
    upstream_.answer(Script().send(json_response(200, completion)));
    expect_success(gateway.stream(alice_key, "tokens"));
    const Response second = gateway.stream(alice_key, "tokens");
    EXPECT_TRUE(second.status == 429 || tokens_left(second) <= 3) << tokens_left(second);
}

}  // namespace
}  // namespace sluicegate::support
