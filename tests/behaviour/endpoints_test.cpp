// Which paths and methods exist, and the model list.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class Endpoints : public testing::Test {
protected:
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};
};

std::set<std::string> ids_of(const Response& response) {
    std::set<std::string> out;
    const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
    if (!body.is_object() || body.value("object", "") != "list") return out;
    for (const auto& model : body["data"]) {
        EXPECT_EQ(model.value("object", ""), "model");
        EXPECT_TRUE(model["created"].is_number_integer());
        EXPECT_TRUE(model["owned_by"].is_string());
        out.insert(model["id"]);
    }
    return out;
}

TEST_F(Endpoints, PostRoutesReachTheUpstreamUnderItsOwnPrefix) {
    const std::vector<std::string> paths{"/chat/completions",   "/completions", "/responses",
                                         "/embeddings",         "/moderations", "/rerank",
                                         "/images/generations", "/audio/speech"};
    for (const std::string& path : paths) {
        for (const std::string prefix : {"/v1", "", "/v1/"}) {
            SCOPED_TRACE(prefix + path);
            const std::size_t before = upstream_.requests().size();
            expect_success(
                gateway_.send(post_json(prefix + path, alice_key, R"({"model":"m","input":"x"})")));
            ASSERT_EQ(upstream_.requests().size(), before + 1);
            EXPECT_EQ(upstream_.requests().back().target(), "/v1" + path);
            EXPECT_EQ(upstream_.requests().back().method(), "POST");
        }
    }
}

