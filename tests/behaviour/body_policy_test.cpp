// What the gateway checked is what upstreams read: other spellings, denied fields, ids of others.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

/// Models: m and n go to the first upstream; both goes to the first and falls back to the second.
class BodyPolicy : public testing::Test {
protected:
    static ConfigText config(const std::string& url, const std::string& first = {},
                             const std::string& second = {}, const std::string& model = {}) {
        ConfigText text(url);
        text.upstreams = upstream_line("first", url, first) + upstream_line("second", url, second);
        text.models = "  m: {route: [{upstream: first}]" + (model.empty() ? "" : ", " + model) +
                      "}\n  limited: {route: [{upstream: first}]}\n"
                      "  other: {route: [{upstream: first}]}\n"
                      "  both: {route: [{upstream: first}], fallback: [{upstream: second}]}\n";
        text.groups = "  default: {}\n  research: {}\n";
        return text;
    }

    Response sent(const std::string& body, const std::string& path = "/v1/chat/completions",
                  std::string_view key = alice_key) const {
        return gateway_.send(post_json(path, key, body));
    }

    FakeUpstream upstream_;
    Gateway gateway_{config(upstream_.base_url())};
};

std::string with(const std::string& member, const std::string& model = "m") {
    return R"({"model":")" + model + R"(","messages":[],"input":"x",)" + member + "}";
}

