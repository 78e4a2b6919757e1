// The embedded upstream, as a client meets it.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class EchoUpstream : public testing::Test {
protected:
    static ConfigText config() {
        ConfigText text("http://127.0.0.1:1/v1");
        text.upstreams += "  local: {kind: echo}\n";
        text.models += "  echo: {limits: {rpm: 8}, route: [{upstream: local}]}\n";
        return text;
    }
    Gateway gateway_{config()};
};

TEST_F(EchoUpstream, AnswersEveryKindInItsShape) {
    struct Row {
        std::string path, body, object;
    };
    const std::vector<Row> rows{
        {"/v1/chat/completions", chat_body("echo"), "chat.completion"},
        {"/v1/completions", R"({"model":"echo","prompt":"hi"})", "text_completion"},
        {"/v1/responses", R"({"model":"echo","input":"hi"})", "response"},
        {"/v1/embeddings", R"({"model":"echo","input":["a","b"]})", "list"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.path);
        const Response response = gateway_.send(post_json(row.path, alice_key, row.body));
        expect_success(response);
        const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
        ASSERT_TRUE(body.is_object()) << response.body;
        EXPECT_EQ(body.value("object", ""), row.object);
        EXPECT_TRUE(body.contains("usage"));
        EXPECT_EQ(response.field("x-ratelimit-limit-requests"), "8");
    }
}

TEST_F(EchoUpstream, StreamsSeveralChunksAndDone) {
    const Response response = gateway_.send(chat_request(alice_key, "echo", true));
    expect_success(response);
    EXPECT_TRUE(response.field("content-type").starts_with("text/event-stream"));
    const std::vector<std::string> events = events_of(response.body);
    ASSERT_GT(events.size(), 3U);
    EXPECT_EQ(events.back(), "[DONE]");
    EXPECT_TRUE(response.body.ends_with(done_event));
    EXPECT_EQ(response.body.find("\"usage\":{"), std::string::npos) << "it was not requested";
}

TEST_F(EchoUpstream, GivesUsageWhenAsked) {
    const Response response = gateway_.send(
        post_json("/v1/chat/completions", alice_key,
                  R"({"model":"echo","stream":true,"stream_options":{"include_usage":true},)"
                  R"("messages":[{"role":"user","content":"hi"}]})"));
    expect_success(response);
    const std::vector<std::string> events = events_of(response.body);
    ASSERT_GT(events.size(), 3U);
    const nlohmann::json usage = nlohmann::json::parse(events[events.size() - 2], nullptr, false);
    EXPECT_TRUE(usage["choices"].empty());
    EXPECT_TRUE(usage["usage"].is_object());
}

TEST_F(EchoUpstream, IsUnderTheLimitsToo) {
    int admitted = 0;
    for (int i = 0; i < 10; ++i) admitted += gateway_.chat(alice_key, "echo").status == 200 ? 1 : 0;
    EXPECT_EQ(admitted, 8);
}

}  // namespace
}  // namespace sluicegate::support
