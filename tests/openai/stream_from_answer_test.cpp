#include "sluicegate/openai/stream_from_answer.hpp"

#include "sluicegate/openai/answer_facts.hpp"
#include "sluicegate/openai/sse_scanner.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::openai {
namespace {

using Json = nlohmann::json;

/// The data of each event but [DONE], in order.
std::vector<Json> events_of(std::string_view stream) {
    std::vector<Json> out;
    while (!stream.empty()) {
        const std::size_t end = stream.find("\n\n");
        const std::string_view event = stream.substr(0, end);
        stream.remove_prefix(end + 2);
        const std::string_view data = event.substr(event.find("data: ") + 6);
        if (data == "[DONE]") continue;
        out.push_back(Json::parse(data));
        if (event.starts_with("event: ")) {
            EXPECT_EQ(event.substr(7, event.find('\n') - 7), out.back()["type"].get<std::string>());
        }
    }
    return out;
}

/// As the SDKs' stream helpers do: a delta's strings are appended, its lists merged by index.
void merge(Json& into, const Json& delta) {
    for (const auto& [key, value] : delta.items()) {
        Json& target = into[key];
        if (target.is_null() || key == "index" || key == "type") {
            target = value;
        } else if (target.is_string() && value.is_string()) {
            target = target.get<std::string>() + value.get<std::string>();
        } else if (target.is_object() && value.is_object()) {
            merge(target, value);
        } else if (target.is_array() && value.is_array()) {
            for (const Json& element : value) target.push_back(element);
        }
    }
}

const std::string chat_answer =
    R"({"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"m",)"
    R"("choices":[{"index":0,"message":{"role":"assistant","content":"Hi \"é\"","refusal":null},)"
    R"("logprobs":{"content":[{"token":"Hi","logprob":-0.5}]},"finish_reason":"stop"},)"
    R"({"index":1,"message":{"role":"assistant","content":null,"tool_calls":[)"
    R"({"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},)"
    R"({"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},)"
    R"("logprobs":null,"finish_reason":"tool_calls"}],)"
    R"("usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12},)"
    R"("system_fingerprint":"fp"})";

TEST(StreamFromAnswer, KeepsEverythingOfAChat) {
    const auto stream = stream_of_answer(Endpoint::chat_completions, chat_answer, true);
    ASSERT_TRUE(stream);
    EXPECT_TRUE(stream->ends_with("data: [DONE]\n\n"));
    const Json answer = Json::parse(chat_answer);
    Json choices = Json::array({Json::object(), Json::object()});
    Json usage;
    for (const Json& chunk : events_of(*stream)) {
        EXPECT_EQ(chunk["object"], "chat.completion.chunk");
        for (const char* const name : {"id", "created", "model", "system_fingerprint"}) {
            EXPECT_EQ(chunk[name], answer[name]);
        }
        ASSERT_TRUE(chunk.contains("usage"));
        EXPECT_EQ(chunk["choices"].empty(), chunk["usage"].is_object());
        if (chunk["usage"].is_object()) usage = chunk["usage"];
        for (const Json& choice : chunk["choices"]) {
            Json& whole = choices[choice["index"].get<std::size_t>()];
            merge(whole["message"], choice["delta"]);
            if (!choice["finish_reason"].is_null())
                whole["finish_reason"] = choice["finish_reason"];
            if (!choice["logprobs"].is_null()) whole["logprobs"] = choice["logprobs"];
        }
    }
    EXPECT_EQ(usage, answer["usage"]);
    EXPECT_EQ(choices[0]["message"], answer["choices"][0]["message"]);
    EXPECT_EQ(choices[0]["logprobs"], answer["choices"][0]["logprobs"]);
    EXPECT_EQ(choices[0]["finish_reason"], "stop");
    EXPECT_EQ(choices[1]["finish_reason"], "tool_calls");
    Json calls = choices[1]["message"]["tool_calls"];
    for (std::size_t i = 0; i < calls.size(); ++i) {
        EXPECT_EQ(calls[i]["index"], i);
        calls[i].erase("index");
    }
    EXPECT_EQ(calls, answer["choices"][1]["message"]["tool_calls"]);
}

TEST(StreamFromAnswer, SendsUsageOnlyWhereItWasAskedFor) {
    const auto stream = stream_of_answer(Endpoint::chat_completions, chat_answer, false);
    ASSERT_TRUE(stream);
    EXPECT_EQ(stream->find("usage"), std::string::npos);
    for (const Json& chunk : events_of(*stream)) EXPECT_EQ(chunk["choices"].size(), 1U);
}

