#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class Credentials : public testing::Test {
protected:
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};

    Response chat_with(const std::string& fields) {
        return gateway_.send(request("POST", "/v1/chat/completions",
                                     fields + "Content-Type: application/json\r\n",
                                     chat_body("m")));
    }
};

TEST_F(Credentials, AreReadFromFourFields) {
    const std::string key(alice_key);
    for (const std::string& fields :
         {"Authorization: Bearer " + key, "authorization: bearer " + key, "api-key: " + key,
          "x-api-key: " + key, "X-Goog-Api-Key: " + key}) {
        SCOPED_TRACE(fields);
        expect_success(chat_with(fields + "\r\n"));
    }
    for (const ReceivedRequest& received : upstream_.requests()) {
        EXPECT_EQ(received.head.value("authorization"), "Bearer " + std::string(upstream_key));
        EXPECT_EQ(received.head.count("authorization"), 1U);
    }
}

TEST_F(Credentials, TheSameInSeveralFieldsIsOne) {
    const std::string key(alice_key);
    for (const std::string& fields :
         {bearer(key) + "api-key: " + key + "\r\n", bearer(key) + bearer(key),
          "x-api-key: " + key + "\r\nX-Goog-Api-Key: " + key + "\r\n" + bearer(key),
          "Authorization: Bearer\r\nx-api-key: " + key + "\r\n"}) {
        SCOPED_TRACE(fields);
        expect_success(chat_with(fields));
        expect_success(gateway_.get("/v1/models", fields));
    }
}

TEST_F(Credentials, DifferentOnesAreRefusedByTheNamesOfTheirFields) {
    const std::string alice(alice_key);
    const Response response =
        chat_with(bearer("sk-stale") + "x-api-key: " + alice + "\r\napi-key: " + alice + "\r\n");
    expect_error(response,
                 {.status = 401,
                  .code = "invalid_authorization_header",
                  .message = "The request carries different API keys, in Authorization, api-key "
                             "and x-api-key. Send one key, as \"Authorization: Bearer KEY\"."});
    EXPECT_EQ(response.body.find("sk-stale"), std::string::npos);
}

TEST_F(Credentials, MustBeExactlyOneAndWellFormed) {
    const std::string alice(alice_key);
    const std::string bob(bob_key);
    struct Row {
        std::string name;
        std::string fields;
        std::string code;
    };
    const std::vector<Row> rows{
        {"none", "", "missing_api_key"},
        {"two fields", bearer(alice) + "x-api-key: " + bob + "\r\n",
         "invalid_authorization_header"},
        {"twice the same field", bearer(alice) + bearer(bob), "invalid_authorization_header"},
        {"api-key twice", "api-key: " + alice + "\r\napi-key: " + bob + "\r\n",
         "invalid_authorization_header"},
        {"another scheme", "Authorization: Basic " + alice + "\r\n",
         "invalid_authorization_header"},
        {"no scheme", "Authorization: " + alice + "\r\n", "invalid_authorization_header"},
        {"two words", "Authorization: Bearer " + alice + " x\r\n", "invalid_authorization_header"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Response response = chat_with(row.fields);
        expect_error(response, {.status = 401, .code = row.code});
        EXPECT_TRUE(response.field("www-authenticate").starts_with("Bearer"));
        EXPECT_EQ(response.body.find(alice), std::string::npos);
    }
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(Credentials, AMissingOneIsExplained) {
    expect_error(chat_with(""),
                 {.status = 401,
                  .code = "missing_api_key",
                  .message = "No API key provided. Send it as \"Authorization: Bearer KEY\"."});
}

TEST_F(Credentials, AnEmptyKeyIsNone) {
    for (const std::string fields : {"Authorization: Bearer\r\n", "Authorization: Bearer \r\n"}) {
        expect_error(chat_with(fields), {.status = 401, .code = "missing_api_key"});
    }
}

TEST_F(Credentials, AWrongKeyIs401AndNeverEchoed) {
    const std::string wrong = "sk-sg-wrong-8888888888";
    const Response response = chat_with(bearer(wrong));
    expect_error(
        response,
        {.status = 401, .code = "invalid_api_key", .message = "Incorrect API key provided."});
    EXPECT_NE(response.field("www-authenticate").find("error=\"invalid_token\""),
              std::string::npos);
    EXPECT_EQ(response.body.find(wrong), std::string::npos);
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(Credentials, AnExpiredKeyIs401) {
    expect_error(chat_with(bearer(expired_key)), {.status = 401, .code = "api_key_expired"});
}

TEST_F(Credentials, AKeyIsBoundToItsAddresses) {
    expect_error(chat_with(bearer(elsewhere_key)),
                 {.status = 403, .type = "permission_error", .code = "ip_not_allowed"});
    // What a client claims about its address has no effect.
    expect_error(chat_with(bearer(elsewhere_key) + "X-Forwarded-For: 10.0.0.1\r\n"
                                                   "Forwarded: for=10.0.0.1\r\n"),
                 {.status = 403, .type = "permission_error", .code = "ip_not_allowed"});
    EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(Credentials, AKeyMayUseItsModelsOnly) {
    const Response refused = gateway_.chat(narrow_key, "m");
    const Response unknown = gateway_.chat(narrow_key, "no-such-model");
    expect_error(refused,
                 {.status = 404,
                  .code = "model_not_found",
                  .message = "The model `m` does not exist or you do not have access to it.",
                  .param = "model"});
    EXPECT_EQ(unknown.status, 404);
    expect_success(gateway_.chat(narrow_key, "other"));
}

TEST_F(Credentials, AreCheckedBeforeTheBodyIsRead) {
    TestClient client = gateway_.connect();
    client.send(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        "Content-Length: 100000\r\n\r\n");
    expect_error(client.read_response(), {.status = 401, .code = "missing_api_key"});
}

TEST_F(Credentials, AreSeparateForEachRequestOfAConnection) {
    TestClient client = gateway_.connect();
    client.send(chat_request(alice_key, "m"));
    expect_success(client.read_response());
    client.send(request("GET", "/v1/models", ""));
    expect_error(client.read_response("GET"), {.status = 401, .code = "missing_api_key"});
}

}  // namespace
}  // namespace sluicegate::support
