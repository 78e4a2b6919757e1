#include "sluicegate/provider/failure.hpp"

#include "sluicegate/config/secrets.hpp"

#include "provider/now.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace sluicegate::provider {
namespace {

using namespace std::chrono_literals;

using test::now;

config::Upstream provider_with_key() {
    config::Upstream upstream;
    upstream.name = "provider";
    upstream.api_key = Secret("sk-provider");
    upstream.headers = {{.name = "x-team", .value = Secret("team-secret")}};
    return upstream;
}

const Redaction& redaction() {
    static const config::Upstream upstream = provider_with_key();
    static const Redaction made = config::redaction_of({&upstream, 1});
    return made;
}

http::ResponseHead head_with(unsigned status,
                             const std::vector<std::pair<const char*, const char*>>& fields = {}) {
    http::ResponseHead head;
    head.status = status;
    EXPECT_TRUE(head.fields.add("content-type", "application/json"));
    for (const auto& [name, value] : fields) EXPECT_TRUE(head.fields.add(name, value));
    return head;
}

TEST(Failure, OfAnAnswerIsKnownByItsStatus) {
    struct Row {
        unsigned status;
        std::optional<ErrorKind> kind;
    };
    const Row rows[] = {
        {200, std::nullopt},
        {204, std::nullopt},
        {101, ErrorKind::upstream_bad_response},
        {302, ErrorKind::upstream_bad_response},
        {400, std::nullopt},
        {401, ErrorKind::upstream_auth},
        {402, ErrorKind::upstream_quota},
        {403, ErrorKind::upstream_forbidden},
        {404, ErrorKind::upstream_not_found},
        {405, ErrorKind::upstream_not_found},
        {407, ErrorKind::upstream_auth},
        {408, ErrorKind::upstream_failed},
        {409, std::nullopt},
        {421, ErrorKind::upstream_failed},
        {422, std::nullopt},
        {425, ErrorKind::upstream_failed},
        {429, ErrorKind::upstream_rate_limited},
        {499, ErrorKind::upstream_failed},
        {500, ErrorKind::upstream_failed},
        {501, ErrorKind::upstream_not_implemented},
        {502, ErrorKind::upstream_failed},
        {503, ErrorKind::upstream_overloaded},
        {529, ErrorKind::upstream_overloaded},
        {599, ErrorKind::upstream_failed},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.status);
        const auto failure =
            failure_of(provider_with_key(), redaction(), head_with(row.status), "", {}, now);
        ASSERT_EQ(failure.has_value(), row.kind.has_value());
        if (!failure) continue;
        EXPECT_EQ(failure->kind, *row.kind);
        EXPECT_EQ(failure->detail, "provider answered " + std::to_string(row.status));
        EXPECT_EQ(failure->retry_after, 0ms);
    }
}

TEST(Failure, OfA429IsKnownByItsBody) {
    struct Row {
        const char* name;
        std::vector<std::pair<const char*, const char*>> fields;
        const char* body;
        ErrorKind kind;
        Milliseconds wait;
    };
    const std::vector<Row> rows{
        {"a spent quota",
         {},
         R"({"error":{"code":"insufficient_quota"}})",
         ErrorKind::upstream_quota,
         0ms},
        {"a rate limit", {{"retry-after", "7"}}, "{}", ErrorKind::upstream_rate_limited, 7s},
        {"a wait in its words",
         {},
         R"({"error":{"message":"Please try again in 174ms."}})",
         ErrorKind::upstream_rate_limited,
         174ms},
        {"a field before the words",
         {{"retry-after", "7"}},
         R"({"error":{"message":"Please try again in 174ms."}})",
         ErrorKind::upstream_rate_limited,
         7s},
        {"a very long wait",
         {},
         R"({"error":{"message":"Please try again in 30h."}})",
         ErrorKind::upstream_rate_limited,
         1h},
        {"no JSON", {}, "slow down", ErrorKind::upstream_rate_limited, 0ms},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto failure = failure_of(provider_with_key(), redaction(),
                                        head_with(429, row.fields), row.body, {}, now);
        ASSERT_TRUE(failure);
        EXPECT_EQ(failure->kind, row.kind);
        EXPECT_EQ(failure->retry_after, row.wait);
    }
}