TEST(StreamFromAnswer, KeepsEverythingOfACompletion) {
    const auto stream = stream_of_answer(
        Endpoint::completions,
        R"({"id":"cmpl-1","object":"text_completion","created":1,"model":"m",)"
        R"("choices":[{"text":"abc","index":0,"logprobs":null,"finish_reason":"length"}],)"
        R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})",
        true);
    ASSERT_TRUE(stream);
    const std::vector<Json> chunks = events_of(*stream);
    ASSERT_EQ(chunks.size(), 3U);
    EXPECT_EQ(chunks[0]["choices"][0]["text"], "abc");
    EXPECT_EQ(chunks[0]["choices"][0]["finish_reason"], nullptr);
    EXPECT_EQ(chunks[1]["choices"][0]["text"], "");
    EXPECT_EQ(chunks[1]["choices"][0]["finish_reason"], "length");
    EXPECT_EQ(chunks[2]["choices"], Json::array());
    EXPECT_EQ(chunks[2]["usage"]["total_tokens"], 3);
}

TEST(StreamFromAnswer, TellsAResponseInItsEvents) {
    const std::string text =
        R"({"id":"resp_1","object":"response","created_at":1,"status":"incomplete","error":null,)"
        R"("incomplete_details":{"reason":"max_output_tokens"},"model":"m","output":[)"
        R"({"id":"rs_1","type":"reasoning","summary":[]},)"
        R"({"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[)"
        R"({"type":"output_text","text":"Hi","annotations":[],"logprobs":[]},)"
        R"({"type":"refusal","refusal":"No"}]},)"
        R"({"id":"fc_1","type":"function_call","status":"completed","call_id":"c","name":"f",)"
        R"("arguments":"{}"}],"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}})";
    const auto stream = stream_of_answer(Endpoint::responses, text, false);
    ASSERT_TRUE(stream);
    EXPECT_EQ(stream->find("[DONE]"), std::string::npos);
    const std::vector<Json> events = events_of(*stream);
    const std::string_view types[] = {"response.created",
                                      "response.in_progress",
                                      "response.output_item.added",
                                      "response.output_item.done",
                                      "response.output_item.added",
                                      "response.content_part.added",
                                      "response.output_text.delta",
                                      "response.output_text.done",
                                      "response.content_part.done",
                                      "response.content_part.added",
                                      "response.refusal.delta",
                                      "response.refusal.done",
                                      "response.content_part.done",
                                      "response.output_item.done",
                                      "response.output_item.added",
                                      "response.function_call_arguments.delta",
                                      "response.function_call_arguments.done",
                                      "response.output_item.done",
                                      "response.incomplete"};
    ASSERT_EQ(events.size(), std::size(types));
    for (std::size_t i = 0; i < events.size(); ++i) {
        EXPECT_EQ(events[i]["type"], types[i]);
        EXPECT_EQ(events[i]["sequence_number"], i);
    }
    EXPECT_EQ(events[0]["response"]["status"], "in_progress");
    EXPECT_EQ(events[0]["response"]["output"], Json::array());
    EXPECT_EQ(events[0]["response"]["usage"], nullptr);
    EXPECT_EQ(events[4]["item"]["content"], Json::array());
    EXPECT_EQ(events[5]["part"]["text"], "");
    EXPECT_EQ(events[6]["delta"], "Hi");
    EXPECT_EQ(events[6]["item_id"], "msg_1");
    EXPECT_EQ(events[6]["output_index"], 1);
    EXPECT_EQ(events[6]["content_index"], 0);
    EXPECT_EQ(events[11]["refusal"], "No");
    EXPECT_EQ(events[11]["content_index"], 1);
    EXPECT_EQ(events[14]["item"]["arguments"], "");
    EXPECT_EQ(events[16]["arguments"], "{}");
    EXPECT_EQ(events.back()["response"], Json::parse(text));
}

TEST(StreamFromAnswer, IsReadByTheScannerLikeTheAnswerItself) {
    SseScanner scanner(Endpoint::chat_completions);
    const auto stream = stream_of_answer(Endpoint::chat_completions, chat_answer, true);
    ASSERT_TRUE(stream);
    EXPECT_EQ(scanner.complete_prefix(*stream), stream->size());
    EXPECT_TRUE(scanner.finished());
    EXPECT_FALSE(scanner.error_seen());
    const AnswerFacts facts = facts_of_answer(Endpoint::chat_completions, chat_answer);
    EXPECT_EQ(scanner.usage(), facts.usage);
    EXPECT_EQ(scanner.output_deltas(), 3);
}

