#include "sluicegate/client/error_reply.hpp"

#include "sluicegate/base/failure_table.hpp"

#include "gateway/in_process_gateway.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace sluicegate::gateway {
namespace {

using namespace client;

using namespace std::chrono_literals;
using test::answer_with;
using test::chat_request;
using test::InProcessGateway;
using testing::HasSubstr;
using testing::Not;

Error error_of(ErrorKind kind, std::string subject = {}) {
    return {
        .kind = kind, .detail = "for the log", .subject = std::move(subject), .retry_after = {}};
}

struct Expected {
    ErrorKind kind;
    unsigned status;
    const char* type;
    const char* code;
    bool may_sdk_retry = true;
    bool must_close = false;
};

constexpr const char* invalid = "invalid_request_error";
constexpr const char* server = "server_error";

/// The documented table of errors, row by row.
const std::vector<Expected> table{
    {ErrorKind::bad_request, 400, invalid, "bad_request", true, true},
    {ErrorKind::header_too_large, 431, invalid, "header_too_large", true, true},
    {ErrorKind::uri_too_long, 414, invalid, "uri_too_long", true, true},
    {ErrorKind::request_timeout, 408, invalid, "request_timeout", false, true},
    {ErrorKind::expectation_failed, 417, invalid, "expectation_failed", true, true},
    {ErrorKind::request_too_large, 413, invalid, "request_too_large", false},
    {ErrorKind::unsupported_media_type, 415, invalid, "unsupported_media_type"},
    {ErrorKind::unsupported_encoding, 415, invalid, "unsupported_media_type"},
    {ErrorKind::unknown_url, 404, invalid, "unknown_url"},
    {ErrorKind::method_not_supported, 405, invalid, "method_not_supported"},
    {ErrorKind::websocket_not_supported, 426, invalid, "websocket_not_supported", false, true},
    {ErrorKind::http_version_not_supported, 505, invalid, "http_version_not_supported", false,
     true},
    {ErrorKind::tls_required, 400, invalid, "tls_required", false, true},
    {ErrorKind::origin_not_allowed, 403, "permission_error", "origin_not_allowed", false},
    {ErrorKind::missing_api_key, 401, invalid, "missing_api_key"},
    {ErrorKind::invalid_authorization_header, 401, invalid, "invalid_authorization_header"},
    {ErrorKind::different_api_keys, 401, invalid, "invalid_authorization_header"},
    {ErrorKind::invalid_api_key, 401, invalid, "invalid_api_key"},
    {ErrorKind::mistyped_api_key, 401, invalid, "invalid_api_key"},
    {ErrorKind::api_key_expired, 401, invalid, "api_key_expired"},
    {ErrorKind::ip_not_allowed, 403, "permission_error", "ip_not_allowed"},
    {ErrorKind::auth_rate_limited, 429, "rate_limit_error", "auth_rate_limited", false, true},
    {ErrorKind::empty_body, 400, invalid, "invalid_json"},
    {ErrorKind::invalid_json, 400, invalid, "invalid_json"},
    {ErrorKind::invalid_body, 400, invalid, "invalid_body"},
    {ErrorKind::duplicate_field, 400, invalid, "duplicate_field"},
    {ErrorKind::misspelt_field, 400, invalid, "misspelt_field"},
    {ErrorKind::field_not_allowed, 400, invalid, "field_not_allowed"},
    {ErrorKind::background_not_supported, 400, invalid, "field_not_allowed"},
    {ErrorKind::invalid_type, 400, invalid, "invalid_type"},
    {ErrorKind::missing_model, 400, invalid, "missing_required_parameter"},
    {ErrorKind::model_mismatch, 400, invalid, "model_mismatch"},
    {ErrorKind::previous_response_not_found, 400, invalid, "previous_response_not_found"},
    {ErrorKind::conversation_not_found, 400, invalid, "conversation_not_found"},
    {ErrorKind::model_not_found, 404, invalid, "model_not_found"},
    {ErrorKind::rate_limited, 429, "rate_limit_error", "429"},
    {ErrorKind::upstream_unreachable, 502, server, "upstream_unreachable"},
    {ErrorKind::upstream_connect_timeout, 504, server, "upstream_connect_timeout"},
    {ErrorKind::upstream_timeout, 504, server, "upstream_timeout", false},
    {ErrorKind::upstream_idle_timeout, 504, server, "upstream_idle_timeout", false},
    {ErrorKind::upstream_total_timeout, 504, server, "upstream_total_timeout", false},
    {ErrorKind::upstream_closed, 502, server, "upstream_closed"},
    {ErrorKind::upstream_bad_response, 502, server, "upstream_bad_response"},
    {ErrorKind::upstream_failed, 502, server, "upstream_failed"},
    {ErrorKind::upstream_auth, 502, server, "upstream_auth_error", false},
    {ErrorKind::upstream_forbidden, 502, server, "upstream_auth_error", false},
    {ErrorKind::upstream_quota, 503, server, "upstream_quota_exhausted", false},
    {ErrorKind::upstream_rate_limited, 429, "rate_limit_error", "upstream_rate_limited"},
    {ErrorKind::upstream_overloaded, 503, server, "upstream_overloaded"},
    {ErrorKind::upstream_unknown_model, 502, server, "upstream_unknown_model", false},
    {ErrorKind::upstream_not_found, 502, server, "upstream_not_found", false},
    {ErrorKind::upstream_not_implemented, 501, server, "upstream_not_implemented", false},
    {ErrorKind::upstream_refused, 502, server, "upstream_refused", false},
    {ErrorKind::upstream_rejected, 400, invalid, "upstream_rejected"},
    {ErrorKind::no_upstream, 503, server, "no_upstream_available"},
    {ErrorKind::overloaded, 503, server, "gateway_overloaded", true, true},
    {ErrorKind::draining, 503, server, "gateway_draining", true, true},
    {ErrorKind::internal, 500, server, "internal_error"},
    {ErrorKind::client_gone, 499, invalid, "client_gone", true, true},
};

TEST(ErrorReply, SaysOfEachKindWhatIsDocumented) {
    ASSERT_EQ(table.size(), static_cast<std::size_t>(ErrorKind::count_));
    for (const Expected& expected : table) {
        SCOPED_TRACE(name_of(expected.kind));
        const FailureReply& reply = failure_row(expected.kind).reply;
        EXPECT_EQ(reply.status, expected.status);
        EXPECT_EQ(reply.type, expected.type);
        EXPECT_EQ(reply.code, expected.code);
        EXPECT_EQ(reply.sdk_retry != SdkRetry::never, expected.may_sdk_retry);
        EXPECT_EQ(reply.connection == ConnectionAfter::ends, expected.must_close);
    }
}

TEST(ErrorReply, BlamesTheSameSideAsTheKindDoes) {
    for (const Expected& expected : table) {
        SCOPED_TRACE(name_of(expected.kind));
        const unsigned status = failure_row(expected.kind).reply.status;
        const bool is_client_status = status < 500;
        // A rate limit of the upstream is a 429 too, so that SDKs wait.
        if (expected.kind == ErrorKind::upstream_rate_limited) continue;
        // HTTP has only a 5xx for a version that the client should not have chosen.
        if (expected.kind == ErrorKind::http_version_not_supported) continue;
        EXPECT_EQ(is_client_status, fault_of(expected.kind) == Fault::client);
    }
}

TEST(ErrorReply, PutsOnlyTheSubjectIntoItsMessage) {
    struct Row {
        ErrorKind kind;
        std::string subject, message, parameter;
    };
    const std::vector<Row> rows{
        {ErrorKind::model_not_found, "gpt-9",
         "The model `gpt-9` does not exist or you do not have access to it.", "model"},
        {ErrorKind::model_not_found, "100%",
         "The model `100%` does not exist or you do not have access to it.", "model"},
        {ErrorKind::missing_model, "", "You must provide a \"model\".", "model"},
        {ErrorKind::duplicate_field, "stream", "The request body names \"stream\" more than once.",
         "stream"},
        {ErrorKind::misspelt_field, "model Mo del",
         "The request body names \"Mo del\", which some servers take for \"model\". Write it as "
         "\"model\".",
         "Mo del"},
        {ErrorKind::field_not_allowed, "api_base",
         "This gateway does not allow \"api_base\" in a request for this model.", "api_base"},
        {ErrorKind::previous_response_not_found, "previous_response_id resp_1",
         "Previous response with id 'resp_1' not found.", "previous_response_id"},
        {ErrorKind::conversation_not_found, "conversation conv_1",
         "Conversation with id 'conv_1' not found.", "conversation"},
        {ErrorKind::invalid_type, "max_tokens", "Invalid value for \"max_tokens\".", "max_tokens"},
        {ErrorKind::invalid_json, "12", "The request body is not valid JSON (offset 12).", ""},
        {ErrorKind::invalid_json, "", "The request body is not valid JSON.", ""},
        {ErrorKind::invalid_body, "", "The request body is not what this endpoint takes.", ""},
        {ErrorKind::unknown_url, "GET /x", "Unknown request URL: GET /x.", ""},
        {ErrorKind::request_too_large, "100", "Request body exceeds 100 bytes.", ""},
        {ErrorKind::method_not_supported, "PUT /x", "PUT is not supported for /x.", ""},
        {ErrorKind::invalid_body, "n", "The request body is not what this endpoint takes (n).", ""},
        {ErrorKind::unknown_url, "GET /[{subject}]{", "Unknown request URL: GET /[{subject}]{.",
         ""},
        {ErrorKind::upstream_failed, "prompt", "The upstream failed to answer the request.", ""},
        {ErrorKind::upstream_auth, "secret", "The gateway's upstream credentials were rejected.",
         ""},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.message);
        const openai::ApiError error = api_error_of(error_of(row.kind, row.subject));
        EXPECT_EQ(error.message, row.message);
        EXPECT_EQ(error.param, row.parameter);
    }
    for (const Expected& expected : table) {
        const std::string message = api_error_of(error_of(expected.kind)).message;
        EXPECT_THAT(message, Not(testing::ContainsRegex("[]{}[]")));
        EXPECT_THAT(message, Not(HasSubstr("for the log")));
    }
}

