#include "sluicegate/openai/echo_answer.hpp"

#include "sluicegate/openai/sse_scanner.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::openai {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t created = 1700000000;

Json parsed(const EchoAnswer& answer) {
    EXPECT_EQ(answer.status, 200U);
    EXPECT_FALSE(answer.is_stream);
    EXPECT_EQ(answer.content_type, "application/json");
    return Json::parse(answer.body);
}

/// The data of the events but [DONE], each checked to be a whole event.
std::vector<Json> data_of(const EchoAnswer& answer) {
    EXPECT_EQ(answer.status, 200U);
    EXPECT_TRUE(answer.is_stream);
    EXPECT_EQ(answer.content_type, "text/event-stream; charset=utf-8");
    std::vector<Json> out;
    for (const std::string& event : answer.events) {
        SseScanner scanner(Endpoint::responses);
        EXPECT_EQ(scanner.complete_prefix(event), event.size());
        EXPECT_FALSE(scanner.error_seen());
        const std::size_t data = event.find("data: ") + 6;
        if (event.substr(data) == "[DONE]\n\n") continue;
        out.push_back(Json::parse(event.substr(data)));
    }
    return out;
}

TEST(EchoAnswer, RepeatsTheLastUserMessage) {
    const std::string_view body =
        R"({"model":"echo","messages":[{"role":"system","content":"be brief"},)"
        R"({"role":"user","content":"first"},{"role":"assistant","content":"x"},)"
        R"({"role":"user","content":[{"type":"text","text":"second  question"},)"
        R"({"type":"image_url","image_url":{"url":"u"}}]},{"role":"tool","content":"t"}]})";
    const Json answer = parsed(echo_answer("/chat/completions", body, 0, created));
    EXPECT_EQ(answer["object"], "chat.completion");
    EXPECT_EQ(answer["created"], created);
    EXPECT_EQ(answer["model"], "echo");
    EXPECT_TRUE(answer["id"].get<std::string>().starts_with("chatcmpl-"));
    ASSERT_EQ(answer["choices"].size(), 1U);
    const Json& choice = answer["choices"][0];
    EXPECT_EQ(choice["index"], 0);
    EXPECT_EQ(choice["finish_reason"], "stop");
    EXPECT_EQ(choice["message"],
              Json({{"role", "assistant"}, {"content", "second question"}, {"refusal", nullptr}}));
    EXPECT_EQ(answer["usage"],
              Json({{"prompt_tokens", 7}, {"completion_tokens", 2}, {"total_tokens", 9}}));
}

TEST(EchoAnswer, HasTheConfiguredNumberOfWordsUnlessTheRequestCapsIt) {
    struct Row {
        std::string_view name;
        std::string_view content;
        std::string_view members;
        std::int64_t tokens;
        std::string_view expected;
        std::string_view finish_reason;
    };
    const Row rows[] = {
        {"as it is", "a b c", "", 0, "a b c", "stop"},
        {"cut", "a b c", "", 2, "a b", "stop"},
        {"repeated", "a b", "", 5, "a b a b a", "stop"},
        {"nothing to repeat", " ", "", 2, "echo echo", "stop"},
        {"capped", "a b", R"(,"max_tokens":3)", 5, "a b a", "length"},
        {"capped by the newer name", "a b", R"(,"max_completion_tokens":1)", 5, "a", "length"},
        {"cap at the length", "a b", R"(,"max_tokens":5)", 5, "a b a b a", "stop"},
        {"no cap by -1", "a b", R"(,"max_tokens":-1)", 2, "a b", "stop"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const std::string body = R"({"model":"m","messages":[{"role":"user","content":")" +
                                 std::string(row.content) + "\"}]" + std::string(row.members) + "}";
        const Json answer = parsed(echo_answer("/chat/completions", body, row.tokens, created));
        EXPECT_EQ(answer["choices"][0]["message"]["content"], row.expected);
        EXPECT_EQ(answer["choices"][0]["finish_reason"], row.finish_reason);
    }
}

