// What a 429 says: the number or the text, the tokens that were asked for, and a vain wait.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluicegate::support {
namespace {

constexpr std::string_view text_rejection =
    R"({"error":{"message":"Rate limit exceeded. Please try again later.",)"
    R"("type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}})";

std::string chat_of_tokens(std::string_view model, int tokens) {
    return post_json("/v1/chat/completions", alice_key,
                     R"({"model":")" + std::string(model) + R"(","messages":[],"max_tokens":)" +
                         std::to_string(tokens) + "}");
}

TEST(RejectionCode, IsATextWhereTheOperatorWantsOne) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.limiter_lines = "  rejection_code: rate_limit_exceeded\n";
    const Gateway gateway(config);
    const Response refused = gateway.chat(alice_key, "forbidden");
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.body, text_rejection);
    for (int i = 0; i < 3; ++i) expect_success(gateway.chat(alice_key, "limited"));
    EXPECT_EQ(gateway.stream(alice_key, "limited").body, text_rejection);
    const Response embeddings =
        gateway.send(post_json("/v1/embeddings", alice_key, R"({"model":"limited","input":"x"})"));
    EXPECT_EQ(embeddings.body, text_rejection);
    EXPECT_EQ(embeddings.field("x-sluicegate-limit"), "rpm");
    EXPECT_EQ(embeddings.field("x-sluicegate-requested-tokens"), "");
}

TEST(RejectionCode, AVainWaitIsSaidInWords) {
    const FakeUpstream upstream;
    for (const bool has_text : {false, true}) {
        SCOPED_TRACE(has_text);
        ConfigText config(upstream.base_url());
        config.models +=
            "  few: {limits: {tpm: 1000}, route: [{upstream: up}]}\n"
            "  daily: {limits: {tpd: 1000}, route: [{upstream: up}]}\n"
            "  none: {limits: {tpm: 0}, route: [{upstream: up}]}\n";
        if (has_text) config.limiter_lines = "  rejection_code: rate_limit_exceeded\n";
        Gateway gateway(config);
        for (const std::string model : {"few", "daily"}) {
            const Response vain = gateway.send(chat_of_tokens(model, 5000));
            EXPECT_EQ(vain.status, 429);
            const std::int64_t requested = number_in(vain, "x-sluicegate-requested-tokens");
            EXPECT_GE(requested, 5000);
            EXPECT_EQ(vain.field("x-should-retry"), "false");
            const nlohmann::json error = nlohmann::json::parse(vain.body)["error"];
            EXPECT_EQ(error["message"], "Rate limit exceeded. This request asks for " +
                                            std::to_string(requested) + " tokens, and the limit (" +
                                            (model == "few" ? "tpm" : "tpd") +
                                            ") is 1000: waiting does not help, ask for fewer.");
            EXPECT_EQ(error["type"], "rate_limit_error");
            if (has_text) {
                EXPECT_EQ(error["code"], "rate_limit_exceeded");
            } else {
                EXPECT_EQ(error["code"], 429);
                EXPECT_FALSE(error.contains("param"));
            }
        }
        EXPECT_EQ(gateway.send(chat_of_tokens("none", 1)).body,
                  has_text ? text_rejection : rate_limit_body);
        EXPECT_TRUE(gateway.daemon().wait_for_log([](const nlohmann::json& line) {
            return line.value("limit", "") == "tpd" && line.value("requested_tokens", 0) >= 5000;
        }));
    }
}

TEST(RejectionCode, AVainWaitIsSaidAtEveryEndpoint) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.models += "  few: {limits: {tpm: 1000}, route: [{upstream: up}]}\n";
    const Gateway gateway(config);
    struct Row {
        std::string path, more;
    };
    for (const Row& row : std::vector<Row>{
             {"/v1/chat/completions",
              R"("messages":[],"stream":true,"max_completion_tokens":5000)"},
             {"/v1/completions", R"("prompt":"x","max_tokens":3000,"n":2)"},
             {"/v1/responses", R"("input":"x","max_output_tokens":5000)"},
             {"/openai/deployments/few/chat/completions", R"("messages":[],"max_tokens":5000)"},
         }) {
        SCOPED_TRACE(row.path);
        const Response vain =
            gateway.send(post_json(row.path, alice_key, R"({"model":"few",)" + row.more + "}"));
        expect_refused_for_good(vain, "tpm");
        EXPECT_GE(number_in(vain, "x-sluicegate-requested-tokens"), 5000);
    }
    EXPECT_TRUE(upstream.requests().empty());
}

TEST(RejectionCode, TokensThatComeBackKeepTheFixedBody) {
    FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.models += "  few: {limits: {tpm: 1000}, route: [{upstream: up}]}\n";
    const Gateway gateway(config);
    const std::string answer =
        R"({"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":790,"total_tokens":800}})";
    upstream.answer_next(
        Script().send(response_head(200, "Content-Type: application/json\r\nContent-Length: " +
                                             std::to_string(answer.size()) + "\r\n") +
                      answer));
    expect_success(gateway.send(chat_of_tokens("few", 800)));
    const Response refused = gateway.send(chat_of_tokens("few", 800));
    expect_rate_limited(refused, "tpm");
    EXPECT_GE(number_in(refused, "x-sluicegate-requested-tokens"), 800);
}

}  // namespace
}  // namespace sluicegate::support