TEST(ErrorReply, RepeatsTheUpstreamsWordsWhereItSaysSo) {
    const std::set<ErrorKind> that_repeat{
        ErrorKind::upstream_failed,          ErrorKind::upstream_overloaded,
        ErrorKind::upstream_unknown_model,   ErrorKind::upstream_not_found,
        ErrorKind::upstream_not_implemented, ErrorKind::upstream_refused,
        ErrorKind::upstream_rejected};
    for (const Expected& expected : table) {
        SCOPED_TRACE(name_of(expected.kind));
        Error error = error_of(expected.kind);
        error.upstream_words = UpstreamWords("its words", Redaction());
        const bool repeats = that_repeat.contains(expected.kind);
        const std::string message = api_error_of(error).message;
        EXPECT_EQ(message.ends_with(": its words."), repeats) << message;
        EXPECT_EQ(message.find("words") != std::string::npos, repeats);
    }
}

struct Reply {
    const char* name;
    std::string request;
    std::string status;
    std::vector<std::string> has;
    std::vector<std::string> has_not;
};

TEST(ErrorReply, CarriesTheFieldsOfItsKind) {
    const std::string no_key = "GET /v1/models HTTP/1.1\r\nhost: x\r\n";
    const std::string json_type = "\r\ncontent-type: application/json\r\n";
    const std::vector<Reply> rows{
        {"no key",
         no_key + "\r\n",
         "401 Unauthorized",
         {"\r\nwww-authenticate: Bearer realm=\"sluicegate\"\r\n", json_type,
          "\"code\":\"missing_api_key\"", "\r\nx-request-id: req_",
          "\r\ncache-control: no-store\r\n", "\r\nx-content-type-options: nosniff\r\n"},
         {"x-should-retry", "connection:"}},
        {"another scheme",
         no_key + "authorization: Basic eA==\r\n\r\n",
         "401 Unauthorized",
         {"realm=\"sluicegate\", error=\"invalid_request\"\r\n"},
         {"Basic"}},
        {"a wrong key",
         no_key + "authorization: Bearer sk-mallory\r\n\r\n",
         "401 Unauthorized",
         {"realm=\"sluicegate\", error=\"invalid_token\"\r\n"},
         {"mallory"}},
        {"a wrong method",
         "DELETE /v1/models HTTP/1.1\r\nhost: x\r\n\r\n",
         "405 Method Not Allowed",
         {"\r\nallow: GET, HEAD\r\n", "DELETE is not supported for /v1/models."},
         {}},
        {"an unknown address",
         "GET /v1/nothing HTTP/1.1\r\nhost: x\r\n\r\n",
         "404 Not Found",
         {"\"code\":\"unknown_url\"", "GET /v1/nothing"},
         {"allow:"}},
        {"a compressed body",
         chat_request({.fields = "content-encoding: compress\r\n"}),
         "415 Unsupported Media Type",
         {"\r\naccept-encoding: gzip, deflate, br, zstd\r\n"},
         {}},
        {"an unknown model",
         chat_request({.body = R"({"model":"other"})"}),
         "404 Not Found",
         {"\"param\":\"model\"", "`other`"},
         {}},
        {"no JSON", chat_request({.body = "hello"}), "400 Bad Request", {"\"invalid_json\""}, {}},
        {"malformed",
         "GET / HTTP/1.1\r\nhost : x\r\n\r\n",
         "400 Bad Request",
         {"\r\nconnection: close\r\n"},
         {}},
        {"HTTP/1.0 without a host",
         "GET /v1/models HTTP/1.0\r\n\r\n",
         "401 Unauthorized",
         {"\r\nconnection: close\r\n"},
         {}},
        {"HTTP/1.0 that stays",
         "GET /v1/models HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
         "401 Unauthorized",
         {"\r\nconnection: keep-alive\r\n"},
         {}},
    };
    for (const Reply& row : rows) {
        SCOPED_TRACE(row.name);
        InProcessGateway gateway;
        test::RawPeer& client = gateway.connect();
        client.send(row.request);
        gateway.settle();
        const std::string reply = client.received();
        EXPECT_TRUE(reply.starts_with("HTTP/1.1 " + row.status + "\r\n")) << reply;
        for (const std::string& text : row.has) EXPECT_THAT(reply, HasSubstr(text));
        for (const std::string& text : row.has_not) EXPECT_THAT(reply, Not(HasSubstr(text)));
        EXPECT_TRUE(gateway.upstreams.empty());
    }
}