TEST_F(Endpoints, UnknownPathsAre404WithoutAKeyToo) {
    for (const std::string path :
         {"/v1", "/v2/models", "/v1/chat", "/metrics", "/livez", "/v1/../admin", "/v1/health"}) {
        SCOPED_TRACE(path);
        const Response response = gateway_.get(path, "");
        if (path == "/v1/../admin" && response.status == 400) continue;
        expect_error(response, {.status = 404,
                                .code = "unknown_url",
                                .message = "Unknown request URL: GET " + path + "."});
    }
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(Endpoints, TheLikelyCauseOfA404IsNamed) {
    struct Row {
        std::string method, path, cause;
    };
    const std::vector<Row> rows{
        {"POST", "/v1/messages?beta=true", "Anthropic's API"},
        {"POST", "/v1beta/models/g:generateContent", "Gemini's API"},
        {"POST", "/v1/models/g:generateContent", "Gemini's API"},
        {"GET", "/v1/files", "Files are not served"},
        {"POST", "/v1/batches", "Batches are not served"},
        {"GET", "/v1/realtime", "The realtime API is not served"},
        {"GET", "/v1/responses/resp_1", "Stored answers are not served"},
        {"POST", "/v1/v1/chat/completions", "/v1 twice"},
        {"POST", "/v1/chat/completions/chat/completions", "an endpoint twice"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.path);
        const Response response =
            gateway_.send(request(row.method, row.path, bearer(alice_key)), row.method);
        expect_error(response, {.status = 404, .code = "unknown_url"});
        EXPECT_NE(response.body.find("Unknown request URL: " + row.method + " /"),
                  std::string::npos);
        EXPECT_NE(response.body.find(row.cause), std::string::npos) << response.body;
    }
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(Endpoints, HealthTellsNothingAndNeedsNoKey) {
    TestClient client = gateway_.connect();
    for (const std::string path : {"/health", "/", "/health/", "/?x=y"}) {
        SCOPED_TRACE(path);
        client.send(request("GET", path, ""));
        const Response get = client.read_response("GET");
        expect_success(get);
        EXPECT_EQ(get.body, "");
        client.send(request("HEAD", path, "Authorization: Bearer wrong\r\n"));
        expect_success(client.read_response("HEAD"));
        client.send(request("POST", path, ""));
        const Response post = client.read_response();
        expect_error(post, {.status = 405, .code = "method_not_supported"});
        EXPECT_EQ(post.field("allow"), "GET, HEAD");
    }
    EXPECT_EQ(gateway_.daemon().log().find("\"endpoint\":\"health\",\"status\":200"),
              std::string::npos);
}

TEST_F(Endpoints, AzuresPathsNameTheModel) {
    const std::string json = R"({"messages":[],"input":"x"})";
    struct Row {
        std::string path, body, upstream_path, upstream_body;
    };
    const std::vector<Row> rows{
        {"/openai/deployments/m/chat/completions?api-version=2024-10-21", json,
         "/v1/chat/completions", R"({"model":"m","messages":[],"input":"x"})"},
        {"/openai/deployments/m/chat/completions", R"({"messages":[],"model":"m"})",
         "/v1/chat/completions", R"({"messages":[],"model":"m"})"},
        {"/openai/deployments/renamed/embeddings/?api-version=x", "{}", "/v1/embeddings",
         R"({"model":"provider/renamed-2024"})"},
        {"/openai/deployments/%6D/responses", R"({"model":null})", "/v1/responses",
         R"({"model":"m"})"},
        {"/v1/deployments/m/completions", R"({"model":"m"})", "/v1/completions",
         R"({"model":"m"})"},
        {"/openai/v1/chat/completions?api-version=preview", R"({"model":"m"})",
         "/v1/chat/completions?api-version=preview", R"({"model":"m"})"},
        {"/openai/responses", R"({"model":"m"})", "/v1/responses", R"({"model":"m"})"},
        {"/v1/chat/completions/", R"({"model":"m"})", "/v1/chat/completions", R"({"model":"m"})"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.path);
        expect_success(gateway_.send(
            request("POST", row.path,
                    "api-key: " + std::string(alice_key) + "\r\nContent-Type: application/json\r\n",
                    row.body)));
        const ReceivedRequest received = upstream_.requests().back();
        EXPECT_EQ(received.target(), row.upstream_path);
        EXPECT_EQ(received.body, row.upstream_body);
    }
    const std::size_t before = upstream_.requests().size();
    expect_error(
        gateway_.send(post_json("/openai/deployments/nope/chat/completions", alice_key, json)),
        {.status = 404, .code = "model_not_found", .param = "model"});
    expect_error(
        gateway_.send(post_json("/openai/deployments/m/chat/completions?api-version=2024-10-21",
                                alice_key, R"({"model":"other","messages":[]})")),
        {.status = 400,
         .code = "model_mismatch",
         .message = "The URL names the model `m`, and the request body another one. Name the same "
                    "model in both, or none in the body.",
         .param = "model"});
    expect_error(
        gateway_.send(post_json("/openai/deployments/m/chat/completions", "sk-wrong", json)),
        {.status = 401, .code = "invalid_api_key"});
    EXPECT_EQ(upstream_.requests().size(), before);
}

TEST_F(Endpoints, AzuresFormsNeedNoModelEither) {
    const std::string file =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n";
    expect_success(gateway_.send(
        request("POST", "/openai/deployments/m/audio/transcriptions?api-version=2024-10-21",
                bearer(alice_key) + "Content-Type: multipart/form-data; boundary=\"b\"\r\n",
                "preamble\r\n" + file + "--b--\r\nepilogue")));
    const ReceivedRequest received = upstream_.requests().back();
    EXPECT_EQ(received.target(), "/v1/audio/transcriptions");
    EXPECT_EQ(received.head.value("content-type"), "multipart/form-data; boundary=b");
    EXPECT_EQ(received.body, "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n" +
                                 file + "--b--");
}

TEST(EndpointDefaults, GiveAModerationItsModel) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.streams = "defaults: {moderations: renamed}\n";
    const Gateway gateway(config);
    expect_success(gateway.send(post_json("/v1/moderations", alice_key, R"({"input":"x"})")));
    EXPECT_EQ(upstream.requests().back().body, R"({"model":"provider/renamed-2024","input":"x"})");
    expect_success(
        gateway.send(post_json("/v1/moderations", alice_key, R"({"input":"x","model":"m"})")));
    EXPECT_EQ(upstream.requests().back().body, R"({"input":"x","model":"m"})");
    expect_error(gateway.send(post_json("/v1/moderations", narrow_key, R"({"input":"x"})")),
                 {.status = 404, .code = "model_not_found", .param = "model"});
    expect_error(gateway.send(post_json("/v1/embeddings", alice_key, R"({"input":"x"})")),
                 {.status = 400, .code = "missing_required_parameter", .param = "model"});
}

TEST_F(Endpoints, StatefulResourcesAreRefused) {
    for (const std::string path : {"/v1/files", "/v1/batches", "/v1/responses/resp_1",
                                   "/v1/fine_tuning/jobs", "/v1/organization/usage"}) {
        SCOPED_TRACE(path);
        const Response response = gateway_.get(path, bearer(alice_key));
        expect_error(response, {.status = 404, .code = "unknown_url"});
    }
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(Endpoints, AWrongMethodIs405WithAllow) {
    struct Row {
        std::string method, path, allow;
    };
    const std::vector<Row> rows{{"GET", "/v1/chat/completions", "POST"},
                                {"DELETE", "/v1/chat/completions", "POST"},
                                {"PUT", "/embeddings", "POST"},
                                {"POST", "/v1/models", "GET, HEAD"},
                                {"DELETE", "/v1/models/m", "GET, HEAD"}};
    for (const Row& row : rows) {
        SCOPED_TRACE(row.method + " " + row.path);
        const Response response =
            gateway_.send(request(row.method, row.path, bearer(alice_key)), row.method);
        expect_error(response, {.status = 405,
                                .code = "method_not_supported",
                                .message = row.method + " is not supported for " + row.path + "."});
        EXPECT_EQ(response.field("allow"), row.allow);
    }
}

TEST_F(Endpoints, HeadOnAPostRouteIs405WithoutABody) {
    TestClient client = gateway_.connect();
    client.send(request("HEAD", "/v1/chat/completions", bearer(alice_key)));
    const Response response = client.read_response("HEAD");
    EXPECT_EQ(response.status, 405);
    EXPECT_EQ(response.field("allow"), "POST");
    client.send(request("GET", "/v1/models", bearer(alice_key) + "Connection: close\r\n"));
    EXPECT_EQ(client.read_response("GET").status, 200) << "a body must not follow";
}

TEST_F(Endpoints, TheModelListHoldsWhatTheKeyMayUse) {
    const Response all = gateway_.get("/v1/models", bearer(alice_key));
    expect_success(all);
    EXPECT_EQ(ids_of(all),
              (std::set<std::string>{"m", "limited", "other", "renamed", "forbidden"}));
    EXPECT_EQ(ids_of(gateway_.get("/models", bearer(narrow_key))), std::set<std::string>{"other"});
    EXPECT_EQ(ids_of(gateway_.get("//v1//models", bearer(narrow_key))),
              std::set<std::string>{"other"});
    expect_error(gateway_.get("/v1/models", ""), {.status = 401, .code = "missing_api_key"});
    EXPECT_TRUE(upstream_.requests().empty()) << "the list comes from the configuration";
}

TEST_F(Endpoints, OneModelIsFoundByItsId) {
    const Response found = gateway_.get("/v1/models/m", bearer(alice_key));
    expect_success(found);
    EXPECT_EQ(nlohmann::json::parse(found.body).value("id", ""), "m");
    for (const std::string_view target : {"/v1/models/nope", "/v1/models/m"}) {
        expect_error(gateway_.get(target, bearer(narrow_key)),
                     {.status = 404, .code = "model_not_found", .param = "model"});
    }
}

TEST_F(Endpoints, HeadAnswersLikeGetWithoutItsBody) {
    TestClient client = gateway_.connect();
    client.send(request("HEAD", "/v1/models", bearer(alice_key)));
    const Response head = client.read_response("HEAD");
    EXPECT_EQ(head.status, 200);
    const Response get = gateway_.get("/v1/models", bearer(alice_key));
    EXPECT_EQ(head.field("content-length"), std::to_string(get.body.size()));
    client.send(request("GET", "/v1/models", bearer(alice_key)));
    expect_success(client.read_response("GET"));
}

TEST(EndpointModels, IdsMayHoldSlashesAndEscapes) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.models += "  \"org/x:y\": {route: [{upstream: up}]}\n";
    const Gateway gateway(config);
    for (const std::string target :
         {"/v1/models/org/x:y", "/models/org%2Fx%3Ay", "/v1/models/org/%78:y"}) {
        SCOPED_TRACE(target);
        const Response response = gateway.get(target, bearer(alice_key));
        expect_success(response);
        EXPECT_EQ(nlohmann::json::parse(response.body, nullptr, false).value("id", ""), "org/x:y");
    }
}

}  // namespace
}  // namespace sluicegate::support