TEST(EchoAnswer, StreamsAChunkForEveryWord) {
    const std::string body =
        R"({"model":"m","stream":true,"stream_options":{"include_usage":true},)"
        R"("messages":[{"role":"user","content":"say \"é\" twice"}]})";
    const EchoAnswer answer = echo_answer("/chat/completions", body, 0, created);
    const std::vector<Json> chunks = data_of(answer);
    ASSERT_EQ(chunks.size(), 6U);  // role, three words, end, usage
    std::string text;
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(chunks[i]["object"], "chat.completion.chunk");
        EXPECT_EQ(chunks[i]["id"], chunks[0]["id"]);
        EXPECT_EQ(chunks[i]["usage"], Json());
        EXPECT_TRUE(chunks[i].contains("usage"));
        text += chunks[i]["choices"][0]["delta"].value("content", "");
        EXPECT_EQ(chunks[i]["choices"][0]["finish_reason"], i == 4 ? Json("stop") : Json());
    }
    EXPECT_EQ(text, "say \"é\" twice");
    EXPECT_EQ(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    EXPECT_EQ(chunks[5]["choices"], Json::array());
    EXPECT_EQ(chunks[5]["usage"]["total_tokens"], 6);
    EXPECT_EQ(answer.events.back(), "data: [DONE]\n\n");
}

TEST(EchoAnswer, SendsUsageOnlyWhenAsked) {
    const EchoAnswer answer = echo_answer(
        "/chat/completions",
        R"({"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]})", 0, created);
    for (const Json& chunk : data_of(answer)) {
        EXPECT_FALSE(chunk.contains("usage"));
        EXPECT_EQ(chunk["choices"].size(), 1U);
    }
}

TEST(EchoAnswer, AnswersEveryChoiceAndPromptOfACompletion) {
    const Json answer = parsed(echo_answer(
        "/completions", R"({"model":"m","prompt":["one two","three"],"n":2})", 0, created));
    EXPECT_EQ(answer["object"], "text_completion");
    ASSERT_EQ(answer["choices"].size(), 4U);
    EXPECT_EQ(answer["choices"][1]["text"], "one two");
    EXPECT_EQ(answer["choices"][3]["text"], "three");
    EXPECT_EQ(answer["choices"][3]["index"], 3);
    EXPECT_EQ(answer["usage"]["prompt_tokens"], 3);
    EXPECT_EQ(answer["usage"]["completion_tokens"], 6);

    const Json tokens =
        parsed(echo_answer("/completions", R"({"model":"m","prompt":[1,2,3]})", 0, created));
    EXPECT_EQ(tokens["choices"][0]["text"], "echo");
    EXPECT_EQ(tokens["usage"]["prompt_tokens"], 3);

    const EchoAnswer streamed = echo_answer(
        "/completions", R"({"model":"m","prompt":"one two","stream":true})", 0, created);
    std::string text;
    for (const Json& chunk : data_of(streamed)) {
        text += chunk["choices"][0]["text"].get<std::string>();
    }
    EXPECT_EQ(text, "one two");
    EXPECT_EQ(streamed.events.back(), "data: [DONE]\n\n");
}

TEST(EchoAnswer, AnswersResponses) {
    const Json answer = parsed(
        echo_answer("/responses",
                    R"({"model":"m","instructions":"be brief","input":[{"role":"user","content":)"
                    R"([{"type":"input_text","text":"hello there"}]}]})",
                    0, created));
    EXPECT_EQ(answer["object"], "response");
    EXPECT_EQ(answer["status"], "completed");
    EXPECT_EQ(answer["error"], Json());
    EXPECT_EQ(answer["instructions"], "be brief");
    ASSERT_EQ(answer["output"].size(), 1U);
    const Json& item = answer["output"][0];
    EXPECT_EQ(item["type"], "message");
    EXPECT_EQ(item["role"], "assistant");
    EXPECT_EQ(item["status"], "completed");
    EXPECT_EQ(item["content"], Json::array({{{"type", "output_text"},
                                             {"text", "hello there"},
                                             {"annotations", Json::array()},
                                             {"logprobs", Json::array()}}}));
    EXPECT_EQ(answer["usage"], Json({{"input_tokens", 4},
                                     {"input_tokens_details", {{"cached_tokens", 0}}},
                                     {"output_tokens", 2},
                                     {"output_tokens_details", {{"reasoning_tokens", 0}}},
                                     {"total_tokens", 6}}));

    const Json cut = parsed(echo_answer(
        "/responses", R"({"model":"m","input":"a b","max_output_tokens":1})", 0, created));
    EXPECT_EQ(cut["status"], "incomplete");
    EXPECT_EQ(cut["incomplete_details"], Json({{"reason", "max_output_tokens"}}));
    EXPECT_EQ(cut["output"][0]["status"], "incomplete");
}

