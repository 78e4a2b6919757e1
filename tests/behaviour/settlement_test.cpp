// With the echo upstream, end to end: what the limiter settled for each user and model is the sum
// of the usage that its clients were told.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluicegate::support {
namespace {

/// The usage in a chat completion, streamed or not; 0 when it has none.
double usage_in(const Response& response, bool is_streaming) {
    if (!is_streaming) {
        const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
        const bool has_usage = body.is_object() && body.contains("usage");
        return has_usage ? body["usage"].value("total_tokens", 0.0) : 0;
    }
    for (const std::string& event : events_of(response.body)) {
        const nlohmann::json body = nlohmann::json::parse(event, nullptr, false);
        if (body.is_object() && body.contains("usage") && body["usage"].is_object()) {
            return body["usage"].value("total_tokens", 0.0);
        }
    }
    return 0;
}

class Settlement : public testing::Test {
protected:
    static ConfigText config() {
        ConfigText text("http://127.0.0.1:1/v1");
        text.admin_lines = "  user_metrics: true\n";
        text.upstreams +=
            "  short: {kind: echo, tokens: 7}\n"
            "  long: {kind: echo, tokens: 40}\n"
            "  endless: {kind: echo, tokens: 100000}\n";
        text.models +=
            "  small: {limits: {tpm: 1000000, rpm: 100000}, route: [{upstream: short}]}\n"
            "  large: {limits: {tpd: 10000000}, route: [{upstream: long}]}\n"
            "  huge: {limits: {tpm: 100000000}, route: [{upstream: endless}]}\n";
        return text;
    }
    double tokens(const std::string& user, const std::string& model, const std::string& kind) {
        return metric(
            gateway_, "sluicegate_user_tokens_total",
            {"user=\"" + user + "\"", "model=\"" + model + "\"", "kind=\"" + kind + "\""});
    }
    Gateway gateway_{config()};
};

TEST_F(Settlement, EqualsTheSumOfUsageForEachUserAndModel) {
    struct User {
        std::string name;
        std::string_view key;
    };
    const std::vector<User> users{
        {"alice", alice_key}, {"alice", alice_second_key}, {"bob", bob_key}, {"carol", carol_key}};
    std::mutex mutex;
    std::map<std::pair<std::string, std::string>, double> seen;
    std::vector<std::thread> clients;
    for (const User& user : users) {
        clients.emplace_back([&, user] {
            TestClient client = gateway_.connect();
            for (int i = 0; i < 40; ++i) {
                const std::string model = i % 3 == 0 ? "large" : "small";
                const bool is_streaming = i % 2 == 0;
                const std::string more =
                    is_streaming ? R"(,"stream":true,"stream_options":{"include_usage":true})" : "";
                client.send(post_json("/v1/chat/completions", user.key,
                                      R"({"messages":[{"role":"user","content":")" +
                                          std::string(static_cast<std::size_t>(1 + i * 13), 'w') +
                                          R"("}],"model":")" + model + "\",\"max_tokens\":" +
                                          std::to_string(1 + i * 3) + more + "}"));
                const Response response = client.read_response();
                EXPECT_EQ(response.status, 200) << response.body;
                const double usage = usage_in(response, is_streaming);
                EXPECT_GT(usage, 0) << response.body;
                const std::scoped_lock lock(mutex);
                seen[{user.name, model}] += usage;
            }
            // Those who leave in between are counted elsewhere.
            for (int i = 0; i < 5; ++i) {
                TestClient leaving = gateway_.connect();
                leaving.send(chat_request(user.key, "huge", true));
                EXPECT_EQ(leaving.read_head().status, 200);
                i % 2 == 0 ? leaving.wire().reset() : leaving.wire().close();
            }
        });
    }
    for (std::thread& client : clients) client.join();
    EXPECT_TRUE(
        eventually([&] { return metric(gateway_, "sluicegate_requests_in_flight") == 0.0; }));

    std::map<std::string, double> by_model;
    for (const auto& [pair, sum] : seen) {
        SCOPED_TRACE(pair.first + " on " + pair.second);
        EXPECT_EQ(tokens(pair.first, pair.second, "settled"), sum);
        EXPECT_EQ(
            tokens(pair.first, pair.second, "input") + tokens(pair.first, pair.second, "output"),
            sum);
        by_model[pair.second] += sum;
    }
    for (const auto& [model, sum] : by_model) {
        SCOPED_TRACE(model);
        EXPECT_EQ(metric(gateway_, "sluicegate_limiter_settled_tokens_total",
                         {"model=\"" + model + "\""}),
                  sum);
    }
    for (const std::string user : {"alice", "bob", "carol"}) {
        SCOPED_TRACE(user + " on huge");
        EXPECT_GT(tokens(user, "huge", "settled"), 0) << "those who left pay too";
        EXPECT_EQ(tokens(user, "huge", "settled"),
                  tokens(user, "huge", "input") + tokens(user, "huge", "output"));
    }
}

TEST_F(Settlement, HoldsForEveryEndpointTheEchoHas) {
    double sum = 0;
    struct Row {
        std::string path, body;
    };
    const std::vector<Row> rows{
        {"/v1/chat/completions", chat_body("small")},
        {"/v1/completions", R"({"model":"small","prompt":"a b c"})"},
        {"/v1/responses", R"({"model":"small","input":"a b c"})"},
        {"/v1/embeddings", R"({"model":"small","input":["a b c","d"]})"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.path);
        const Response response = gateway_.send(post_json(row.path, alice_key, row.body));
        expect_success(response);
        sum += usage_in(response, false);
        EXPECT_TRUE(eventually([&] { return tokens("alice", "small", "settled") == sum; }))
            << tokens("alice", "small", "settled") << " is not " << sum;
    }
}

TEST_F(Settlement, ARefusedRequestSettlesNothing) {
    const Response refused =
        gateway_.send(post_json("/v1/chat/completions", alice_key,
                                R"({"model":"small","messages":[],"max_tokens":1000001})"));
    expect_refused_for_good(refused, "tpm");
    EXPECT_TRUE(eventually([&] {
        return metric(gateway_, "sluicegate_limiter_refusals_total",
                      {"model=\"small\"", "limit=\"tpm\"", "mode=\"enforced\""}) == 1.0;
    }));
    EXPECT_EQ(metric(gateway_, "sluicegate_limiter_settled_tokens_total", {"model=\"small\""}), 0);
}

}  // namespace
}  // namespace sluicegate::support
