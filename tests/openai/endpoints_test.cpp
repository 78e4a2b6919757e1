#include "sluicegate/openai/endpoints.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::openai {
namespace {

TEST(Endpoints, AreFoundWithAndWithoutTheVersionPrefix) {
    struct Row {
        std::string_view name;
        std::string_view method;
        std::string_view path;
        Endpoint expected;
    };
    const Row rows[] = {
        {"chat_completions", "POST", "/chat/completions", Endpoint::chat_completions},
        {"completions", "POST", "/completions", Endpoint::completions},
        {"responses", "POST", "/responses", Endpoint::responses},
        {"embeddings", "POST", "/embeddings", Endpoint::embeddings},
        {"moderations", "POST", "/moderations", Endpoint::moderations},
        {"rerank", "POST", "/rerank", Endpoint::rerank},
        {"images_generations", "POST", "/images/generations", Endpoint::images_generations},
        {"images_edits", "POST", "/images/edits", Endpoint::images_edits},
        {"images_variations", "POST", "/images/variations", Endpoint::images_variations},
        {"audio_speech", "POST", "/audio/speech", Endpoint::audio_speech},
        {"audio_transcriptions", "POST", "/audio/transcriptions", Endpoint::audio_transcriptions},
        {"audio_translations", "POST", "/audio/translations", Endpoint::audio_translations},
        {"models_list", "GET", "/models", Endpoint::models_list},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        for (const std::string_view prefix : {"", "/v1", "//v1/", "/v1//", "/", "/openai/v1",
                                              "/openai", "/v1/openai", "//openai//v1"}) {
            for (const std::string_view end : {"", "/", "//"}) {
                const std::string path =
                    std::string(prefix) + std::string(row.path) + std::string(end);
                SCOPED_TRACE(path);
                const auto match = match_endpoint(row.method, path);
                ASSERT_TRUE(match);
                EXPECT_EQ(match->endpoint, row.expected);
                EXPECT_EQ(match->model_id, "");
            }
        }
        EXPECT_EQ(name_of(row.expected), row.name);
        EXPECT_EQ(upstream_path(row.expected), row.path);
    }
}

TEST(Endpoints, TakeEverythingBehindModelsAsTheId) {
    struct Row {
        std::string_view path;
        std::string_view id;
    };
    const Row rows[] = {
        {"/v1/models/gpt-4o", "gpt-4o"},
        {"/models/gpt-4o", "gpt-4o"},
        {"/v1//models//gpt-4o", "gpt-4o"},
        {"/v1/models/org/model", "org/model"},
        {"/v1/models/org%2Fx%20y", "org/x y"},
        {"/v1/models/org/x%20y", "org/x y"},
        {"/v1/models/ft:gpt-4o:org%2fx", "ft:gpt-4o:org/x"},
        {"/v1/models/a%2541", "a%41"},
        {"/v1/models/caf%C3%A9", "café"},
        {"/v1/models/v1.0", "v1.0"},
        {"/v1/models/models", "models"},
        {"/v1/models/llama3:8b", "llama3:8b"},
        {"/v1/models/m/", "m"},
        {"/openai/models/m", "m"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.path);
        const auto match = match_endpoint("GET", row.path);
        ASSERT_TRUE(match);
        EXPECT_EQ(match->endpoint, Endpoint::model_get);
        EXPECT_EQ(match->model_id, row.id);
    }
    const std::string longest(256, 'm');
    EXPECT_TRUE(match_endpoint("GET", "/v1/models/" + longest));
    EXPECT_FALSE(match_endpoint("GET", "/v1/models/" + longest + "m"));
}

TEST(Endpoints, RefuseWhatIsNotInTheTable) {
    const std::string_view paths[] = {
        "",
        "/v1",
        "/v1/",
        "*",
        "chat/completions",
        "/v2/chat/completions",
        "/v1/v1/chat/completions",
        "/V1/chat/completions",
        "/v1/Chat/Completions",
        "/v1/health",
        "/v1",
        "/v1/",
        "/openai",
        "/openai/v1",
        "/openai/v1/v1/embeddings",
        "/openai/deployments",
        "/openai/deployments/embeddings",
        "/openai/deployments//embeddings",
        "/openai/deployments/m",
        "/openai/deployments/m/models",
        "/openai/deployments/m/extensions/chat",
        "/openai/deployments/%00/embeddings",
        "/openai/deployments/%/embeddings",
        "/openai/deployments/../embeddings",
        "/openai/deployments/a%2F..%2Fb/embeddings",
        "/openai/deployments/m/chat%2Fcompletions",
        "/v1/models/gemini-2.0-flash:generateContent",
        "/v1/models/gemini-2.0-flash:streamGenerateContent/",
        "/v1/chat/completions/chatcmpl-1",
        "/v1/chat",
        "/v1/responses/resp_1",
        "/v1/responses/resp_1/cancel",
        "/v1/responses/compact",
        "/v1/files",
        "/v1/batches",
        "/v1/assistants",
        "/v1/threads/runs",
        "/v1/vector_stores",
        "/v1/organization/usage/completions",
        "/v1/realtime/client_secrets",
        "/v1/./chat/completions",
        "/v1/../v1/chat/completions",
        "/v1/files/../chat/completions",
        "/v1/chat%2Fcompletions",
        "/v1%2Fchat/completions",
        "/v1/chat/%63ompletions",
        "/v1/chat\\completions",
        "/v1/models/%",
        "/v1/models/%4",
        "/v1/models/%zz",
        "/v1/models/a%00b",
        "/v1/models/a%0Ab",
        "/v1/models/a%7Fb",
        "/v1/models/%FF",
        "/v1/models/..",
        "/v1/models/../chat/completions",
        "/v1/models/a/../b",
        "/v1/models/%2e%2e",
        "/v1/models/a%2F..%2Fb",
        "/v1/modelsx",
    };
    for (const std::string_view path : paths) {
        SCOPED_TRACE(path);
        for (const std::string_view method : {"GET", "POST"}) {
            auto match = match_endpoint(method, path);
            ASSERT_FALSE(match);
            EXPECT_EQ(match.error().kind, ErrorKind::unknown_url);
            EXPECT_EQ(match.error().subject, std::string(method) + " " + std::string(path));
        }
        EXPECT_EQ(allowed_methods(path), "");
    }
}

TEST(Endpoints, TakeTheModelOutOfAzuresPaths) {
    struct Row {
        std::string_view path;
        Endpoint expected;
        std::string_view model;
    };
    const Row rows[] = {
        {"/openai/deployments/m/chat/completions", Endpoint::chat_completions, "m"},
        {"/openai/deployments/m/completions", Endpoint::completions, "m"},
        {"/openai/deployments/m/embeddings/", Endpoint::embeddings, "m"},
        {"/openai/deployments/m/audio/transcriptions", Endpoint::audio_transcriptions, "m"},
        {"/openai/deployments/m/images/edits", Endpoint::images_edits, "m"},
        {"/v1/deployments/m/chat/completions", Endpoint::chat_completions, "m"},
        {"/deployments/m/responses", Endpoint::responses, "m"},
        {"/v1/openai/deployments/m/rerank", Endpoint::rerank, "m"},
        {"//openai//deployments//m//chat//completions", Endpoint::chat_completions, "m"},
        {"/openai/deployments/org/model-1/chat/completions", Endpoint::chat_completions,
         "org/model-1"},
        {"/openai/deployments/org%2Fmodel%201/chat/completions", Endpoint::chat_completions,
         "org/model 1"},
        {"/openai/deployments/caf%C3%A9/embeddings", Endpoint::embeddings, "café"},
        {"/openai/deployments/chat/completions", Endpoint::completions, "chat"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.path);
        const auto match = match_endpoint("POST", row.path);
        if (row.model == "chat") {
            EXPECT_FALSE(match) << "the longest endpoint leaves no name";
            continue;
        }
        ASSERT_TRUE(match);
        EXPECT_EQ(match->endpoint, row.expected);
        EXPECT_EQ(match->model_id, row.model);
        EXPECT_EQ(match_endpoint("GET", row.path).error().kind, ErrorKind::method_not_supported);
        EXPECT_EQ(allowed_methods(row.path), "POST");
    }
}

TEST(Endpoints, AnswerHealthWithoutAVersion) {
    for (const std::string_view path : {"/health", "/", "/health/", "//", "//health"}) {
        SCOPED_TRACE(path);
        for (const std::string_view method : {"GET", "HEAD"}) {
            const auto match = match_endpoint(method, path);
            ASSERT_TRUE(match);
            EXPECT_EQ(match->endpoint, Endpoint::health);
        }
        EXPECT_EQ(match_endpoint("POST", path).error().kind, ErrorKind::method_not_supported);
        EXPECT_EQ(allowed_methods(path), "GET, HEAD");
    }
}

TEST(Endpoints, NameTheMethodsOfAKnownPath) {
    struct Row {
        std::string_view method;
        std::string_view path;
        std::string_view allowed;
    };
    const Row rows[] = {
        {"GET", "/v1/chat/completions", "POST"},  {"HEAD", "/v1/chat/completions", "POST"},
        {"DELETE", "/v1/responses", "POST"},      {"OPTIONS", "/v1/embeddings", "POST"},
        {"post", "/v1/chat/completions", "POST"}, {"POST", "/v1/models", "GET, HEAD"},
        {"DELETE", "/v1/models/m", "GET, HEAD"},  {"", "/v1/models", "GET, HEAD"},
        {"GET", "//v1//audio//speech", "POST"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(std::string(row.method) + " " + std::string(row.path));
        auto match = match_endpoint(row.method, row.path);
        ASSERT_FALSE(match);
        EXPECT_EQ(match.error().kind, ErrorKind::method_not_supported);
        EXPECT_EQ(match.error().subject, std::string(row.method) + " " + std::string(row.path));
        EXPECT_EQ(allowed_methods(row.path), row.allowed);
    }
    EXPECT_TRUE(match_endpoint("HEAD", "/v1/models"));
    EXPECT_TRUE(match_endpoint("HEAD", "/v1/models/m"));
}

TEST(Endpoints, KeepTheSubjectOfALongPathShort) {
    auto match = match_endpoint(std::string(500, 'M'), "/" + std::string(5000, 'p'));
    ASSERT_FALSE(match);
    EXPECT_EQ(match.error().subject.size(), 256U);
}

TEST(Endpoints, SayWhichBodiesTheyTake) {
    struct Row {
        Endpoint endpoint;
        bool json;
        bool multipart;
        bool streams;
    };
    const Row rows[] = {
        {Endpoint::chat_completions, true, false, true},
        {Endpoint::completions, true, false, true},
        {Endpoint::responses, true, false, true},
        {Endpoint::embeddings, true, false, false},
        {Endpoint::moderations, true, false, false},
        {Endpoint::rerank, true, false, false},
        {Endpoint::images_generations, true, false, true},
        {Endpoint::images_edits, true, true, true},
        {Endpoint::images_variations, false, true, false},
        {Endpoint::audio_speech, true, false, false},
        {Endpoint::audio_transcriptions, false, true, true},
        {Endpoint::audio_translations, false, true, false},
        {Endpoint::models_list, false, false, false},
        {Endpoint::model_get, false, false, false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(name_of(row.endpoint));
        EXPECT_EQ(takes_json(row.endpoint), row.json);
        EXPECT_EQ(takes_multipart(row.endpoint), row.multipart);
        EXPECT_EQ(streams_on_request(row.endpoint), row.streams);
    }
}

}  // namespace
}  // namespace sluicegate::openai
