#include "sluicegate/openai/likely_cause.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace sluicegate::openai {
namespace {

bool cause_names(std::string_view path, std::string_view word) {
    return likely_cause(path).find(word) != std::string_view::npos;
}

TEST(LikelyCause, NamesTheApiThatTheUrlBelongsTo) {
    struct Row {
        std::string_view path;
        std::string_view word;
    };
    const Row rows[] = {
        {"/v1/messages", "Anthropic"},
        {"/messages", "Anthropic"},
        {"//v1//messages", ""},
        {"/v1/messages/count_tokens", "Anthropic"},
        {"/v1/messages/batches", "Anthropic"},
        {"/v1/complete", "Anthropic"},
        {"/v1beta/models/gemini-2.0-flash:generateContent", "Gemini"},
        {"/v1beta/models", "Gemini"},
        {"/v1alpha/models/g:streamGenerateContent", "Gemini"},
        {"/v1/models/g:embedContent", "Gemini"},
        {"/v1beta/openai/chat/completions", "Gemini"},
        {"/v1/files", "Files"},
        {"/v1/files/file-1/content", "Files"},
        {"/files", "Files"},
        {"/openai/v1/files", "Files"},
        {"/v1/uploads", "Files"},
        {"/v1/batches", "Batches"},
        {"/v1/batches/b_1/cancel", "Batches"},
        {"/v1/realtime", "realtime"},
        {"/v1/realtime/client_secrets", "realtime"},
        {"/v1/responses/resp_1", "by their id"},
        {"/v1/responses/resp_1/input_items", "by their id"},
        {"/v1/chat/completions/chatcmpl-1", "by their id"},
        {"/v1/conversations/c/items", "no such resources"},
        {"/v1/assistants", "no such resources"},
        {"/v1/threads/t/runs", "no such resources"},
        {"/v1/vector_stores", "no such resources"},
        {"/v1/fine_tuning/jobs", "Fine-tuning"},
        {"/v1/organization/usage/completions", "administration"},
        {"/v1/engines/davinci/completions", "engines"},
        {"/v1/v1/chat/completions", "/v1 twice"},
        {"/v1/v1/models", "/v1 twice"},
        {"/v1/v1", "/v1 twice"},
        {"/v1/chat/completions/chat/completions", "endpoint twice"},
        {"/v1/chat/completions/v1/models", "endpoint twice"},
        {"/chat/completions/embeddings", "endpoint twice"},
        {"/api/chat", "Ollama"},
        {"/api/tags", "Ollama"},
        {"/openai/deployments/m/extensions/chat", "deployments"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.path);
        EXPECT_TRUE(cause_names(row.path, row.word)) << likely_cause(row.path);
    }
}

TEST(LikelyCause, SaysNothingWhereItKnowsNothing) {
    for (const std::string_view path :
         {"", "/", "/v1", "/v2/models", "/metrics", "/filesystem", "/v1/messagesx", "/v1betas",
          "/api", "/v1/chat", "*", "/x/v1/messages"}) {
        SCOPED_TRACE(path);
        EXPECT_EQ(likely_cause(path), "");
    }
}

}  // namespace
}  // namespace sluicegate::openai
