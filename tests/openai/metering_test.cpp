#include "sluicegate/openai/metering.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace sluicegate::openai {
namespace {

Inspection inspected_valid(Endpoint endpoint, std::string body) {
    const std::size_t size = body.size();
    body.resize(size + body_padding);
    auto found = inspect_json(endpoint, body.data(), size);
    EXPECT_TRUE(found) << body;
    return found ? std::move(*found) : Inspection{};
}

std::string with_model(std::string_view members) {
    return R"({"model":"m",)" + std::string(members) + "}";
}

TEST(Metering, ReservesWhatTheRequestAllows) {
    struct Row {
        std::string_view name;
        Endpoint endpoint;
        std::string_view members;
        std::int64_t stated;
        bool is_open;
        std::int64_t answers;
    };
    const Row rows[] = {
        {"open", Endpoint::chat_completions, R"("messages":[])", 0, true, 1},
        {"capped", Endpoint::chat_completions, R"("max_tokens":10)", 10, false, 1},
        {"capped at nothing", Endpoint::chat_completions, R"("max_tokens":0)", 0, false, 1},
        {"the larger cap", Endpoint::chat_completions,
         R"("max_tokens":10,"max_completion_tokens":20)", 20, false, 1},
        {"a cap of another endpoint", Endpoint::chat_completions, R"("max_output_tokens":1)", 0,
         true, 1},
        {"no limit", Endpoint::chat_completions, R"("max_tokens":-1,"n":2)", 0, true, 2},
        {"choices", Endpoint::chat_completions, R"("max_tokens":10,"n":3)", 30, false, 3},
        {"best_of", Endpoint::completions, R"("max_tokens":10,"n":3,"best_of":5)", 50, false, 5},
        {"prompts", Endpoint::completions, R"("max_tokens":10,"n":2,"prompt":["a","b","c"])", 60,
         false, 6},
        {"token ids are one prompt", Endpoint::completions, R"("max_tokens":10,"prompt":[1,2,3])",
         10, false, 1},
        {"lists of token ids", Endpoint::completions, R"("max_tokens":10,"prompt":[[1,2],[3]])", 20,
         false, 2},
        {"no prompts", Endpoint::completions, R"("max_tokens":10,"prompt":[])", 10, false, 1},
        {"prompts of another endpoint", Endpoint::chat_completions,
         R"("max_tokens":10,"prompt":["a","b"])", 10, false, 1},
        {"response", Endpoint::responses, R"("max_output_tokens":10,"n":5)", 10, false, 1},
        {"a cap that responses ignore", Endpoint::responses, R"("max_tokens":1)", 0, true, 1},
        {"embeddings", Endpoint::embeddings, R"("max_tokens":10,"n":2)", 0, false, 1},
        {"images", Endpoint::images_generations, R"("n":4)", 0, true, 4},
        {"moderations", Endpoint::moderations, R"("n":4)", 0, false, 1},
        {"too much", Endpoint::chat_completions, R"("max_tokens":1000000000000,"n":128)",
         output_cap_max, false, 128},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const TokenDemand demand =
            token_demand(row.endpoint, inspected_valid(row.endpoint, with_model(row.members)));
        EXPECT_EQ(demand.stated_output, row.stated);
        EXPECT_EQ(demand.is_output_open, row.is_open);
        EXPECT_EQ(demand.answers, row.answers);
    }
}

TEST(Metering, LeavesOutWhatCostsNoTokens) {
    const Inspection request =
        inspected_valid(Endpoint::moderations, with_model(R"("input":"a long text")"));
    EXPECT_EQ(token_demand(Endpoint::moderations, request).prompt, 0);
    EXPECT_FALSE(metering_of(Endpoint::moderations).counts_tokens);
    EXPECT_FALSE(metering_of(Endpoint::models_list).counts_tokens);
    EXPECT_TRUE(metering_of(Endpoint::embeddings).counts_tokens);
    EXPECT_FALSE(metering_of(Endpoint::embeddings).has_output);
}

TEST(Metering, EstimatesAPromptByWhatItIsMadeOf) {
    const std::string text(4000, 'x');
    std::string words;
    while (words.size() < 4000) words += "a word ";
    const std::string picture(1'000'000, 'A');
    struct Row {
        std::string_view name;
        Endpoint endpoint;
        std::string members;
        std::int64_t low;
        std::int64_t high;
    };
    const auto chat = Endpoint::chat_completions;
    const Row rows[] = {
        {"words", chat, R"("messages":[{"role":"user","content":")" + words + R"("}])", 1000, 1010},
        {"a message", chat, R"("messages":[{"role":"user","content":"Hello, how are you?"}])", 8,
         14},
        {"other members", chat, R"("temperature":0.7,"messages":[])", 1, 6},
        {"token ids", Endpoint::embeddings, R"("input":[1,2,3,4,5,6,7,8,9,10])", 10, 12},
        {"texts", Endpoint::embeddings, R"("input":["abcd","efgh"])", 2, 4},
        {"prompt", Endpoint::completions, R"("prompt":["abcd","efgh"])", 2, 4},
        {"data URL", chat,
         R"("messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":)"
         R"("data:image/png;base64,)" +
             picture + R"("}}]}])",
         media_part_tokens, media_part_tokens + 20},
        {"small data URL", chat,
         R"("messages":[{"content":[{"image_url":{"url":"data:image/gif;base64,AAAA"}}]}])",
         media_part_tokens, media_part_tokens + 10},
        {"two pictures by address", chat,
         R"("messages":[{"content":[{"image_url":{"detail":"low","url":"https://a.example/1"}},)"
         R"({"image_url":{"url":"https://a.example/2"}}]}])",
         2 * media_part_tokens, 2 * media_part_tokens + 25},
        {"picture of a response", Endpoint::responses,
         R"("input":[{"content":[{"type":"input_image","image_url":"https://a.example/1"}]}])",
         media_part_tokens, media_part_tokens + 20},
        {"a tool with such a parameter", chat,
         R"("tools":[{"parameters":{"image_url":{"type":"string","description":)"
         R"("A sentence about it"}}},{"description":"http is a protocol"}])",
         15, 40},
        {"sound", chat,
         R"("messages":[{"content":[{"input_audio":{"format":"wav","data":")" + picture +
             R"("}}]}])",
         media_part_tokens, media_part_tokens + 20},
        {"file", Endpoint::responses,
         R"("input":[{"content":[{"type":"input_file","file_data":"data:application/pdf;base64,)" +
             picture + R"("}]}])",
         media_part_tokens, media_part_tokens + 20},
        {"long text that begins like a data URL", chat,
         R"("messages":[{"content":"data: )" + words + R"("}])", 1000, 1010},
        {"escaped characters", chat, R"("messages":[{"content":"\u6f22\u6f22\u6f22\u6f22"}])", 4,
         12},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const std::int64_t tokens =
            estimate_prompt_tokens(inspected_valid(row.endpoint, with_model(row.members)));
        EXPECT_GE(tokens, row.low);
        EXPECT_LE(tokens, row.high);
    }
}