TEST(ErrorReply, AnswersHeadWithoutABody) {
    InProcessGateway gateway;
    test::RawPeer& client = gateway.connect();
    client.send("HEAD /v1/models HTTP/1.1\r\nhost: x\r\n\r\n");
    gateway.settle();
    const std::string reply = client.received();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 401 ")) << reply;
    EXPECT_TRUE(reply.ends_with("\r\n\r\n")) << reply;
    EXPECT_THAT(reply, Not(HasSubstr("content-length: 0\r\n")));
}

TEST(ErrorReply, TellsWhenALimitLetsTheNextRequestIn) {
    InProcessGateway gateway({.rpm = 1, .tpm = {}, .concurrency = {}});
    test::RawPeer& client = gateway.connect();
    client.send(chat_request());
    gateway.settle();
    ASSERT_EQ(gateway.upstreams.size(), 1U);
    gateway.upstreams[0].send(
        answer_with("200 OK", "content-type: application/json\r\n", test::chat_answer));
    gateway.settle();
    EXPECT_THAT(client.received(), HasSubstr("\r\nx-ratelimit-remaining-requests: 0\r\n"));

    gateway.pass(500ms);
    client.send(chat_request());
    gateway.settle();
    const std::string reply = client.received();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 429 Too Many Requests\r\n")) << reply;
    EXPECT_TRUE(reply.ends_with(std::string("\r\n\r\n").append(openai::rate_limit_body)));
    EXPECT_THAT(reply, HasSubstr("\r\nretry-after: 60\r\n"));
    EXPECT_THAT(reply, testing::ContainsRegex("\r\nretry-after-ms: (59[5-9]|60000)"));
    EXPECT_THAT(reply, HasSubstr("\r\nx-ratelimit-limit-requests: 1\r\n"));
    EXPECT_THAT(reply, HasSubstr("\r\nx-ratelimit-reset-requests: 59.5s\r\n"));
    EXPECT_THAT(reply, HasSubstr("\r\nx-sluicegate-limit: rpm\r\n"));
    EXPECT_THAT(reply, Not(HasSubstr("x-should-retry")));
}