TEST(EchoAnswer, StreamsTheWholeSequenceOfAResponse) {
    const EchoAnswer answer = echo_answer(
        "/responses", R"({"model":"m","input":"hello there","stream":true})", 0, created);
    const std::vector<Json> events = data_of(answer);
    const std::string_view types[] = {
        "response.created",           "response.in_progress",
        "response.output_item.added", "response.content_part.added",
        "response.output_text.delta", "response.output_text.delta",
        "response.output_text.done",  "response.content_part.done",
        "response.output_item.done",  "response.completed",
    };
    ASSERT_EQ(events.size(), std::size(types));
    SseScanner scanner(Endpoint::responses);
    std::string text;
    for (std::size_t i = 0; i < events.size(); ++i) {
        SCOPED_TRACE(types[i]);
        EXPECT_EQ(events[i]["type"], types[i]);
        EXPECT_EQ(events[i]["sequence_number"], i);
        EXPECT_TRUE(answer.events[i].starts_with("event: " + std::string(types[i]) + "\ndata: {"));
        if (types[i] == "response.output_text.delta") {
            text += events[i]["delta"].get<std::string>();
            EXPECT_EQ(events[i]["item_id"], events[2]["item"]["id"]);
            EXPECT_EQ(events[i]["output_index"], 0);
            EXPECT_EQ(events[i]["content_index"], 0);
        }
        EXPECT_FALSE(scanner.finished());
        (void)scanner.complete_prefix(answer.events[i]);
    }
    EXPECT_TRUE(scanner.finished());
    EXPECT_EQ(scanner.last_sequence_number(), 9);
    EXPECT_EQ(text, "hello there");
    EXPECT_EQ(events[0]["response"]["status"], "in_progress");
    EXPECT_EQ(events[0]["response"]["usage"], Json());
    EXPECT_EQ(events[6]["text"], "hello there");
    EXPECT_EQ(events[9]["response"]["status"], "completed");
    EXPECT_EQ(events[9]["response"]["output"][0], events[8]["item"]);
    EXPECT_EQ(events[9]["response"]["usage"]["total_tokens"], 4);

    const EchoAnswer cut = echo_answer(
        "/responses", R"({"model":"m","input":"a b","stream":true,"max_output_tokens":1})", 0,
        created);
    EXPECT_TRUE(cut.events.back().starts_with("event: response.incomplete\n"));
}

TEST(EchoAnswer, GivesUnitVectorsThatDependOnTheInputOnly) {
    const auto embedded = [](std::string_view members) {
        return parsed(echo_answer("/embeddings", R"({"model":"m",)" + std::string(members) + "}",
                                  16, created));
    };
    const Json two = embedded(R"("input":["a","b"])");
    EXPECT_EQ(two["object"], "list");
    ASSERT_EQ(two["data"].size(), 2U);
    EXPECT_EQ(two["data"][1]["index"], 1);
    EXPECT_EQ(two["data"][1]["object"], "embedding");
    EXPECT_EQ(two["usage"], Json({{"prompt_tokens", 2}, {"total_tokens", 2}}));
    const auto numbers = two["data"][0]["embedding"].get<std::vector<double>>();
    EXPECT_EQ(numbers.size(), 256U);
    double squares = 0;
    for (const double number : numbers) squares += number * number;
    EXPECT_NEAR(squares, 1.0, 1e-5);
    EXPECT_NE(two["data"][0]["embedding"], two["data"][1]["embedding"]);
    EXPECT_EQ(embedded(R"("input":"a")")["data"][0]["embedding"], two["data"][0]["embedding"]);
    EXPECT_EQ(embedded(R"("input":[1,2])")["data"].size(), 1U);
    EXPECT_EQ(embedded(R"("input":[[1,2],[3]])")["usage"]["prompt_tokens"], 3);
    EXPECT_EQ(embedded(R"("input":"a","dimensions":3)")["data"][0]["embedding"].size(), 3U);
}