TEST(Metering, EstimatesFormsByTheirFiles) {
    const auto part = [](std::string_view name, std::string_view value, bool is_file) {
        return "--b\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"" +
               (is_file ? "; filename=\"f\"" : "") + "\r\n\r\n" + std::string(value) + "\r\n";
    };
    const std::string body = part("file", std::string(160'000, 'x'), true) +
                             part("prompt", "abcdefgh", false) + part("model", "m", false) +
                             "--b--\r\n";
    constexpr std::string_view type = "multipart/form-data; boundary=b";
    const auto sound = inspect_multipart(Endpoint::audio_transcriptions, type, body);
    ASSERT_TRUE(sound);
    EXPECT_EQ(estimate_prompt_tokens(*sound), 160'000 / audio_bytes_per_token + 3);
    EXPECT_TRUE(token_demand(Endpoint::audio_transcriptions, *sound).is_output_open);
    const auto picture = inspect_multipart(Endpoint::images_edits, type, body);
    ASSERT_TRUE(picture);
    EXPECT_EQ(estimate_prompt_tokens(*picture), media_part_tokens + 3);
}

TEST(Metering, CountsTextRoundedUp) {
    EXPECT_EQ(tokens_of_text(0), 0);
    EXPECT_EQ(tokens_of_text(1), 1);
    EXPECT_EQ(tokens_of_text(4), 1);
    EXPECT_EQ(tokens_of_text(5), 2);
}

}  // namespace
}  // namespace sluicegate::openai
