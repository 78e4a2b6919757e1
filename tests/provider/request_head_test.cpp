#include "sluicegate/provider/request_head.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluicegate::provider {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string head_for(const config::Upstream& upstream, const http::RequestHead& client,
                     std::string_view idempotency_key = "") {
    std::string out;
    append_request_head(out, {.upstream = upstream,
                              .endpoint = 0,
                              .asked = openai::Endpoint::chat_completions,
                              .model = "m",
                              .head = client,
                              .query = client.query,
                              .fixed_fields = "host: api.test\r\n",
                              .request_id = "req_1",
                              .body_bytes = 17,
                              .idempotency_key = idempotency_key});
    return out;
}

config::Upstream plain_provider() {
    config::Upstream upstream;
    upstream.endpoints = {{.tls = true, .host = "api.test", .port = 443, .path_prefix = "/v1"}};
    return upstream;
}

TEST(RequestHead, IsWrittenAnew) {
    http::RequestHead client;
    client.query = "beta=true&a=1";
    EXPECT_EQ(
        head_for(plain_provider(), client),
        "POST /v1/chat/completions?beta=true HTTP/1.1\r\nhost: api.test\r\n"
        "x-request-id: req_1\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n");
}

TEST(RequestHead, CarriesOnlyTheClientsFieldsOnTheList) {
    http::RequestHead client;
    for (const char* name : {"content-type", "Traceparent", "authorization", "cookie", "x-mine",
                             "connection", "x-forwarded-for", "accept-encoding"}) {
        ASSERT_TRUE(client.fields.add(name, "the-value"));
    }
    const std::string head = head_for(plain_provider(), client);
    EXPECT_THAT(head,
                HasSubstr("\r\ncontent-type: application/json\r\ntraceparent: the-value\r\n"));
    for (const char* name : {"authorization", "cookie", "x-mine", "connection", "x-forwarded-for",
                             "accept-encoding"}) {
        EXPECT_THAT(head, Not(HasSubstr(name)));
    }
}

TEST(RequestHead, NamesTheTypeThatWasChecked) {
    http::RequestHead client;
    ASSERT_TRUE(client.fields.add("content-type", "application/json; charset=utf-7"));
    struct Row {
        const char* boundary;
        const char* type;
    };
    for (const Row& row :
         {Row{"", "application/json"}, Row{"--b0", "multipart/form-data; boundary=--b0"},
          Row{"a'+_-.b", "multipart/form-data; boundary=a'+_-.b"},
          Row{"a b:/=?(),", "multipart/form-data; boundary=\"a b:/=?(),\""}}) {
        std::string head;
        const config::Upstream upstream = plain_provider();
        append_request_head(head, {.upstream = upstream,
                                   .endpoint = 0,
                                   .asked = openai::Endpoint::chat_completions,
                                   .model = "m",
                                   .head = client,
                                   .query = client.query,
                                   .fixed_fields = "",
                                   .request_id = "req_1",
                                   .body_bytes = 17,
                                   .boundary = row.boundary});
        EXPECT_THAT(head, HasSubstr("\r\ncontent-type: " + std::string(row.type) + "\r\n"));
        EXPECT_THAT(head, Not(HasSubstr("utf-7")));
    }
}

TEST(RequestHead, NeverCarriesTheClientsOwnIdempotencyKey) {
    http::RequestHead client;
    ASSERT_TRUE(client.fields.add("Idempotency-Key", "order-1"));
    EXPECT_THAT(head_for(plain_provider(), client), Not(HasSubstr("idempotency-key")));
    const std::string head = head_for(plain_provider(), client, "bound-to-the-user");
    EXPECT_THAT(head, HasSubstr("\r\nidempotency-key: bound-to-the-user\r\n"));
    EXPECT_THAT(head, Not(HasSubstr("order-1")));
    config::Upstream upstream = plain_provider();
    upstream.headers = {{.name = "idempotency-key", .value = Secret("the-operators")}};
    EXPECT_THAT(head_for(upstream, client, "bound-to-the-user"), Not(HasSubstr("idempotency-key")));
}

TEST(RequestHead, LeavesToTheOperatorWhatTheOperatorSets) {
    http::RequestHead client;
    ASSERT_TRUE(client.fields.add("openai-beta", "the-clients"));
    config::Upstream upstream = plain_provider();
    upstream.headers = {{.name = "openai-beta", .value = Secret("the-operators")}};
    EXPECT_THAT(head_for(upstream, client), Not(HasSubstr("openai-beta")))
        << "it is among the fixed fields";
}

}  // namespace
}  // namespace sluicegate::provider
