#include "sluicegate/openai/answer_from_events.hpp"

#include "sluicegate/openai/answer_facts.hpp"
#include "sluicegate/openai/stream_from_answer.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace sluicegate::openai {
namespace {

using nlohmann::json;

std::string stream_of(const std::vector<std::string>& events, const std::string& end = "\n\n") {
    std::string out;
    for (const std::string& event : events) out += "data: " + event + end;
    return out + "data: [DONE]" + end;
}

json answer_of(Endpoint endpoint, const std::string& stream) {
    const auto answer = answer_from_events(endpoint, stream);
    return answer ? json::parse(*answer, nullptr, false) : json();
}

TEST(AnswerFromEvents, JoinsTheDeltasOfEachChoice) {
    const std::string chunks = stream_of(
        {R"({"id":"c","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})",
         R"({"id":"c","choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]})",
         R"({"id":"c","choices":[{"index":1,"delta":{"content":"B"}},{"index":0,"delta":{"content":"A"}}]})",
         R"({"id":"c","choices":[{"index":0,"delta":{"content":"a\n"},"finish_reason":null}]})",
         R"({"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})",
         R"({"id":"c","choices":[{"index":1,"delta":{},"finish_reason":"length"}]})",
         R"({"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}})"});
    const json answer = answer_of(Endpoint::chat_completions, chunks);
    EXPECT_EQ(answer, json::parse(R"({"id":"c","created":1,"model":"m","object":"chat.completion",
        "choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant",
        "content":"Aa\n","reasoning_content":"hm"}},{"index":1,"finish_reason":"length",
        "message":{"role":"assistant","content":"B"}}],
        "usage":{"prompt_tokens":3,"completion_tokens":4}})"));
}

TEST(AnswerFromEvents, JoinsToolCallsByTheirIndex) {
    const std::string chunks = stream_of(
        {R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}}]})",
         R"({"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{"}}]}}]})",
         R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]})",
         R"({"choices":[{"delta":{"tool_calls":[{"index":1,"function":{"arguments":"}"}}]},"finish_reason":"tool_calls"}]})"},
        "\r\n\r\n");
    const json answer = answer_of(Endpoint::chat_completions, chunks);
    EXPECT_EQ(answer["choices"][0]["message"], json::parse(R"({"role":"assistant","content":null,
        "tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},
        {"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]})"));
    EXPECT_EQ(answer["choices"][0]["finish_reason"], "tool_calls");
}

TEST(AnswerFromEvents, ServesEveryEndpoint) {
    struct Row {
        const char* name;
        Endpoint endpoint;
        std::string events;
        const char* answer;
    };
    const Row rows[] = {
        {"completion", Endpoint::completions,
         stream_of({R"({"id":"c","choices":[{"index":0,"text":"a"}]})",
                    R"({"id":"c","choices":[{"index":0,"text":"b","finish_reason":"stop"}]})"}),
         R"({"id":"c","object":"text_completion","choices":[{"index":0,"text":"ab","finish_reason":"stop"}]})"},
        {"response", Endpoint::responses,
         stream_of({R"({"type":"response.created","response":{"id":"r","output":[]}})",
                    R"({"type":"response.completed","response":{"id":"r","output":[1]}})"}),
         R"({"id":"r","output":[1]})"},
        {"response whose last event leaves the output out", Endpoint::responses,
         stream_of({R"({"type":"response.output_item.done","item":{"id":"i"}})",
                    R"({"type":"response.completed","response":{"id":"r","output":[]}})"}),
         R"({"id":"r","output":[{"id":"i"}]})"},
        {"transcript", Endpoint::audio_transcriptions,
         stream_of({R"({"type":"transcript.text.delta","delta":"a"})",
                    R"({"type":"transcript.text.done","text":"ab","usage":{"seconds":1}})"}),
         R"({"text":"ab","usage":{"seconds":1}})"},
        {"transcript in chunks", Endpoint::audio_transcriptions,
         stream_of({R"({"choices":[{"delta":{"content":"a"}}]})",
                    R"({"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}]})"}),
         R"({"text":"ab"})"},
        {"pictures", Endpoint::images_generations,
         stream_of(
             {R"({"type":"image_generation.partial_image","b64_json":"x"})",
              R"({"type":"image_generation.completed","b64_json":"A","created_at":5,"usage":{"input_tokens":1}})",
              R"({"type":"image_generation.completed","b64_json":"B","created_at":5,"usage":{"input_tokens":2}})"}),
         R"({"created":5,"data":[{"b64_json":"A"},{"b64_json":"B"}],"usage":{"input_tokens":3}})"},
        {"one whole answer as an event", Endpoint::embeddings,
         stream_of({R"({"object":"list","data":[{"embedding":[1]}]})"}),
         R"({"object":"list","data":[{"embedding":[1]}]})"},
        {"a chat completion as an event", Endpoint::chat_completions,
         "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
         "\"content\":\"a\"},\"finish_reason\":\"stop\"}]}",
         R"({"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}]})"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(answer_of(row.endpoint, row.events), json::parse(row.answer));
    }
}

TEST(AnswerFromEvents, AreNoneWithoutAnObject) {
    for (const char* events : {"", "data: [DONE]\n\n", ": x\n\n", "data: 1\n\ndata: {\n\n"}) {
        EXPECT_FALSE(answer_from_events(Endpoint::chat_completions, events)) << events;
    }
}

TEST(AnswerFromEvents, UndoesTheConversionToAStream) {
    const json answer = json::parse(R"({"id":"c","object":"chat.completion","created":1,"model":"m",
        "choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"logprobs":null,
        "finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}})");
    const auto events = stream_of_answer(Endpoint::chat_completions, answer.dump(), true);
    ASSERT_TRUE(events);
    json again = answer_of(Endpoint::chat_completions, *events);
    EXPECT_EQ(again, answer) << again.dump();
}

}  // namespace
}  // namespace sluicegate::openai