TEST(EchoAnswer, PacksVectorsAsTheSdksUnpackThem) {
    for (const int dimensions : {1, 2, 3}) {
        SCOPED_TRACE(dimensions);
        const std::string members =
            R"({"model":"m","input":"a","dimensions":)" + std::to_string(dimensions);
        const Json plain = parsed(echo_answer("/embeddings", members + "}", 16, created));
        const Json packed = parsed(
            echo_answer("/embeddings", members + R"(,"encoding_format":"base64"})", 16, created));
        const auto text = packed["data"][0]["embedding"].get<std::string>();
        std::string bytes;
        std::uint32_t bits = 0;
        int count = 0;
        for (const char c : text) {
            if (c == '=') break;
            const std::string_view digits =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            bits = bits << 6 | static_cast<std::uint32_t>(digits.find(c));
            count += 6;
            if (count < 8) continue;
            count -= 8;
            bytes += static_cast<char>(bits >> count & 0xFF);
        }
        ASSERT_EQ(text.size() % 4, 0U);
        ASSERT_EQ(bytes.size(), static_cast<std::size_t>(dimensions) * 4);
        for (int i = 0; i < dimensions; ++i) {
            float number = 0;
            std::memcpy(&number, bytes.data() + 4 * i, 4);
            EXPECT_EQ(number, plain["data"][0]["embedding"][static_cast<std::size_t>(i)]);
        }
    }
}

TEST(EchoAnswer, ListsItsOneModel) {
    const Json list = parsed(echo_answer("/models", "", 16, created));
    EXPECT_EQ(list["object"], "list");
    EXPECT_EQ(list["data"][0]["id"], "echo");
}

