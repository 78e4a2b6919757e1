#include "sluicegate/openai/answer_facts.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluicegate::openai {
namespace {

std::optional<Usage> usage_of(std::string_view usage,
                              Endpoint endpoint = Endpoint::chat_completions) {
    return facts_of_answer(endpoint, R"({"id":"x","usage":)" + std::string(usage) + "}").usage;
}

TEST(Usage, ReadsEveryShape) {
    struct Row {
        std::string_view name;
        std::string_view usage;
        std::optional<Usage> expected;
    };
    const Row rows[] = {
        {"chat",
         R"({"prompt_tokens":5,"completion_tokens":7,"total_tokens":12,)"
         R"("prompt_tokens_details":{"cached_tokens":3,"audio_tokens":0},)"
         R"("completion_tokens_details":{"reasoning_tokens":4}})",
         Usage{.input = 5, .output = 7, .total = 12, .cached_input = 3, .reasoning = 4}},
        {"details null",
         R"({"prompt_tokens":5,"completion_tokens":7,"prompt_tokens_details":null})",
         Usage{.input = 5, .output = 7, .total = 12}},
        {"response",
         R"({"input_tokens":5,"input_tokens_details":{"cached_tokens":2,)"
         R"("cache_write_tokens":1},"output_tokens":7,)"
         R"("output_tokens_details":{"reasoning_tokens":6},"total_tokens":12})",
         Usage{.input = 5,
               .output = 7,
               .total = 12,
               .cached_input = 2,
               .cache_write = 1,
               .reasoning = 6}},
        {"embeddings", R"({"prompt_tokens":8,"total_tokens":8})", Usage{.input = 8, .total = 8}},
        {"rerank", R"({"total_tokens":8})",
         Usage{.input = 8, .total = 8, .is_input_derived = true}},
        {"output by the total", R"({"prompt_tokens":5,"completion_tokens":null,"total_tokens":12})",
         Usage{.input = 5, .output = 7, .total = 12}},
        {"transcription by tokens",
         R"({"type":"tokens","input_tokens":5,"input_token_details":{"audio_tokens":5},)"
         R"("output_tokens":7,"total_tokens":12})",
         Usage{.input = 5, .output = 7, .total = 12}},
        {"transcription by seconds", R"({"type":"duration","seconds":2.5})",
         Usage{.audio_ms = 2500}},
        {"Anthropic's",
         R"({"input_tokens":2,"cache_creation_input_tokens":3,)"
         R"("cache_read_input_tokens":4,"output_tokens":7})",
         Usage{.input = 9, .output = 7, .total = 16, .cached_input = 4, .cache_write = 3}},
        {"Anthropic's names in OpenAI's shape",
         R"({"prompt_tokens":9,"cache_read_input_tokens":4,"completion_tokens":1})",
         Usage{.input = 9, .output = 1, .total = 10, .cached_input = 4}},
        {"DeepSeek", R"({"prompt_tokens":9,"prompt_cache_hit_tokens":4,"completion_tokens":1})",
         Usage{.input = 9, .output = 1, .total = 10, .cached_input = 4}},
        {"thoughts in the total only",
         R"({"prompt_tokens":5,"completion_tokens":7,"total_tokens":112})",
         Usage{.input = 5, .output = 7, .total = 112}},
        {"spaced", "{ \"prompt_tokens\" : 5 ,\n\"completion_tokens\":\t7 }",
         Usage{.input = 5, .output = 7, .total = 12}},
        {"null", "null", {}},
        {"empty", "{}", {}},
        {"an array", "[5,7]", {}},
        {"a string", R"("{\"prompt_tokens\":5}")", {}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(usage_of(row.usage), row.expected);
    }
}

TEST(Usage, BoundsNumbersOfEveryKind) {
    struct Row {
        std::string_view name;
        std::string_view number;
        std::optional<std::int64_t> expected;
    };
    const Row rows[] = {
        {"zero", "0", 0},
        {"the largest", "1000000000", usage_max},
        {"larger", "1000000001", usage_max},
        {"huge", "99999999999999999999999999", usage_max},
        {"beyond a double", "1e999", usage_max},
        {"below a double", "1e-999", 0},
        {"whole float", "12.0", 12},
        {"fraction", "12.01", 13},
        {"exponent", "1.2e1", 12},
        {"digits in a string", R"("12")", 12},
        {"negative", "-1", {}},
        {"negative zero", "-0", {}},
        {"very negative", "-1e999", {}},
        {"text", R"("many")", {}},
        {"empty text", R"("")", {}},
        {"infinity in a string", R"("inf")", {}},
        {"true", "true", {}},
        {"null", "null", {}},
        {"an object", "{}", {}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto usage = usage_of(R"({"completion_tokens":)" + std::string(row.number) + "}");
        ASSERT_EQ(usage.has_value(), row.expected.has_value());
        EXPECT_EQ(usage ? usage->output : -1, row.expected.value_or(-1));
    }
    EXPECT_EQ(usage_of(R"({"prompt_tokens":1e10,"completion_tokens":1e10,"total_tokens":1e10})"),
              (Usage{.input = usage_max, .output = usage_max, .total = usage_max}));
    EXPECT_EQ(usage_of(R"({"input_tokens":1e9,"cache_read_input_tokens":1e9,"output_tokens":1e9})"),
              (Usage{.input = usage_max,
                     .output = usage_max,
                     .total = usage_max,
                     .cached_input = usage_max}));
}

TEST(Usage, NeverHasMoreInAPartThanInTheWhole) {
    EXPECT_EQ(usage_of(R"({"prompt_tokens":5,"completion_tokens":7,"total_tokens":1,)"
                       R"("prompt_tokens_details":{"cached_tokens":50,"cache_write_tokens":60},)"
                       R"("completion_tokens_details":{"reasoning_tokens":70}})"),
              (Usage{.input = 5,
                     .output = 7,
                     .total = 12,
                     .cached_input = 5,
                     .cache_write = 5,
                     .reasoning = 7}));
}

TEST(Usage, IsTheOneAtTheTop) {
    const auto found = facts_of_answer(
        Endpoint::responses,
        R"({"metadata":{"usage":{"input_tokens":1}},"tools":[{"usage":{"output_tokens":1}}],)"
        R"("text":"\"usage\":{\"input_tokens\":2}","usage":{"input_tokens":5,"output_tokens":7}})");
    EXPECT_EQ(found.usage, (Usage{.input = 5, .output = 7, .total = 12}));
    EXPECT_EQ(facts_of_answer(Endpoint::responses, R"({"x":[{"usage":{"input_tokens":1}}]})").usage,
              std::nullopt);
}

TEST(Usage, IsFoundWhereverItStands) {
    for (const char* text :
         {R"({"choices":[{"message":{},"usage":{"prompt_tokens":5,"completion_tokens":7}}]})",
          R"({"choices":[{"message":{},"usage":{"prompt_tokens":5,"completion_tokens":3}},)"
          R"({"message":{},"usage":{"prompt_tokens":5,"completion_tokens":4}}]})",
          R"({"choices":[],"x_groq":{"usage":{"prompt_tokens":5,"completion_tokens":7}}})",
          R"({"usage":{"prompt_tokens":0,"completion_tokens":0},"choices":[{"message":{},)"
          R"("usage":{"prompt_tokens":5,"completion_tokens":7}}]})"}) {
        SCOPED_TRACE(text);
        EXPECT_EQ(facts_of_answer(Endpoint::chat_completions, text).usage,
                  (Usage{.input = 5, .output = 7, .total = 12}));
    }
}

TEST(Usage, IsReadBehindABrokenCharacter) {
    const std::string answer =
        "{\"choices\":[{\"message\":{\"content\":\"\xF0\x9F\"}}],"
        "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7}}";
    EXPECT_EQ(facts_of_answer(Endpoint::chat_completions, answer).usage,
              (Usage{.input = 5, .output = 7, .total = 12}));
    const std::string cut = answer.substr(0, answer.size() - 4);
    EXPECT_EQ(facts_of_answer(Endpoint::chat_completions, cut).usage, std::nullopt);
}

TEST(AnswerFacts, HaveTheReasonAndTheSizeOfTheText) {
    struct Row {
        std::string_view name;
        Endpoint endpoint;
        std::string_view body;
        std::string_view reason;
        std::int64_t bytes;
    };
    const Row rows[] = {
        {"chat", Endpoint::chat_completions,
         R"({"choices":[{"message":{"role":"assistant","content":"four"},"finish_reason":"stop"}]})",
         "stop", 4},
        {"two choices", Endpoint::chat_completions,
         R"({"choices":[{"message":{"content":"ab"},"finish_reason":"length"},)"
         R"({"message":{"content":"cd"},"finish_reason":"stop"}]})",
         "length", 4},
        {"tool call and reasoning", Endpoint::chat_completions,
         R"({"choices":[{"message":{"content":null,"reasoning_content":"abc","tool_calls":[{)"
         R"("function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]})",
         "tool_calls", 5},
        {"completion", Endpoint::completions,
         R"({"choices":[{"text":"abc","finish_reason":null}]})", "", 3},
        {"response", Endpoint::responses,
         R"({"status":"completed","output":[{"content":[{"type":"output_text","text":"abc"}]},)"
         R"({"type":"function_call","arguments":"{}"}],"text":{"format":{"type":"text"}}})",
         "completed", 5},
        {"incomplete response", Endpoint::responses,
         R"({"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},)"
         R"("output":[]})",
         "max_output_tokens", 0},
        {"transcription", Endpoint::audio_transcriptions, R"({"text":"abcd"})", "", 4},
        {"Anthropic's", Endpoint::chat_completions,
         R"({"content":[{"type":"text","text":"ab"}],"stop_reason":"end_turn"})", "end_turn", 2},
        {"embeddings", Endpoint::embeddings, R"({"data":[{"embedding":[0.1,-2]}]})", "", 0},
        {"a reason that is no word", Endpoint::chat_completions,
         R"({"choices":[{"finish_reason":"<script>"}]})", "", 0},
        {"no object", Endpoint::chat_completions, R"([{"choices":[]}])", "", 0},
        {"cut off", Endpoint::chat_completions, R"({"choices":[{"finish_reason":"sto)", "", 0},
        {"cut off behind a key", Endpoint::chat_completions, R"({"choices":)", "", 0},
        {"empty", Endpoint::chat_completions, "", "", 0},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const AnswerFacts facts = facts_of_answer(row.endpoint, row.body);
        EXPECT_EQ(facts.finish_reason, row.reason);
        EXPECT_EQ(facts.output_bytes, row.bytes);
        EXPECT_EQ(facts.usage, std::nullopt);
    }
}

}  // namespace
}  // namespace sluicegate::openai
