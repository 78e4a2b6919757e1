#include "sluicegate/openai/normalise_error.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace sluicegate::openai {
namespace {

TEST(NormaliseError, ReadsEveryShapeInUse) {
    struct Row {
        std::string_view name;
        unsigned status;
        std::string_view body;
        std::string_view message;
        std::string_view type;
        std::string_view code;
        std::string_view param;
    };
    const Row rows[] = {
        {"OpenAI", 404,
         R"({"error":{"message":"No model.","type":"invalid_request_error","param":"model","code":"model_not_found"}})",
         "No model.", "invalid_request_error", "model_not_found", "model"},
        {"OpenAI with nulls", 400,
         R"({"error":{"message":"Bad.","type":"invalid_request_error","param":null,"code":null}})",
         "Bad.", "invalid_request_error", "", ""},
        {"Azure without a type", 400,
         R"({"error":{"code":"content_filter","message":"Filtered.","innererror":{"code":"x"}}})",
         "Filtered.", "invalid_request_error", "content_filter", ""},
        {"Azure, what its filter found", 400,
         R"({"error":{"message":"The response was filtered.","type":null,"param":"prompt",)"
         R"("code":"content_filter","status":400,"innererror":)"
         R"({"code":"ResponsibleAIPolicyViolation","content_filter_result":)"
         R"({"hate":{"filtered":true,"severity":"high"},"jailbreak":{"detected":true}}}}})",
         "The response was filtered.", "invalid_request_error", "content_filter", "prompt"},
        {"Azure, no such deployment", 404,
         R"({"error":{"code":"DeploymentNotFound","message":"It does not exist."}})",
         "It does not exist.", "invalid_request_error", "DeploymentNotFound", ""},
        {"Azure, too many", 429, R"({"error":{"code":"429","message":"Retry after 6 seconds."}})",
         "Retry after 6 seconds.", "rate_limit_error", "429", ""},
        {"API Management", 404, R"({"statusCode":404,"message":"Resource not found"})",
         "Resource not found", "invalid_request_error", "", ""},
        {"Anthropic", 413,
         R"({"type":"error","error":{"type":"request_too_large","message":"Too large."},"request_id":"r"})",
         "Too large.", "request_too_large", "", ""},
        {"Gemini, wrapped in an array", 400,
         R"([{"error":{"code":400,"message":"Unknown name.","status":"INVALID_ARGUMENT","details":[{}]}}])",
         "Unknown name.", "invalid_request_error", "INVALID_ARGUMENT", ""},
        {"Gemini, native", 404,
         R"({"error":{"code":404,"message":"Not found.","status":"NOT_FOUND"}})", "Not found.",
         "invalid_request_error", "NOT_FOUND", ""},
        {"vLLM", 400,
         R"({"error":{"message":"Too long.","type":"BadRequestError","param":null,"code":400}})",
         "Too long.", "BadRequestError", "400", ""},
        {"older vLLM", 400,
         R"({"object":"error","message":"Too long.","type":"BadRequestError","param":"x","code":400})",
         "Too long.", "BadRequestError", "400", "x"},
        {"vLLM's plain string", 401, R"({"error":"Unauthorized"})", "Unauthorized",
         "authentication_error", "", ""},
        {"llama.cpp", 501,
         R"({"error":{"code":501,"message":"Not here.","type":"not_supported_error"}})",
         "Not here.", "not_supported_error", "501", ""},
        {"TGI", 422, R"({"error":"Input is too long.","error_type":"validation"})",
         "Input is too long.", "validation", "", ""},
        {"FastAPI", 422,
         R"({"detail":[{"loc":["body","messages",0,"role"],"msg":"field required","type":"missing"},{"loc":["body"],"msg":"bad","type":"x"}]})",
         "messages.0.role: field required; bad", "invalid_request_error", "missing",
         "messages.0.role"},
        {"FastAPI, one sentence", 404, R"({"detail":"Not Found"})", "Not Found",
         "invalid_request_error", "", ""},
        {"FastAPI, an object", 400, R"({"detail":{"message":"Bad.","x":1}})", "Bad.",
         "invalid_request_error", "", ""},
        {"flat without a mark", 409, R"({"message":"Conflict.","code":"c"})", "Conflict.",
         "invalid_request_error", "c", ""},
        {"message not a string", 400, R"({"error":{"message":{"a":[1]}}})", R"({"a":[1]})",
         "invalid_request_error", "", ""},
        {"forbidden", 403, R"({"error":{"message":"No."}})", "No.", "permission_error", "", ""},
        {"too many", 429, R"({"error":{"message":"Slow."}})", "Slow.", "rate_limit_error", "", ""},
        {"their fault", 503, R"({"error":{"message":"Full."}})", "Full.", "server_error", "", ""},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const ApiError error = normalise_error(row.status, "application/json", row.body);
        EXPECT_EQ(error.message, row.message);
        EXPECT_EQ(error.type, row.type);
        EXPECT_EQ(error.code, row.code);
        EXPECT_EQ(error.param, row.param);
    }
}

TEST(NormaliseError, PassesOnTheWordsOfAnyShape) {
    struct Row {
        std::string_view name;
        std::string_view type;
        std::string_view body;
        std::string_view message;
    };
    const Row rows[] = {
        {"plain text", "text/plain", "top_p must be\r\n a number\t!\n", "top_p must be a number !"},
        {"plain text without a type", "", "slow down", "slow down"},
        {"plain text that calls itself JSON", "application/json", "no such tool", "no such tool"},
        {"a JSON string", "application/json", R"("bad")", "bad"},
        {"a page", "text/html", "<html><body>502 <b>Bad</b> Gateway</body></html>",
         "502 Bad Gateway"},
        {"a page that calls itself JSON", "application/json", "<!DOCTYPE html><p>x", "x"},
        {"a page with a script", "text/html",
         "<script>var a=1;</script><style>p{}</style><h1>No</h1>", "No"},
        {"texts in a list", "application/json", R"({"errors":["a","b"]})", "a; b"},
        {"objects in a list", "application/json",
         R"({"errors":[{"message":"a"},{"detail":"b"},{"title":"c"},{"msg":"d"}]})", "a; b; c; d"},
        {"a bare list", "application/json", R"([{"message":"a"},"b"])", "a; b"},
        {"a flat object", "application/json", R"({"msg":"flat"})", "flat"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(normalise_error(400, row.type, row.body).message, row.message);
    }
    EXPECT_EQ(normalise_error(400, "text/plain", std::string(9000, 'x')).message.size(),
              error_message_bytes_max);
}

TEST(NormaliseError, NeverPassesOnWhatItCannotRead) {
    struct Row {
        std::string_view name;
        std::string_view type;
        std::string body;
    };
    const Row rows[] = {
        {"HTML as the message", "application/json", R"({"error":{"message":" <h1>x</h1>"}})"},
        {"HTML as the error", "application/json", R"({"error":"<h1>x</h1>"})"},
        {"empty", "application/json", ""},
        {"cut JSON", "application/json", R"({"error":{"message":"secret)"},
        {"a number", "application/json", "1"},
        {"null error", "application/json", R"({"error":null})"},
        {"true error", "application/json", R"({"error":true})"},
        {"empty array", "application/json", "[]"},
        {"empty message", "application/json", R"({"error":{"message":""}})"},
        {"no message", "application/json", R"({"error":{"a":1}})"},
        {"array in an array", "application/json", R"([[{"error":{"message":"secret"}}]])"},
        {"deep arrays", "application/json", std::string(100'000, '[')},
        {"deep message", "application/json",
         R"({"error":{"message":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}}"},
        {"not UTF-8", "application/json", "{\"error\":{\"message\":\"\xFF\"}}"},
        {"too large", "application/json",
         R"({"error":{"message":")" + std::string(error_body_bytes_max, 'x') + R"("}})"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const ApiError error = normalise_error(400, row.type, row.body);
        EXPECT_EQ(error.message, "The upstream answered with status 400.");
        EXPECT_EQ(error.type, "invalid_request_error");
        EXPECT_EQ(error.code, "");
    }
}

TEST(NormaliseError, BoundsEveryField) {
    std::string text;
    while (text.size() <= error_message_bytes_max) text += "é漢";
    const nlohmann::json body = {
        {"error", {{"message", text}, {"type", text}, {"code", text}, {"param", text}}}};
    const ApiError error = normalise_error(400, "application/json", body.dump());
    EXPECT_LE(error.message.size(), error_message_bytes_max);
    EXPECT_GT(error.message.size(), error_message_bytes_max - 4);
    for (const std::string& field : {error.type, error.code, error.param}) {
        EXPECT_LE(field.size(), error_field_bytes_max);
        EXPECT_GT(field.size(), error_field_bytes_max - 4);
    }
    // Cut between characters: still the beginning of the same text, still UTF-8.
    EXPECT_TRUE(text.starts_with(error.message));
    EXPECT_NO_THROW((void)nlohmann::json(error.message).dump());

    nlohmann::json many = {{"detail", nlohmann::json::array()}};
    for (int i = 0; i < 1000; ++i) many["detail"].push_back({{"msg", "field required"}});
    EXPECT_LE(normalise_error(422, "application/json", many.dump()).message.size(),
              error_message_bytes_max);
}

TEST(NormaliseError, FindsAnErrorInABodyThatCameWithSuccess) {
    const auto found = error_in(R"({"error":{"message":"Broken.","type":"x","code":"c"}})");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->message, "Broken.");
    EXPECT_EQ(found->type, "x");
    EXPECT_EQ(found->code, "c");
    EXPECT_TRUE(error_in(R"({"error":"text"})"));
    EXPECT_TRUE(error_in(R"([{"error":{"message":"x"}}])"));
    EXPECT_TRUE(error_in(R"({"object":"error","message":"x"})"));
    EXPECT_TRUE(error_in(R"({"detail":"x"})"));
    EXPECT_FALSE(error_in(R"({"id":"chatcmpl-1","choices":[],"error":null})"));
    EXPECT_FALSE(error_in(R"({"message":"hello"})"));
    EXPECT_FALSE(error_in("not JSON"));
    EXPECT_FALSE(error_in(""));
}

}  // namespace
}  // namespace sluicegate::openai