TEST(ErrorReply, ARequestThatCanNeverFitIsNotToBeTriedAgain) {
    InProcessGateway gateway({.rpm = 0, .tpm = {}, .concurrency = {}});
    test::RawPeer& client = gateway.connect();
    client.send(chat_request());
    gateway.settle();
    const std::string reply = client.received();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 429 ")) << reply;
    EXPECT_THAT(reply, HasSubstr("\r\nx-should-retry: false\r\n"));
    EXPECT_THAT(reply, Not(HasSubstr("retry-after")));
}

TEST(ErrorReply, TurnsUpstreamFailuresIntoOursWithoutTheirWords) {
    struct Row {
        const char* name;
        std::string answer;
        std::string status;
        std::vector<std::string> has;
        std::vector<std::string> has_not;
    };
    const std::string json = "content-type: application/json\r\n";
    const std::string no_retry = "\r\nx-should-retry: false\r\n";
    const std::string secret = R"({"error":{"message":"key sk-provider"}})";
    const std::vector<Row> rows{
        {"401",
         answer_with("401 No", json, secret),
         "502 Bad Gateway",
         {"upstream_auth_error", no_retry},
         {"retry-after"}},
        {"403",
         answer_with("403 No", json, secret),
         "502 Bad Gateway",
         {"upstream_auth_error", no_retry},
         {}},
        {"402",
         answer_with("402 Pay", json, secret),
         "503 Service Unavailable",
         {"upstream_quota_exhausted", no_retry},
         {}},
        {"429",
         answer_with("429 Slow", json, secret),
         "429 Too Many Requests",
         {"upstream_rate_limited", "\r\nretry-after: 1\r\nretry-after-ms: 1000\r\n"},
         {"x-should-retry"}},
        {"429 with a time",
         answer_with("429 Slow", "retry-after: 7\r\n" + json, secret),
         "429 Too Many Requests",
         {"\r\nretry-after: 7\r\nretry-after-ms: 7000\r\n"},
         {"x-should-retry"}},
        {"429 with a long time",
         answer_with("429 Slow", "retry-after: 61\r\n" + json, secret),
         "429 Too Many Requests",
         {"\r\nretry-after: 61\r\n", no_retry},
         {}},
        {"429 of a spent quota",
         answer_with("429 Slow", json, R"({"error":{"code":"insufficient_quota"}})"),
         "503 Service Unavailable",
         {"upstream_quota_exhausted", no_retry},
         {}},
        {"500", answer_with("500 Oh", json, secret), "502 Bad Gateway", {"upstream_failed"}, {}},
        {"503",
         answer_with("503 Busy", json, secret),
         "503 Service Unavailable",
         {"upstream_overloaded", "\r\nretry-after: 1\r\n"},
         {}},
        {"529",
         answer_with("529 Busy", json, secret),
         "503 Service Unavailable",
         {"upstream_overloaded"},
         {}},
        {"302",
         answer_with("302 There", "location: http://elsewhere/\r\n", ""),
         "502 Bad Gateway",
         {"upstream_bad_response"},
         {"elsewhere"}},
        {"no HTTP", "hello\r\n\r\n", "502 Bad Gateway", {"upstream_bad_response"}, {"hello"}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        InProcessGateway gateway;
        test::RawPeer& client = gateway.connect();
        client.send(chat_request());
        gateway.settle();
        ASSERT_EQ(gateway.upstreams.size(), 1U);
        gateway.upstreams[0].send(row.answer);
        gateway.settle();
        const std::string reply = client.received();
        EXPECT_TRUE(reply.starts_with("HTTP/1.1 " + row.status + "\r\n")) << reply;
        EXPECT_THAT(reply, Not(HasSubstr("sk-provider")));
        EXPECT_THAT(reply, Not(HasSubstr("connection:"))) << "the client may go on";
        for (const std::string& text : row.has) EXPECT_THAT(reply, HasSubstr(text));
        for (const std::string& text : row.has_not) EXPECT_THAT(reply, Not(HasSubstr(text)));
        client.send(chat_request());
        gateway.settle();
        EXPECT_FALSE(client.has_ended());
    }
}

}  // namespace
}  // namespace sluicegate::gateway