TEST(Failure, OfA404OrA405IsTheOperatorsUnlessItNamesSomethingOfTheRequest) {
    struct Row {
        const char* name;
        const char* body;
        std::optional<ErrorKind> kind;
        const char* words;
    };
    const auto model = ErrorKind::upstream_unknown_model;
    const auto path = ErrorKind::upstream_not_found;
    const Row rows[] = {
        {"Azure", R"({"error":{"code":"DeploymentNotFound","message":"none"}})", model, "none"},
        {"vLLM",
         R"({"error":{"message":"The model x does not exist","type":"NotFoundError","code":404}})",
         model, "The model x does not exist"},
        {"vLLM, flat",
         R"({"object":"error","message":"The model `up-7b` does not exist.","code":404})", model,
         "The model `up-7b` does not exist."},
        {"OpenAI", R"({"error":{"message":"gone","param":"model","code":"model_not_found"}})",
         model, "gone"},
        {"Ollama", R"({"error":"model \"up-7b\" not found, try pulling it first"})", model,
         "model \"up-7b\" not found, try pulling it first"},
        {"FastAPI", R"({"detail":"Not Found"})", path, "Not Found"},
        {"llama.cpp",
         R"({"error":{"code":404,"message":"File Not Found","type":"not_found_error"}})", path,
         "File Not Found"},
        {"a path", R"({"error":{"message":"Invalid URL: POST /v1/chat_2/completions"}})", path,
         "Invalid URL: POST /v1/chat_2/completions"},
        {"Go", "404 page not found", path, "404 page not found"},
        {"nginx", "<html><head><title>404</title></head><body><h1>Not Found</h1></body></html>",
         path, "404 Not Found"},
        {"nothing", "", path, ""},
        {"a file", R"({"error":{"message":"No such File object: file-abc123"}})", std::nullopt, ""},
        {"its parameter", R"({"error":{"message":"none","param":"file_id"}})", std::nullopt, ""},
        {"its code", R"({"error":{"message":"none","code":"previous_response_not_found"}})",
         std::nullopt, ""},
        {"a stored response", R"({"error":{"message":"Response with id 'resp_1' not found."}})",
         std::nullopt, ""},
        {"an id of the request", R"({"error":{"message":"no adapter my_adapter_7"}})", std::nullopt,
         ""},
    };
    const Asked asked{.model = "m_asked",
                      .upstream_model = "up-7b",
                      .body = R"({"model":"m_asked","x":"my_adapter_7"})"};
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto failure =
            failure_of(provider_with_key(), redaction(), head_with(404), row.body, asked, now);
        ASSERT_EQ(failure.has_value(), row.kind.has_value());
        if (!failure) continue;
        EXPECT_EQ(failure->kind, *row.kind);
        EXPECT_EQ(failure->upstream_words.text(), row.words);
        const auto method =
            failure_of(provider_with_key(), redaction(), head_with(405), row.body, asked, now);
        ASSERT_TRUE(method);
        EXPECT_EQ(method->kind, path);
    }
}

TEST(Failure, MayBeTheRequestsOwnOnlyWithWordsOfTheServerItself) {
    struct Row {
        const char* name;
        unsigned status;
        const char* body;
        unsigned refused_with;
        bool names_request;
    };
    const Row rows[] = {
        {"llama.cpp", 500, R"({"error":{"message":"no picture","type":"server_error","code":500}})",
         500, false},
        {"transformers serve", 500, "Internal Server Error", 500, false},
        {"its type", 500, R"({"error":{"message":"x","type":"BadRequestError"}})", 500, true},
        {"its code", 500, R"({"error":{"message":"x","code":"invalid_request_error"}})", 500, true},
        {"its code as a number", 500, R"({"error":{"message":"x","code":422}})", 500, true},
        {"not implemented", 501, R"({"error":{"message":"start it with --embeddings"}})", 501,
         false},
        {"no words", 500, "", 0, false},
        {"a page", 500, "<html><body>Error</body></html>", 0, false},
        {"a server that is down", 502, "Bad Gateway", 0, false},
        {"a server that loads", 503, R"({"error":{"message":"Loading model"}})", 0, false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto failure =
            failure_of(provider_with_key(), redaction(), head_with(row.status), row.body, {}, now);
        ASSERT_TRUE(failure);
        EXPECT_EQ(failure->refused_with, row.refused_with);
        EXPECT_EQ(failure->names_request, row.names_request);
    }
}

TEST(Failure, HoldsTheUpstreamsWordsWithoutSecrets) {
    for (const unsigned status : {401U, 404U, 408U, 500U, 503U}) {
        SCOPED_TRACE(status);
        const auto failure = failure_of(provider_with_key(), redaction(), head_with(status),
                                        "the key sk-provider is bad", {}, now);
        ASSERT_TRUE(failure);
        EXPECT_EQ(failure->upstream_words.text(), "the key *** is bad");
    }
}

TEST(Failure, InAStreamIsKnownByItsWords) {
    struct Row {
        const char* events;
        ErrorKind kind;
        const char* words;
    };
    const Row rows[] = {
        {"data: {\"error\":{\"message\":\"oh\",\"type\":\"server_error\"}}\n\n",
         ErrorKind::upstream_failed, "oh"},
        {"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
         "\"message\":\"busy\"}}\n\n",
         ErrorKind::upstream_overloaded, "busy"},
        {"data: {\"error\":{\"message\":\"slow\",\"code\":\"rate_limit_exceeded\"}}\n\n",
         ErrorKind::upstream_rate_limited, "slow"},
        {"data: {\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\"}}\n\n",
         ErrorKind::upstream_rejected, "m"},
        {": nothing\n\n", ErrorKind::upstream_failed, ""},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.events);
        const Error error = error_of_events(provider_with_key(), redaction(), row.events);
        EXPECT_EQ(error.kind, row.kind);
        EXPECT_EQ(error.upstream_words.text(), row.words);
        EXPECT_EQ(error.subject, "") << "that is for what the client sent";
    }
}

