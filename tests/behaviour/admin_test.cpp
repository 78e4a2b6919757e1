// The admin port, and what the log says of requests and what it never says.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"
#include "support/key_hash.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <sstream>
#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

class Admin : public testing::Test {
protected:
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};

    /// The sum of all samples whose name ends in _total and whose line holds every word.
    double sum_of(const std::vector<std::string>& words) {
        std::istringstream lines(gateway_.admin("/metrics").body);
        double sum = 0;
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with("#") || line.find("_total{") == std::string::npos) continue;
            bool has_all = true;
            for (const std::string& word : words) {
                has_all = has_all && line.find(word) != std::string::npos;
            }
            if (has_all) sum += std::stod(line.substr(line.rfind(' ') + 1));
        }
        return sum;
    }
};

TEST_F(Admin, AnswersHealthChecks) {
    EXPECT_EQ(gateway_.admin("/livez").status, 200);
    EXPECT_EQ(gateway_.admin("/readyz").status, 200);
    EXPECT_EQ(gateway_.admin("/nope").status, 404);
    EXPECT_EQ(gateway_.admin("/v1/models").status, 404);
}

TEST_F(Admin, CountsRequestsByModelAndStatusAndLimiterDecisions) {
    for (int i = 0; i < 5; ++i) static_cast<void>(gateway_.chat(alice_key, "limited"));
    const Response metrics = gateway_.admin("/metrics");
    EXPECT_EQ(metrics.status, 200);
    EXPECT_TRUE(metrics.field("content-type").starts_with("text/plain"));
    EXPECT_NE(metrics.body.find("# HELP sluicegate_"), std::string::npos);
    EXPECT_NE(metrics.body.find("# TYPE sluicegate_"), std::string::npos);
    EXPECT_NE(metrics.body.find("_bucket{"), std::string::npos) << "a latency histogram";
    // An answer may arrive before it is counted.
    EXPECT_TRUE(eventually([this] {
        return sum_of({"sluicegate_requests_total", "\"limited\"", "\"200\""}) == 3 &&
               sum_of({"sluicegate_requests_total", "\"limited\"", "\"429\""}) == 2;
    })) << gateway_.admin("/metrics").body;
    for (const std::string& line : {std::string(alice_key), sha256_hex(alice_key),
                                    std::string(upstream_key), std::string("alice")}) {
        EXPECT_EQ(metrics.body.find(line), std::string::npos);
    }
}

TEST_F(Admin, ShowsWhenTheConfigurationCameIntoForceInSecondsSince1970) {
    const std::string body = gateway_.admin("/metrics").body;
    const std::string name = "\nsluicegate_config_last_reload_success_timestamp_seconds ";
    const std::size_t at = body.find(name);
    ASSERT_NE(at, std::string::npos) << body;
    const double seconds = std::stod(body.substr(at + name.size()));
    EXPECT_GT(seconds, 1.7e9) << "2023; a smaller number is in another unit";
    EXPECT_LT(seconds, 1e11);
}

TEST_F(Admin, AModelNameFromARequestIsNoLabel) {
    static_cast<void>(gateway_.chat(alice_key, "made-up-model-1"));
    EXPECT_EQ(gateway_.admin("/metrics").body.find("made-up-model-1"), std::string::npos)
        << "a client could grow the metrics without bound";
}

TEST_F(Admin, EveryRequestLeavesALineWithItsId) {
    const Response good = gateway_.chat(alice_key, "m");
    const Response refused = gateway_.chat("sk-wrong-key", "m");
    for (const Response& response : {good, refused}) {
        const std::string id = response.field("x-request-id");
        const auto line = gateway_.daemon().wait_for_log([&](const nlohmann::json& entry) {
            return entry.dump().find(id) != std::string::npos;
        });
        ASSERT_TRUE(line) << gateway_.daemon().log();
        EXPECT_EQ(line->value("status", 0), response.status) << line->dump();
    }
    const auto line = gateway_.daemon().wait_for_log([&](const nlohmann::json& entry) {
        return entry.dump().find(good.field("x-request-id")) != std::string::npos;
    });
    EXPECT_EQ(line->value("user", ""), "alice") << line->dump();
    EXPECT_EQ(line->value("model", ""), "m") << line->dump();
}

TEST(LogSecrecy, NoSecretAndNoPromptIsEverWritten) {
    FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.log_level = "debug";
    Gateway gateway(config);
    const std::string prompt = "PROMPT-TEXT-that-nobody-may-see";
    const std::string answer = "ANSWER-TEXT-that-nobody-may-see";
    const std::string body =
        R"({"model":"m","messages":[{"role":"user","content":")" + prompt + "\"}]";
    const std::string path = "/v1/chat/completions";
    upstream.answer(Script().send(json_response(
        200, R"({"choices":[{"message":{"role":"assistant","content":")" + answer + "\"}}]}")));
    expect_success(gateway.send(post_json(path, alice_key, body + "}")));
    static_cast<void>(gateway.send(post_json(path, alice_key, body)));
    static_cast<void>(gateway.send(post_json(path, "sk-" + prompt, body + "}")));
    static_cast<void>(gateway.send(post_json(path + "?q=" + prompt, alice_key, body + "}")));
    static_cast<void>(gateway.send("GET /v1/x HTTP/9.9\r\n" + prompt + "\r\n\r\n"));
    upstream.answer(Script().send(
        json_response(401, R"({"error":{"message":"bad key )" + std::string(upstream_key) +
                               R"(","type":"t","param":null,"code":null}})")));
    static_cast<void>(gateway.send(post_json(path, alice_key, body + "}")));
    upstream.answer(Script().send(json_response(
        400, R"({"error":{"message":")" + answer + R"(","type":"t","param":null,"code":null}})")));
    static_cast<void>(gateway.send(post_json(path, alice_key, body + "}")));
    upstream.answer(Script().send("garbage " + answer + "\r\n\r\n").close());
    static_cast<void>(gateway.send(post_json(path, alice_key, body + "}")));
    upstream.answer(Script().send(sse_head() + chunk("data: " + answer + "\n\n")).cut());
    static_cast<void>(gateway.send(post_json(path, alice_key, body + ",\"stream\":true}")));
    gateway.daemon().reload(config.text());

    gateway.daemon().signal(SIGTERM);
    ASSERT_TRUE(gateway.daemon().wait_for_exit());
    const std::string log = gateway.daemon().log();
    EXPECT_NE(log, "");
    for (const std::string& secret :
         {std::string(alice_key), sha256_hex(alice_key), std::string(upstream_key), prompt, answer,
          std::string("Bearer")}) {
        EXPECT_EQ(log.find(secret), std::string::npos) << secret << " in\n" << log;
    }
}

TEST(LogSecrecy, EveryLineIsAJsonObject) {
    const FakeUpstream upstream;
    Gateway gateway{ConfigText(upstream.base_url())};
    static_cast<void>(gateway.chat(alice_key, "m\\u0000\\\"x\\n"));
    static_cast<void>(gateway.get("/v1/\"quoted\"\\", bearer(alice_key)));
    gateway.daemon().signal(SIGTERM);
    ASSERT_TRUE(gateway.daemon().wait_for_exit());
    std::istringstream lines(gateway.daemon().log());
    for (std::string line; std::getline(lines, line);) {
        const nlohmann::json entry = nlohmann::json::parse(line, nullptr, false);
        EXPECT_TRUE(entry.is_object()) << line;
    }
}

}  // namespace
}  // namespace sluicegate::support