TEST(EchoAnswer, RefusesBadRequestsInTheShapeOfTheApi) {
    struct Row {
        std::string_view name;
        std::string_view path;
        std::string body;
        std::string_view param;
    };
    const std::string_view chat = "/chat/completions";
    const std::string hello = R"("messages":[{"role":"user","content":"x"}])";
    const Row rows[] = {
        {"not JSON", chat, "{", ""},
        {"not an object", chat, "[]", ""},
        {"too deep", chat, std::string(100'000, '['), ""},
        {"no model", chat, "{" + hello + "}", "model"},
        {"no messages", chat, R"({"model":"m"})", "messages"},
        {"empty messages", chat, R"({"model":"m","messages":[]})", "messages"},
        {"message a string", chat, R"({"model":"m","messages":["x"]})", "messages"},
        {"message without a role", chat, R"({"model":"m","messages":[{}]})", "messages"},
        {"cap 0", chat, R"({"model":"m","max_tokens":0,)" + hello + "}", "max_tokens"},
        {"cap text", chat, R"({"model":"m","max_tokens":"1",)" + hello + "}", "max_tokens"},
        {"n 0", chat, R"({"model":"m","n":0,)" + hello + "}", "n"},
        {"n 129", chat, R"({"model":"m","n":129,)" + hello + "}", "n"},
        {"stream text", chat, R"({"model":"m","stream":"yes",)" + hello + "}", "stream"},
        {"no prompt", "/completions", R"({"model":"m"})", "prompt"},
        {"prompt mixed", "/completions", R"({"model":"m","prompt":["a",{}]})", "prompt"},
        {"no input", "/responses", R"({"model":"m"})", "input"},
        {"input of numbers", "/responses", R"({"model":"m","input":[1]})", "input"},
        {"cap of a response", "/responses", R"({"model":"m","input":"x","max_output_tokens":0})",
         "max_output_tokens"},
        {"no embedding input", "/embeddings", R"({"model":"m"})", "input"},
        {"empty text", "/embeddings", R"({"model":"m","input":""})", "input"},
        {"empty array", "/embeddings", R"({"model":"m","input":[]})", "input"},
        {"format", "/embeddings", R"({"model":"m","input":"x","encoding_format":"x"})",
         "encoding_format"},
        {"dimensions 0", "/embeddings", R"({"model":"m","input":"x","dimensions":0})",
         "dimensions"},
        {"dimensions 4097", "/embeddings", R"({"model":"m","input":"x","dimensions":4097})",
         "dimensions"},
        {"dimensions text", "/embeddings", R"({"model":"m","input":"x","dimensions":"8"})",
         "dimensions"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const EchoAnswer answer = echo_answer(row.path, row.body, 16, created);
        EXPECT_EQ(answer.status, 400U);
        EXPECT_FALSE(answer.is_stream);
        const Json error = Json::parse(answer.body)["error"];
        EXPECT_EQ(error["type"], "invalid_request_error");
        EXPECT_EQ(error["param"], row.param.empty() ? Json() : Json(row.param));
    }
    const EchoAnswer unknown = echo_answer("/audio/speech", "{}", 16, created);
    EXPECT_EQ(unknown.status, 404U);
    EXPECT_EQ(Json::parse(unknown.body)["error"]["code"], "unknown_url");
}

TEST(EchoAnswer, BoundsItsOwnSize) {
    const auto chat = [](std::string_view content, std::string_view members, std::int64_t tokens) {
        return echo_answer("/chat/completions",
                           R"({"model":"m","messages":[{"role":"user","content":")" +
                               std::string(content) + "\"}]" + std::string(members) + "}",
                           tokens, created);
    };
    const Json many = parsed(chat("x", "", 1'000'000'000));
    EXPECT_EQ(many["usage"]["completion_tokens"], 10'000);
    EXPECT_EQ(many["choices"][0]["finish_reason"], "length");
    EXPECT_LT(chat("x", R"(,"n":128)", 1'000'000'000).body.size(), 100'000U);
    EXPECT_LT(chat(std::string(1 << 20, 'w'), "", 1000).body.size(), 10U << 20);
    EXPECT_LT(chat(std::string(1 << 20, 'w'), R"(,"n":128)", 1000).body.size(), 10U << 20);
    EXPECT_LT(chat("x", R"(,"n":128,"stream":true)", 1'000'000'000).events.size(), 11'000U);
}

TEST(EchoAnswer, TakesRequestsUpToItsBound) {
    const std::string start = R"({"model":"echo","messages":[{"role":"user","content":")";
    const std::string end = "\"}]}";
    const std::string text(echo_request_bytes_max - start.size() - end.size(), ' ');
    EXPECT_EQ(echo_answer("/chat/completions", start + text + end, 1, created).status, 200U);
    const EchoAnswer refused =
        echo_answer("/chat/completions", start + text + " " + end, 1, created);
    EXPECT_EQ(refused.status, 400U);
    EXPECT_NE(refused.body.find("1 MiB"), std::string::npos) << refused.body;
}

// A linear look-up of members would take minutes for each endpoint: the time-out of the test is the
// bound.
TEST(EchoAnswer, TakesObjectsOfVeryManyMembers) {
    std::string members;
    for (int i = 0; members.size() < echo_request_bytes_max - 1024; ++i) {
        members += ",\"" + std::to_string(i) + "\":1";
    }
    const std::string start = R"({"model":"echo","prompt":"x","input":"x",)";
    const std::string in_root =
        start + R"("messages":[{"role":"user","content":"x"}])" + members + "}";
    const std::string in_message =
        start + R"("messages":[{"role":"user","content":"x")" + members + "}]}";
    for (const std::string& body : {in_root, in_message}) {
        for (const std::string_view path :
             {"/chat/completions", "/completions", "/responses", "/embeddings"}) {
            for (int i = 0; i < 3; ++i) {
                EXPECT_EQ(echo_answer(path, body, 0, created).status, 200U) << path;
            }
        }
    }
}

}  // namespace
}  // namespace sluicegate::openai
