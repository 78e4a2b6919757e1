// State that lives in one endpoint: a turn that goes on from a stored response goes to the endpoint
// that keeps it, and nowhere else.
#include "behaviour/routes.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::support {
namespace {

class StoredResponses : public testing::Test {
protected:
    static constexpr std::size_t servers = 3;

    StoredResponses() {
        for (std::size_t i = 0; i < servers; ++i) {
            servers_.push_back(std::make_unique<FakeUpstream>());
            serve(*servers_.back(), i);
        }
    }
    /// Each knows the responses that it made, and no others.
    static void serve(FakeUpstream& server, std::size_t index) {
        const std::string prefix = "resp_" + std::to_string(index);
        auto made = std::make_shared<std::atomic<int>>(0);
        server.answer_with([prefix, made](const ReceivedRequest& request) {
            const auto body = nlohmann::json::parse(request.body);
            for (const char* name : {"previous_response_id", "conversation"}) {
                const std::string from = body.value(name, prefix);
                if (!from.starts_with(prefix) && !from.starts_with("conv_" + prefix)) {
                    return Script().send(json_response(
                        400, R"({"error":{"message":"Previous response not found.","param":)"
                             R"("previous_response_id","code":"previous_response_not_found"}})"));
                }
            }
            const std::string id = prefix + "_" + std::to_string(++*made);
            const std::string response =
                R"({"id":")" + id + R"(","object":"response","status":"completed",)" +
                R"("conversation":{"id":"conv_)" + id + R"("},"output":[{"type":"message",)" +
                R"("content":[{"type":"output_text","text":"hi"}]}],)" +
                R"("usage":{"input_tokens":5,"output_tokens":1,"total_tokens":6}})";
            if (!body.value("stream", false)) {
                return Script().send(json_response(200, response, "Connection: close\r\n")).close();
            }
            return Script().send(support::response(
                200, "text/event-stream",
                "event: response.completed\ndata: "
                R"({"type":"response.completed","sequence_number":0,"response":)" +
                    response + "}\n\n"));
        });
    }
    ConfigText config() {
        std::vector<std::string> urls;
        for (const auto& server : servers_) urls.push_back(server->base_url());
        return routes_config(
            endpoints_line("trio", urls) + upstream_line("other", other_.base_url()),
            "  m: {route: [{upstream: trio}], fallback: [{upstream: other}]}\n"
            "  elsewhere: {route: [{upstream: other}]}\n");
    }
    static Response ask(const Gateway& gateway, std::string_view key, const std::string& more,
                        const std::string& model = "m") {
        return gateway.send(post_json("/v1/responses", key,
                                      R"({"model":")" + model + R"(","input":"x")" + more + "}"));
    }
    static std::string id_in(const Response& response) {
        const std::size_t at = response.body.find("\"resp_");
        if (at == std::string::npos) return {};
        return response.body.substr(at + 1, response.body.find('"', at + 1) - at - 1);
    }

    std::vector<std::unique_ptr<FakeUpstream>> servers_;
    FakeUpstream other_;
};

TEST_F(StoredResponses, AreGoneOnFromWhereTheyAre) {
    const Gateway gateway(config());
    for (int i = 0; i < 20; ++i) {
        const Response first = ask(gateway, alice_key, i % 2 == 0 ? "" : R"(,"stream":true)");
        ASSERT_EQ(first.status, 200) << first.body;
        const std::string id = id_in(first);
        ASSERT_FALSE(id.empty()) << first.body;
        const Response second = ask(
            gateway, alice_key,
            R"(,"previous_response_id":")" + id + "\"" + (i % 3 == 0 ? R"(,"stream":true)" : ""));
        EXPECT_EQ(second.status, 200) << second.body;
        EXPECT_EQ(id_in(second).substr(0, 6), id.substr(0, 6));
        const Response third = ask(gateway, alice_key, R"(,"conversation":"conv_)" + id + "\"");
        EXPECT_EQ(third.status, 200) << third.body;
        EXPECT_EQ(id_in(third).substr(0, 6), id.substr(0, 6));
    }
    EXPECT_EQ(count(other_), 0U);
}

TEST_F(StoredResponses, AreNeverGoneOnFromElsewhere) {
    const Gateway gateway(config());
    const std::string id = id_in(ask(gateway, alice_key, ""));
    const std::string more = R"(,"previous_response_id":")" + id + "\"";
    servers_[static_cast<std::size_t>(id[5] - '0')]->refuse_connections();
    std::size_t before = 0;
    for (const auto& server : servers_) before += count(*server);
    EXPECT_EQ(ask(gateway, alice_key, more).status, 502);
    std::size_t after = 0;
    for (const auto& server : servers_) after += count(*server);
    EXPECT_EQ(after, before);
    EXPECT_EQ(count(other_), 0U);
    expect_error(ask(gateway, alice_key, more, "elsewhere"), {.status = 400,
                                                              .type = "invalid_request_error",
                                                              .code = "previous_response_not_found",
                                                              .param = "previous_response_id"});
    expect_error(
        ask(gateway, bob_key, more),
        {.status = 400, .code = "previous_response_not_found", .param = "previous_response_id"});
    // Some server may read it at another endpoint.
    for (const std::string& member : {R"("previous_response_id":")" + id + "\"",
                                      R"("conversation":{"id":"conv_)" + id + "\"}"}) {
        const Response response = gateway.send(post_json(
            "/v1/chat/completions", bob_key,
            R"({"model":"m","messages":[{"role":"user","content":"x"}],)" + member + "}"));
        EXPECT_EQ(response.status, 400) << response.body;
    }
    EXPECT_EQ(count(other_), 0U);
}

TEST_F(StoredResponses, OfTheBackgroundAreRefusedInWords) {
    const Gateway gateway(config());
    const Response response = ask(gateway, alice_key, R"(,"background":true)");
    expect_error(response, {.status = 400, .code = "field_not_allowed", .param = "background"});
    EXPECT_NE(response.body.find("background"), std::string::npos);
    EXPECT_EQ(ask(gateway, alice_key, R"(,"background":false)").status, 200);
}

}  // namespace
}  // namespace sluicegate::support