TEST(StreamFromAnswer, LeavesOtherShapesAlone) {
    struct Row {
        std::string_view name;
        Endpoint endpoint;
        std::string_view json;
    };
    const auto chat = Endpoint::chat_completions;
    const Row rows[] = {
        {"an error", chat, R"({"error":{"message":"x"}})"},
        {"no JSON", chat, "<html>"},
        {"an array", chat, "[]"},
        {"no choices", chat, R"({"choices":[]})"},
        {"a choice that is none", chat, R"({"choices":[1]})"},
        {"a choice without a message", chat, R"({"choices":[{"text":"x"}]})"},
        {"a tool call that is none", chat, R"({"choices":[{"message":{"tool_calls":[1]}}]})"},
        {"tool calls that are none", chat, R"({"choices":[{"message":{"tool_calls":{}}}]})"},
        {"a completion without text", Endpoint::completions, R"({"choices":[{"message":{}}]})"},
        {"a response that is not over", Endpoint::responses,
         R"({"status":"in_progress","output":[]})"},
        {"a response without output", Endpoint::responses, R"({"status":"completed"})"},
        {"an item that is none", Endpoint::responses, R"({"status":"completed","output":[1]})"},
        {"embeddings", Endpoint::embeddings, R"({"data":[]})"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(stream_of_answer(row.endpoint, row.json, true), std::nullopt);
    }
}

/// Members with different names, of `bytes` in total.
std::string many_members(std::size_t bytes) {
    std::string out;
    for (int i = 0; out.size() < bytes; ++i) out += "\"k" + std::to_string(i) + "\":1,";
    out.pop_back();
    return out;
}

// A linear look-up of members would take many minutes here: the time-out of the test is the bound.
TEST(StreamFromAnswer, TakesObjectsOfVeryManyMembers) {
    const std::string members = many_members(converted_answer_bytes_max / 2);
    struct Row {
        std::string_view name;
        Endpoint endpoint;
        std::string json;
    };
    const auto chat = Endpoint::chat_completions;
    const Row rows[] = {
        {"an answer", chat, R"({"choices":[{"message":{"content":"x"}}],)" + members + "}"},
        {"a choice", chat, R"({"choices":[{"message":{"content":"x"},)" + members + "}]}"},
        {"a message", chat, R"({"choices":[{"message":{)" + members + "}}]}"},
        {"a tool call", chat, R"({"choices":[{"message":{"tool_calls":[{)" + members + "}]}}]}"},
        {"a completion", Endpoint::completions, R"({"choices":[{"text":"x",)" + members + "}]}"},
        {"a response", Endpoint::responses,
         R"({"status":"completed","output":[],)" + members + "}"},
        {"tools", Endpoint::responses,
         R"({"status":"completed","output":[],"tools":[{)" + members + "}]}"},
        {"an item", Endpoint::responses, R"({"status":"completed","output":[{)" + members + "}]}"},
        {"a part", Endpoint::responses,
         R"({"status":"completed","output":[{"type":"message","content":[{)" + members + "}]}]}"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_TRUE(stream_of_answer(row.endpoint, row.json, true));
    }
}

TEST(StreamFromAnswer, GivesUpWhenTheEventsWouldBeManyTimesTheAnswer) {
    struct Row {
        std::string_view name;
        std::size_t repeats;
        bool is_converted;
    };
    constexpr std::size_t events_bytes_max = 64 * 1024 * 1024;
    const std::string id(1024 * 1024, 'i');
    const auto repeated = [](std::string_view text, std::size_t times) {
        std::string out;
        for (std::size_t i = 0; i < times; ++i) out += (i > 0 ? "," : "") + std::string(text);
        return out;
    };
    // Three chunks for each choice, four events for each part; each of them has the id.
    for (const Row& row : {Row{"below", 15, true}, Row{"above", 100'000, false}}) {
        SCOPED_TRACE(row.name);
        const auto chat =
            stream_of_answer(Endpoint::chat_completions,
                             R"({"id":")" + id + R"(","choices":[)" +
                                 repeated(R"({"message":{"content":"x"}})", row.repeats) + "]}",
                             false);
        EXPECT_EQ(chat.has_value(), row.is_converted);
        const auto response = stream_of_answer(
            Endpoint::responses,
            R"({"status":"completed","output":[{"type":"message","id":")" + id +
                R"(","content":[)" + repeated(R"({"text":"x"})", row.repeats - 3) + "]}]}",
            false);
        EXPECT_EQ(response.has_value(), row.is_converted);
        EXPECT_LT(chat.value_or("").size(), events_bytes_max);
    }
}

}  // namespace
}  // namespace sluicegate::openai
