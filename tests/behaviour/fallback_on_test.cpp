// models.NAME.fallback_on: a refusal that another upstream need not share leads to it.
#include "behaviour/routes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluicegate::support {
namespace {

constexpr std::string_view too_long =
    R"({"error":{"message":"This model's maximum context length is 8 tokens.",)"
    R"("type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})";
constexpr std::string_view unsupported =
    R"({"error":{"message":"Unsupported parameter: 'top_k'","type":"invalid_request_error",)"
    R"("param":"top_k","code":"unsupported_parameter"}})";

class FallbackOn : public testing::Test {
protected:
    FallbackOn() { sign(big_, "big"); }

    /// The small upstream has two endpoints: what one refuses, the other would refuse too.
    ConfigText config(const std::string& reasons) {
        return routes_config(
            endpoints_line("small", {small_.base_url(), twin_.base_url()}) +
                upstream_line("big", big_.base_url()),
            "  m: {" + reasons + "route: [{upstream: small}], fallback: [{upstream: big}]}\n");
    }
    void refuse(const Script& script) {
        small_.answer(script);
        twin_.answer(script);
    }
    [[nodiscard]] std::size_t refused() const { return count(small_) + count(twin_); }

    FakeUpstream small_;
    FakeUpstream twin_;
    FakeUpstream big_;
};

TEST_F(FallbackOn, LeadsToTheNextEntryForTheReasonsThatItLists) {
    struct Row {
        std::string name, reasons;
        Script script;
        bool goes_on;
    };
    const std::string event = "data: " + std::string(too_long) + "\n\n";
    const std::string both = "fallback_on: [context_length, unsupported_parameter], ";
    const std::string failed =
        R"({"detail":[{"loc":["body","top_k"],"msg":"Extra inputs are not permitted",)"
        R"("type":"extra_forbidden"}]})";
    const Row rows[] = {
        {"context", both, Script().send(json_response(400, too_long)), true},
        {"parameter", both, Script().send(json_response(400, unsupported)), true},
        {"FastAPI", both, Script().send(json_response(422, failed)), true},
        {"413 in plain text", both,
         Script().send(response(413, "text/plain", "prompt is too long")), true},
        {"a server that answers 500", both, Script().send(json_response(500, too_long)), true},
        {"JSON with status 200", both, Script().send(json_response(200, too_long)), true},
        {"an event", both, Script().send(response(200, "text/event-stream", event)), true},
        {"one reason", "fallback_on: [context_length], ",
         Script().send(json_response(400, too_long)), true},
        {"the other reason", "fallback_on: [context_length], ",
         Script().send(json_response(400, unsupported)), false},
        {"no reason", "", Script().send(json_response(400, too_long)), false},
        {"another refusal", both,
         Script().send(json_response(400, R"({"error":{"message":"no","code":"c"}})")), false},
    };
    for (const Row& row : rows) {
        for (const bool is_streaming : {false, true}) {
            SCOPED_TRACE(row.name + (is_streaming ? ", stream" : ", JSON"));
            refuse(row.script);
            const Gateway gateway(config(row.reasons));
            const std::size_t before = refused();
            const Response response = gateway.send(chat_request(alice_key, "m", is_streaming));
            EXPECT_EQ(refused() - before, 1U);
            EXPECT_EQ(attempts_of(response), row.goes_on ? 2 : 1);
            EXPECT_EQ(response.field("x-sluicegate-upstream"), row.goes_on ? "big" : "small");
            if (row.goes_on) expect_answer_of(response, "big", is_streaming);
            if (!row.goes_on) {
                EXPECT_EQ(response.status, 400);
            }
        }
    }
}

TEST_F(FallbackOn, TellsTheFirstRefusalWhereNothingElseAnswers) {
    struct Row {
        std::string name;
        Script big;
    };
    const Row rows[] = {
        {"500", Script().send(json_response(500, "{}"))},
        {"cut", Script().cut()},
        {"429", Script().send(json_response(429, "{}", "Retry-After: 5\r\n"))},
        {"another refusal", Script().send(json_response(400, R"({"error":{"message":"no"}})"))},
        {"the same refusal", Script().send(json_response(400, unsupported))},
    };
    for (const Row& row : rows) {
        for (const bool is_streaming : {false, true}) {
            SCOPED_TRACE(row.name);
            refuse(Script().send(json_response(400, too_long)));
            big_.answer(row.big);
            const Gateway gateway(config("fallback_on: [context_length, unsupported_parameter], "));
            const Response response = gateway.send(chat_request(alice_key, "m", is_streaming));
            EXPECT_EQ(response.status, 400);
            EXPECT_EQ(attempts_of(response), 2);
            EXPECT_EQ(response.field("x-sluicegate-upstream"), "small");
            const auto body = nlohmann::json::parse(response.body, nullptr, false);
            ASSERT_TRUE(body.is_object()) << response.body;
            EXPECT_EQ(body["error"].value("code", ""), "context_length_exceeded");
            EXPECT_EQ(body["error"].value("param", ""), "messages");
        }
    }
}

TEST_F(FallbackOn, SaysNothingAgainstTheEndpointThatRefused) {
    refuse(Script().send(json_response(500, too_long)));
    const Gateway gateway(config("fallback_on: [context_length], "));
    for (int i = 0; i < 40; ++i) expect_answer_of(gateway.chat(alice_key, "m"), "big");
    EXPECT_EQ(gateway.admin("/status").body.find("\"open\""), std::string::npos);
    EXPECT_EQ(refused(), 40U);
}

TEST_F(FallbackOn, WatchesTheClientOfTheSecondAttempt) {
    refuse(Script().send(json_response(400, too_long)));
    const Signal never;
    big_.answer(Script().wait(never));
    const Gateway gateway(config("fallback_on: [context_length], "));
    {
        TestClient client = gateway.connect();
        client.send(chat_request(alice_key, "m"));
        ASSERT_TRUE(big_.wait_for_requests(1));
    }
    EXPECT_TRUE(big_.wait_for_peer_close(0));
}

}  // namespace
}  // namespace sluicegate::support