TEST(Failure, OfAResponseIsNoneIfTheCallerCausedIt) {
    const auto failed = [](const std::string& code) {
        return failure_in_events(
            provider_with_key(), redaction(),
            "data: {\"response\":{\"error\":{\"code\":\"" + code + "\",\"message\":\"oh\"}}}\n\n",
            {});
    };
    ASSERT_TRUE(failed("server_error"));
    EXPECT_EQ(failed("server_error")->kind, ErrorKind::upstream_failed);
    EXPECT_EQ(failed("server_error")->upstream_words.text(), "oh");
    ASSERT_TRUE(failed("rate_limit_exceeded"));
    EXPECT_EQ(failed("rate_limit_exceeded")->kind, ErrorKind::upstream_rate_limited);
    EXPECT_FALSE(failed("invalid_prompt"));
    EXPECT_FALSE(failure_in_events(provider_with_key(), redaction(), "data: {}\n\n", {}));
}

TEST(Failure, OfAStreamThatEndedEarlyHasTheLastWords) {
    const Error cut = error_of_early_end(provider_with_key(), redaction(), "");
    EXPECT_EQ(cut.kind, ErrorKind::upstream_closed);
    EXPECT_TRUE(cut.upstream_words.empty());
    const Error failed =
        error_of_early_end(provider_with_key(), redaction(), R"({"message":"oh"})");
    EXPECT_EQ(failed.kind, ErrorKind::upstream_failed);
    EXPECT_EQ(failed.upstream_words.text(), "oh");
}

TEST(Failure, RepeatsNoneOfOurSecrets) {
    const std::string leak = "authorization: Bearer sk-provider, x-team: team-secret";
    const std::string kept = "authorization: Bearer ***, x-team: ***";
    const std::string error = R"({"error":{"message":")" + leak + R"(","code":")" + leak + "\"}}";
    const auto rejection = rejection_of(redaction(), head_with(400), error);
    EXPECT_EQ(rejection.message, kept);
    EXPECT_EQ(rejection.code, kept);
    EXPECT_EQ(error_of_events(provider_with_key(), redaction(), "data: " + error + "\n\n")
                  .upstream_words.text(),
              kept);
    EXPECT_EQ(error_of_early_end(provider_with_key(), redaction(), R"({"message":")" + leak + "\"}")
                  .upstream_words.text(),
              kept);
}

TEST(Failure, TakesSecretsOutBeforeItCutsWords) {
    // A message is cut at 4096 bytes, another field at 256: here in the middle of the key.
    const std::string error = R"({"error":{"message":")" + std::string(4090, 'm') +
                              R"(sk-provider","code":")" + std::string(250, 'c') +
                              R"(sk-provider"}})";
    const auto rejection = rejection_of(redaction(), head_with(400), error);
    EXPECT_EQ(rejection.message, std::string(4090, 'm') + "***");
    EXPECT_EQ(rejection.code, std::string(250, 'c') + "***");
    const std::string events = "data: " + error + "\n\n";
    EXPECT_EQ(error_of_events(provider_with_key(), redaction(), events).upstream_words.text(),
              std::string(4090, 'm') + "***");
}

}  // namespace
}  // namespace sluicegate::provider
