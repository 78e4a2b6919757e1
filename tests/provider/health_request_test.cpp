#include "sluicegate/provider/health_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluicegate::provider {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

config::Upstream provider(config::HealthCheck check) {
    config::Upstream upstream;
    upstream.endpoints = {{.tls = false, .host = "gpu", .port = 8000, .path_prefix = "/v1"}};
    upstream.api_key = Secret("sk-provider");
    upstream.health = std::move(check);
    return upstream;
}

TEST(HealthRequest, AsksForAPathOfTheServer) {
    const config::Upstream upstream = provider({.path = "/health", .model = ""});
    EXPECT_EQ(health_method(*upstream.health), http::Method::get);
    const Secret request = health_request(upstream, 0);
    const std::string text(request.reveal());
    EXPECT_THAT(text, StartsWith("GET /health HTTP/1.1\r\nhost: gpu:8000\r\n"));
    EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST(HealthRequest, AsksForACompletionOfOneToken) {
    const config::Upstream upstream = provider({.path = "", .model = "a \"model\""});
    EXPECT_EQ(health_method(*upstream.health), http::Method::post);
    const Secret request = health_request(upstream, 0);
    const std::string text(request.reveal());
    EXPECT_THAT(text, StartsWith("POST /v1/chat/completions HTTP/1.1\r\n"));
    const std::string body = text.substr(text.find("\r\n\r\n") + 4);
    EXPECT_THAT(body, StartsWith(R"({"model":"a \"model\"","messages":)"));
    EXPECT_THAT(text, HasSubstr("content-length: " + std::to_string(body.size()) + "\r\n"));
}

TEST(HealthRequest, AsksWhatTheModelCanAnswer) {
    struct Row {
        const char* model;
        const char* line;
        const char* part;
    };
    const Row rows[] = {
        {"gpt-4o-mini", "POST /v1/chat/completions", "\"max_tokens\":1}"},
        {"llama-3.1-8b", "POST /v1/chat/completions", "\"max_tokens\":1}"},
        {"o1", "POST /v1/chat/completions", "\"max_completion_tokens\":16}"},
        {"openai/o3-mini", "POST /v1/chat/completions", "\"max_completion_tokens\":16}"},
        {"gpt-5.1-nano", "POST /v1/chat/completions", "\"max_completion_tokens\":16}"},
        {"O4-Mini", "POST /v1/chat/completions", "\"max_completion_tokens\":16}"},
        {"olmo-2", "POST /v1/chat/completions", "\"max_tokens\":1}"},
        {"o1-pro", "POST /v1/responses", "\"max_output_tokens\":16}"},
        {"gpt-5-codex", "POST /v1/responses", "\"input\":\"ping\""},
        {"text-embedding-3-small", "POST /v1/embeddings", "\"input\":\"ping\"}"},
        {"BAAI/bge-m3", "POST /v1/embeddings", "\"input\":\"ping\"}"},
        {"bge-reranker-v2-m3", "POST /v1/rerank", "\"documents\":[\"pong\"]}"},
        {"omni-moderation-latest", "POST /v1/moderations", "\"input\":\"ping\"}"},
        {"gpt-3.5-turbo-instruct", "POST /v1/completions", "\"prompt\":\"ping\""},
        {"whisper-1", "GET /v1/models", ""},
        {"gpt-4o-mini-tts", "GET /v1/models", ""},
        {"dall-e-3", "GET /v1/models", ""},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.model);
        const config::Upstream upstream = provider({.path = "", .model = row.model});
        const Secret request = health_request(upstream, 0);
        const std::string text(request.reveal());
        EXPECT_THAT(text, StartsWith(std::string(row.line) + " HTTP/1.1\r\n"));
        EXPECT_THAT(text, HasSubstr(row.part));
        const bool is_get = health_method(*upstream.health) == http::Method::get;
        EXPECT_EQ(is_get, text.starts_with("GET "));
    }
}

TEST(HealthRequest, ThatIsRefusedItselfSaysNothingOfTheServer) {
    struct Row {
        const char* name;
        unsigned status;
        const char* body;
        bool is_healthy;
    };
    const Row rows[] = {
        {"OpenAI", 400, R"({"error":{"message":"Unsupported parameter: 'max_tokens'."}})", true},
        {"an embedding model", 400, R"({"error":{"message":"This is not a chat model"}})", true},
        {"FastAPI", 422, R"({"detail":[{"loc":["body","x"],"msg":"field required"}]})", true},
        {"plain text", 400, "bad request", true},
        {"nothing", 400, "", true},
        {"no such model", 400, R"({"error":{"message":"x","code":"model_not_found"}})", false},
        {"in words", 400, R"({"error":{"message":"Model gone does not exist"}})", false},
        {"Gemini's key", 400, R"([{"error":{"message":"API key not valid."}}])", false},
        {"spent credit", 400, R"({"error":{"message":"Your credit balance is too low"}})", false},
        {"404", 404, R"({"error":{"message":"The model `a` does not exist"}})", false},
        {"500", 500, "", false},
        {"429", 429, "", false},
    };
    const config::Upstream model = provider({.path = "", .model = "a"});
    const config::Upstream path = provider({.path = "/health", .model = ""});
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(why_unhealthy(model, row.status, row.body).empty(), row.is_healthy);
        EXPECT_FALSE(why_unhealthy(path, row.status, row.body).empty());
    }
    EXPECT_EQ(why_unhealthy(model, 404, R"({"error":{"message":"The model `a` does not exist"}})"),
              "answered 404: The model `a` does not exist");
}

TEST(HealthRequest, OfAnUnhealthyServerSaysWhy) {
    const config::Upstream upstream = provider({.path = "/health", .model = ""});
    EXPECT_EQ(why_unhealthy(upstream, 200, ""), "");
    EXPECT_EQ(why_unhealthy(upstream, 302, ""), "answered 302");
    EXPECT_EQ(why_unhealthy(upstream, 401, R"({"error":{"message":"sk-provider"}})"),
              "answered 401: it refuses the API key");
    EXPECT_EQ(why_unhealthy(upstream, 503, R"({"error":{"message":"Loading model"}})"),
              "answered 503: Loading model");
    EXPECT_EQ(why_unhealthy(upstream, 500, R"({"error":{"message":"key sk-provider"}})"),
              "answered 500: key ***");
}

}  // namespace
}  // namespace sluicegate::provider