TEST_F(BodyPolicy, AnotherSpellingIsRefusedWithTheRightOne) {
    struct Row {
        std::string path;
        std::string body;
        std::string code;
        std::string param;
    };
    const std::string chat = "/v1/chat/completions";
    const std::vector<Row> rows{
        {chat, R"({"model":"other","Model":"big-70b","messages":[]})", "duplicate_field", "model"},
        {chat, R"({"Model":"big-70b","model":"other","messages":[]})", "duplicate_field", "model"},
        {chat, R"({"model":"m","max_tokens":5,"Max_Tokens":100000,"messages":[]})",
         "duplicate_field", "max_tokens"},
        {chat, R"({"model":"m","ſtream":true,"messages":[]})", "misspelt_field", "ſtream"},
        {chat, R"({"model":"m","\u017ftream":true,"messages":[]})", "misspelt_field", "ſtream"},
        {chat, R"({"model\u0000":"m","messages":[]})", "misspelt_field", std::string("model\0", 6)},
        {chat, R"({"model":"m","messages":[],"messages":[1]})", "duplicate_field", "messages"},
        {chat, R"({"model":"m","messages":[],"tools":[],"Tools":[]})", "duplicate_field", "tools"},
        {"/v1/responses", R"({"model":"m","input":"a","input":"b"})", "duplicate_field", "input"},
        {"/v1/embeddings", R"({"model":"m","Input":"a"})", "misspelt_field", "Input"},
        {"/v1/completions", R"({"model":"m","PROMPT":"a"})", "misspelt_field", "PROMPT"},
        {"/v1/audio/speech", R"({"model":"m","Stream_Format":"sse"})", "misspelt_field",
         "Stream_Format"},
        {"/v1/moderations", R"({"model":"m","input":"a","MODELS":["x"]})", "misspelt_field",
         "MODELS"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.body);
        const Response response = sent(row.body, row.path);
        expect_error(response, {.status = 400, .code = row.code, .param = row.param});
    }
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(BodyPolicy, FieldsThatChooseElsewhereAreRefusedByName) {
    for (const std::string field :
         {"models", "fallbacks", "api_base", "api_key", "base_url", "route", "provider",
          "api_version", "custom_llm_provider", "extra_headers", "extra_body", "deployment_id",
          "organization", "mock_response", "data_sources", "priority", "kv_transfer_params"}) {
        SCOPED_TRACE(field);
        for (const std::string path : {"/v1/chat/completions", "/v1/responses", "/v1/embeddings",
                                       "/v1/images/generations", "/v1/rerank"}) {
            const Response response = sent(with('"' + field + R"(":["x"])"), path);
            expect_error(response, {.status = 400, .code = "field_not_allowed", .param = field});
            EXPECT_NE(response.body.find("does not allow"), std::string::npos);
        }
        expect_error(
            sent(with(R"("\u00)" + std::string(1, "67"[field[0] >= 'p']) +
                      "0123456789abcdef"[field[0] & 0xF] + field.substr(1) + R"(":["x"])")),
            {.status = 400, .code = "field_not_allowed", .param = field});
    }
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(BodyPolicy, ValuesThatChangeTheServiceAreRefused) {
    struct Row {
        std::string member;
        std::string param;  ///< "": it passes
    };
    const std::vector<Row> rows{
        {R"("background":true)", "background"},
        {R"("background":1)", "background"},
        {R"("background":false)", ""},
        {R"("background":null)", ""},
        {R"("service_tier":"priority")", "service_tier"},
        {R"("service_tier":"flex")", "service_tier"},
        {R"("service_tier":"auto")", ""},
        {R"("service_tier":"default")", ""},
        {R"("service_tier":null)", ""},
        {R"("api_base":null)", ""},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.member);
        const Response response = sent(with(row.member), "/v1/responses");
        if (row.param.empty()) {
            expect_success(response);
        } else {
            expect_error(response,
                         {.status = 400, .code = "field_not_allowed", .param = row.param});
        }
    }
}

TEST_F(BodyPolicy, WhatTheApiHasPasses) {
    const std::string body =
        R"({"model":"m","messages":[{"role":"user","content":"x"}],"user":"u","metadata":)"
        R"({"file_id":"x","models":"y"},"store":true,"seed":1,"temperature":0.5,"top_p":1,)"
        R"("reasoning_effort":"low","safety_identifier":"s","prompt_cache_key":"k",)"
        R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object",)"
        R"("properties":{"file_id":{"type":"string"},"api_base":{"type":"string"}}}}}],)"
        R"("response_format":{"type":"json_object"},"tool_choice":"auto","n":1})";
    expect_success(sent(body));
    EXPECT_EQ(upstream_.requests().at(0).body, body);
}

TEST_F(BodyPolicy, IdsOfFilesAndStoresAreRefused) {
    struct Row {
        std::string path;
        std::string body;
        std::string param;
    };
    const std::vector<Row> rows{
        {"/v1/responses",
         R"({"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_id":"f"}]}]})",
         "file_id"},
        {"/v1/responses",
         R"({"model":"m","input":"x","tools":[{"type":"file_search","vector_store_ids":["v"]}]})",
         "vector_store_ids"},
        {"/v1/responses",
         R"({"model":"m","input":"x","tools":[{"type":"file_search","vector_store_id":"v"}]})",
         "vector_store_id"},
        {"/v1/responses",
         R"({"model":"m","input":"x","tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["f"]}}]})",
         "file_ids"},
        {"/v1/chat/completions",
         R"({"model":"m","messages":[{"content":[{"type":"file","file":{"File_Id":"f"}}]}]})",
         "file_id"},
        {"/v1/images/edits", R"({"model":"m","images":[{"file_id":"f"}]})", "file_id"},
        {"/v1/rerank", R"({"model":"m","query":"q","documents":[{"file_id":"f"}]})", "file_id"},
        {"/v1/rerank", R"({"model":"m","query":{"a":{"vector_store_ids":["v"]}}})",
         "vector_store_ids"},
        {"/v1/embeddings", R"({"model":"m","input":[{"file_\u0069d":"f"}]})", "file_id"},
        {"/v1/chat/completions", R"({"model":"m","stream_options":{"x":[{"file_ids":["f"]}]}})",
         "file_ids"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.body);
        expect_error(sent(row.body, row.path),
                     {.status = 400, .code = "field_not_allowed", .param = row.param});
    }
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(BodyPolicy, AFormFollowsTheSameRules) {
    const auto form = [&](const std::string& name, const std::string& value) {
        const std::string body =
            "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n"
            "--b\r\nContent-Disposition: form-data; name=\"" +
            name + "\"\r\n\r\n" + value +
            "\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n"
            "x\r\n--b--\r\n";
        return gateway_.send("POST /v1/audio/transcriptions HTTP/1.1\r\nHost: a\r\n" +
                             bearer(alice_key) +
                             "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: " +
                             std::to_string(body.size()) + "\r\n\r\n" + body);
    };
    expect_error(form("Model", "big"),
                 {.status = 400, .code = "duplicate_field", .param = "model"});
    expect_error(form("STREAM", "true"),
                 {.status = 400, .code = "misspelt_field", .param = "STREAM"});
    expect_error(form("api_base", "http://x"),
                 {.status = 400, .code = "field_not_allowed", .param = "api_base"});
    expect_error(form("service_tier", "priority"),
                 {.status = 400, .code = "field_not_allowed", .param = "service_tier"});
    EXPECT_TRUE(upstream_.requests().empty());
    expect_success(form("language", "en"));
}

