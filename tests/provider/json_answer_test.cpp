#include "sluicegate/provider/json_answer.hpp"

#include <gtest/gtest.h>

namespace sluicegate::provider {
namespace {

constexpr std::string_view chat_answer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}})";

Result<JsonAnswer> judged(std::string_view body, bool is_streaming, bool is_delimited = true) {
    config::Upstream upstream;
    upstream.name = "provider";
    openai::Inspection inspection;
    inspection.is_streaming = is_streaming;
    const AskedFor asked{.endpoint = openai::Endpoint::chat_completions, .inspection = inspection};
    return judge_json(upstream, Redaction(), asked, body, is_delimited);
}

TEST(JsonAnswer, IsPassedOnWithItsUsage) {
    auto answer = judged(chat_answer, false);
    ASSERT_TRUE(answer);
    ASSERT_TRUE(answer->facts.usage);
    EXPECT_EQ(answer->facts.finish_reason, "stop");
    EXPECT_EQ(answer->events, "");
}

TEST(JsonAnswer, BecomesAStreamForAClientThatAskedForOne) {
    auto answer = judged(chat_answer, true);
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->events.starts_with("data: {"));
    EXPECT_TRUE(answer->events.ends_with("data: [DONE]\n\n"));
}

TEST(JsonAnswer, ThatIsOfNoUseIsAFailure) {
    struct Row {
        const char* name;
        std::string_view body;
        bool is_streaming;
        bool is_delimited;
        ErrorKind kind;
    };
    const std::string_view cut = chat_answer.substr(0, chat_answer.size() - 1);
    const std::string_view error = R"({"error":{"message":"busy"}})";
    const Row rows[] = {
        {"not whole", cut, false, true, ErrorKind::upstream_bad_response},
        {"cut by the connection's end", cut, false, false, ErrorKind::upstream_closed},
        {"an error for a stream", error, true, true, ErrorKind::upstream_failed},
        {"an error", error, false, true, ErrorKind::upstream_failed},
        {"no answer for a stream", R"({"object":"list"})", true, true,
         ErrorKind::upstream_bad_response},
        {"no answer", R"({"object":"chat.completion"})", false, true,
         ErrorKind::upstream_bad_response},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        auto answer = judged(row.body, row.is_streaming, row.is_delimited);
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, row.kind);
        EXPECT_TRUE(answer.error().detail.starts_with("provider "));
    }
}

}  // namespace
}  // namespace sluicegate::provider