TEST(BodyPolicyOfAConfiguration, TakesFromTheDefaultAndAddsToIt) {
    FakeUpstream upstream;
    ConfigText text(upstream.base_url());
    text.upstreams = upstream_line("first", upstream.base_url(),
                                   "body: {deny: [seed, previous_response_id, service_tier], "
                                   "allow: [models, file_id]}") +
                     upstream_line("second", upstream.base_url());
    text.models =
        "  m: {route: [{upstream: first}], body: {allow: [route]}}\n"
        "  limited: {route: [{upstream: second}], body: {allow: [vector_store_ids]}}\n"
        "  other: {route: [{upstream: second}], body: {deny: [user], allow: [background]}}\n"
        "  both: {route: [{upstream: second}], fallback: [{upstream: first}]}\n";
    text.groups = "  default: {}\n";
    std::string& users = text.users;
    users = "  alice:\n    keys:\n" + key_line("laptop", alice_key);
    Gateway gateway(text);
    struct Row {
        std::string model;
        std::string member;
        std::string param;  ///< "": it passes
    };
    const std::vector<Row> rows{
        {"m", R"("models":["x"])", ""},
        {"m", R"("route":"x")", ""},
        {"m", R"("x":[{"file_id":"f"}])", ""},
        {"m", R"("x":[{"file_ids":["f"]}])", "file_ids"},
        {"m", R"("seed":1)", "seed"},
        {"m", R"("service_tier":"auto")", "service_tier"},
        {"m", R"("previous_response_id":"resp_1")", "previous_response_id"},
        {"limited", R"("models":["x"])", "models"},
        {"limited", R"("seed":1)", ""},
        {"limited", R"("x":[{"vector_store_ids":["v"]}])", ""},
        {"other", R"("user":"u")", "user"},
        {"other", R"("background":true)", ""},
        {"both", R"("seed":1)", "seed"},
        {"both", R"("models":["x"])", "models"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.model + ' ' + row.member);
        const Response response =
            gateway.send(post_json("/v1/responses", alice_key, with(row.member, row.model)));
        if (row.param.empty()) {
            expect_success(response);
        } else {
            expect_error(response,
                         {.status = 400, .code = "field_not_allowed", .param = row.param});
        }
    }
}

// --- ids of responses and conversations ---

std::string response_json(const std::string& id, const std::string& conversation = {}) {
    return R"({"id":")" + id + R"(","object":"response","status":"completed","output":[],)" +
           (conversation.empty() ? "" : R"("conversation":{"id":")" + conversation + R"("},)") +
           R"("usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}})";
}

TEST_F(BodyPolicy, AResponseOfAnotherUserIsNotFound) {
    upstream_.answer(Script().send(json_response(200, response_json("resp_alice", "conv_alice"))));
    expect_success(sent(R"({"model":"m","input":"x"})", "/v1/responses"));
    const auto go_on = [&](std::string_view key, const std::string& member) {
        return sent(with(member), "/v1/responses", key);
    };
    const std::string previous = R"("previous_response_id":"resp_alice")";
    const Response refused = go_on(bob_key, previous);
    expect_error(
        refused,
        {.status = 400, .code = "previous_response_not_found", .param = "previous_response_id"});
    EXPECT_NE(refused.body.find("Previous response with id 'resp_alice' not found."),
              std::string::npos);
    expect_error(
        go_on(bob_key, R"("previous_response_id":"resp\u005falice")"),
        {.status = 400, .code = "previous_response_not_found", .param = "previous_response_id"});
    for (const std::string member :
         {R"("conversation":"conv_alice")", R"("conversation":{"id":"conv_alice"})"}) {
        expect_error(go_on(bob_key, member),
                     {.status = 400, .code = "conversation_not_found", .param = "conversation"});
        expect_success(go_on(alice_key, member));
    }
    expect_success(go_on(alice_key, previous));
    expect_success(go_on(alice_second_key, previous));
    expect_success(go_on(bob_key, R"("previous_response_id":"resp_unknown")"));
}

TEST_F(BodyPolicy, AResponseHasAnOwnerHoweverItsIdIsSpelled) {
    const auto answered = [](const std::string& text) {
        return json_response(
            200, R"({"object":"response","status":"completed","output":[],)" + text + "}");
    };
    const auto streamed = [](const std::string& event) {
        return sse_head() + chunk("event: response.created\ndata: " + event + "\n\n") + chunk("");
    };
    const std::string padding(200'000, 'x');
    struct Row {
        std::string id;
        std::string answer;
        bool is_stream = false;
    };
    const std::vector<Row> rows{
        {"resp_1", answered(R"("i\u0064":"resp_1")")},
        {"resp_2", answered(R"("\u0069\u0064":"resp_2")")},
        {"resp_3", answered(R"("id":"resp\u005f3")")},
        {"resp_4", answered(R"("i\u0064":"resp_4","a":")" + std::string(9'000'000, 'x') + '"')},
        {"resp_5",
         streamed(R"({"type":"response.created","response":{"i\u0064":"resp_5","status":"x"}})"),
         true},
        {"resp_6", streamed(R"({"type":"response.created","r\u0065sponse":{"id":"resp_6"}})"),
         true},
        {"resp_7",
         streamed(R"({"type":"response.created","\u0072esponse":{"a":")" + padding +
                  R"(","\u0069d":"resp_7"}})"),
         true},
        {"resp_8",
         streamed(R"({"response":{"conversation":{"id":"c"},"i\u0064":"resp_8","a":")" + padding +
                  R"("},"type":"response.created"})"),
         true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.id);
        upstream_.answer(Script().send(row.answer));
        const std::string stream = row.is_stream ? R"(,"stream":true)" : "";
        static_cast<void>(sent(R"({"model":"m","input":"x")" + stream + '}', "/v1/responses"));
        expect_error(
            sent(with(R"("previous_response_id":")" + row.id + '"'), "/v1/responses", bob_key),
            {.status = 400,
             .code = "previous_response_not_found",
             .param = "previous_response_id"});
    }
}

TEST_F(BodyPolicy, AStreamedResponseHasAnOwnerFromItsFirstEventOn) {
    const std::string created =
        "event: response.created\ndata: "
        R"({"type":"response.created","sequence_number":0,"response":)" +
        response_json("resp_streamed", "conv_streamed") + "}\n\n";
    const std::string large =
        "event: response.created\ndata: "
        R"({"type":"response.created","sequence_number":0,"response":{"id":"resp_large","instructions":")" +
        std::string(200'000, 'x') + "\"}}\n\n";
    struct Row {
        std::string events;
        std::string id;
    };
    const std::vector<Row> rows{{created, "resp_streamed"}, {large, "resp_large"}};
    for (const Row& row : rows) {
        SCOPED_TRACE(row.id);
        upstream_.answer(Script().send(sse_head() + chunk(row.events) + chunk("")));
        static_cast<void>(sent(R"({"model":"m","input":"x","stream":true})", "/v1/responses"));
        expect_error(
            sent(with(R"("previous_response_id":")" + row.id + '"'), "/v1/responses", bob_key),
            {.status = 400,
             .code = "previous_response_not_found",
             .param = "previous_response_id"});
    }
    expect_error(sent(with(R"("conversation":"conv_streamed")"), "/v1/responses", bob_key),
                 {.status = 400, .code = "conversation_not_found", .param = "conversation"});
}

}  // namespace
}  // namespace sluicegate::support
