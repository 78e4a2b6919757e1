// The name of the model in an answer, and what else an answer tells of the upstream.
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::support {
namespace {

constexpr std::string_view asked_model = "renamed";

std::string json_head_of(std::size_t size) {
    return response_head(
        200, "Content-Type: application/json\r\nContent-Length: " + std::to_string(size) + "\r\n");
}

Script json_script(const std::string& body) {
    return Script().send(json_head_of(body.size()) + body);
}

Script event_script(const std::string& events) {
    return Script()
        .send(response_head(200, "Content-Type: text/event-stream\r\nConnection: close\r\n") +
              events)
        .close();
}

class AnswerModel : public testing::Test {
protected:
    FakeUpstream upstream_;
    Gateway gateway_{ConfigText(upstream_.base_url())};

    Response ask(const std::string& path, std::string_view body, const Script& script) {
        upstream_.answer_next(script);
        return gateway_.send(post_json(path, alice_key, body));
    }
};

constexpr std::string_view one_choice =
    R"("choices":[{"index":0,"message":{"role":"assistant","content":"\"model\":\"x\""},)"
    R"("finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2})";

TEST_F(AnswerModel, IsTheOneThatWasAskedFor) {
    struct Row {
        std::string name, path, request, answer, expected;
    };
    const std::string tail = std::string(one_choice) + "}";
    const std::vector<Row> rows{
        {"chat", "/v1/chat/completions", R"({"model":"renamed","messages":[]})",
         R"({"id":"c","model":"provider/renamed-2024",)" + tail,
         R"({"id":"c","model":"renamed",)" + tail},
        {"a dated name, escaped", "/v1/chat/completions", R"({"model":"renamed","messages":[]})",
         R"({"mod\u0065l" : "a\"\/b\u00e9","id":"c",)" + tail,
         R"({"mod\u0065l" : "renamed","id":"c",)" + tail},
        {"response", "/v1/responses", R"({"model":"renamed","input":"x"})",
         R"({"id":"r","object":"response","status":"completed","model":"p","output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}})",
         R"({"id":"r","object":"response","status":"completed","model":"renamed","output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}})"},
        {"embeddings", "/openai/deployments/renamed/embeddings", R"({"input":"x"})",
         R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[1]}],"model":")" +
             std::string(2000, 'n') + R"(","usage":{"prompt_tokens":1,"total_tokens":1}})",
         R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[1]}],"model":"renamed","usage":{"prompt_tokens":1,"total_tokens":1}})"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Response response = ask(row.path, row.request, json_script(row.answer));
        expect_success(response);
        EXPECT_EQ(response.body, row.expected);
        EXPECT_EQ(number_in(response, "content-length"),
                  static_cast<std::int64_t>(row.expected.size()));
    }
    // Without another name in the route, an answer stays as it is.
    const std::string plain = R"({"id":"c","model":"m-2024",)" + tail;
    EXPECT_EQ(ask("/v1/chat/completions", chat_body("m"), json_script(plain)).body, plain);
}

TEST_F(AnswerModel, IsTheSameInEveryChunk) {
    const std::string chunk =
        R"(data: {"id":"c","object":"chat.completion.chunk","model":"p/q","choices":[{"index":0,"delta":{"content":"\"model\""},"finish_reason":null}]})";
    const std::string last =
        R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"model":"p/q"})";
    const Response response =
        ask("/v1/chat/completions", chat_body(asked_model, true),
            event_script(chunk + "\n\n" + chunk + "\n\n" + last + "\n\ndata: [DONE]\n\n"));
    expect_success(response);
    const std::vector<std::string> events = events_of(response.body);
    ASSERT_EQ(events.size(), 4U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(nlohmann::json::parse(events[i]).value("model", ""), asked_model) << events[i];
    }
    EXPECT_EQ(response.body.find("p/q"), std::string::npos);
}

TEST_F(AnswerModel, IsInsideTheResponseOfEvents) {
    const std::string events =
        "event: response.created\n"
        R"(data: {"type":"response.created","sequence_number":0,"response":{"id":"r","model":"p/q"}})"
        "\n\nevent: response.output_text.delta\n"
        R"(data: {"type":"response.output_text.delta","sequence_number":1,"delta":"\"model\":"})"
        "\n\nevent: response.completed\n"
        R"(data: {"type":"response.completed","sequence_number":2,"response":{"id":"r","status":"completed","model":"p/q","usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}})"
        "\n\n";
    const Response response = ask(
        "/v1/responses", R"({"model":"renamed","input":"x","stream":true})", event_script(events));
    expect_success(response);
    std::string expected = events;
    for (std::size_t at = 0; (at = expected.find("p/q")) != std::string::npos;) {
        expected.replace(at, 3, asked_model);
    }
    EXPECT_EQ(response.body, expected);
}

TEST_F(AnswerModel, IsTheOneThatWasAskedForAtTheOtherEndpoints) {
    struct Row {
        std::string path, answer;
    };
    for (const Row& row : std::vector<Row>{
             {"/v1/completions", R"({"model":"p/q","choices":[{"text":"x"}]})"},
             {"/v1/moderations", R"({"id":"o","model":"p/q","results":[{"flagged":false}]})"},
             {"/v1/rerank", R"({"results":[{"index":0,"relevance_score":1}],"model":"p/q"})"},
         }) {
        SCOPED_TRACE(row.path);
        const Response response =
            ask(row.path, R"({"model":"renamed","prompt":"x","input":"x","query":"x"})",
                json_script(row.answer));
        expect_success(response);
        EXPECT_EQ(nlohmann::json::parse(response.body)["model"], asked_model);
    }
    const Response stream =
        ask("/v1/completions", R"({"model":"renamed","prompt":"x","stream":true})",
            event_script("data: {\"model\":\"p/q\",\"choices\":[{\"index\":0,\"text\":\"x\","
                         "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"));
    expect_success(stream);
    EXPECT_NE(stream.body.find(R"("model":"renamed")"), std::string::npos) << stream.body;
}

TEST_F(AnswerModel, IsThereInJsonThatWasMadeOfEvents) {
    const Response response =
        ask("/v1/chat/completions", chat_body(asked_model),
            event_script("data: {\"model\":\"p/q\",\"choices\":[{\"index\":0,\"delta\":{"
                         "\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"));
    expect_success(response);
    EXPECT_EQ(nlohmann::json::parse(response.body)["model"], asked_model);
}

TEST_F(AnswerModel, IsThereInAStreamThatWasMadeOfJson) {
    const Response response =
        ask("/v1/chat/completions", chat_body(asked_model, true),
            json_script(R"({"id":"c","model":"p/q",)" + std::string(one_choice) + "}"));
    expect_success(response);
    EXPECT_NE(response.body.find(R"("model":"renamed")"), std::string::npos);
    EXPECT_EQ(response.body.find("p/q"), std::string::npos);
}

TEST(AnswerModelSetting, MayBeTheUpstreams) {
    FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.models += "  kept: {route: [{upstream: up, model: p/q}], answer_model: upstream}\n";
    const Gateway gateway(config);
    const std::string body = R"({"id":"c","model":"p/q",)" + std::string(one_choice) + "}";
    upstream.answer_next(json_script(body));
    EXPECT_EQ(gateway.chat(alice_key, "kept").body, body);
}

TEST(AnswerTells, TheUpstreamUnlessToldNotTo) {
    for (const bool is_told : {true, false}) {
        SCOPED_TRACE(is_told);
        FakeUpstream upstream;
        ConfigText config(upstream.base_url());
        if (!is_told) config.server_lines = "  tell_upstream: false\n";
        const Gateway gateway(config);
        const Response json = gateway.chat(alice_key, "m");
        expect_success(json);
        EXPECT_EQ(json.field("x-sluicegate-upstream"), is_told ? "up" : "");
        EXPECT_EQ(json.field("x-sluicegate-attempts"), "1");
        EXPECT_EQ(gateway.stream(alice_key, "m").field("x-sluicegate-upstream"),
                  is_told ? "up" : "");
        upstream.answer_next(Script().send(response_head(400, "Content-Length: 0\r\n")));
        EXPECT_EQ(gateway.chat(alice_key, "m").field("x-sluicegate-upstream"), is_told ? "up" : "");
    }
}

TEST(ModelInfo, ShowsInTheListAndCreatedIsStable) {
    const FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.models +=
        "  big: {route: [{upstream: up}], info: {context_length: 131072, max_model_len: 4096, "
        "name: \"A \\\"B\\\"\", vision: true, modes: [text, image], created: 5}}\n";
    Gateway gateway(config);
    const auto list = [&] {
        return nlohmann::json::parse(gateway.get("/v1/models", bearer(alice_key)).body);
    };
    const nlohmann::json before = list();
    const nlohmann::json one =
        nlohmann::json::parse(gateway.get("/v1/models/big", bearer(alice_key)).body);
    EXPECT_EQ(one, nlohmann::json::parse(
                       R"({"id":"big","object":"model","created":5,"owned_by":"sluicegate",
                           "context_length":131072,"max_model_len":4096,"name":"A \"B\"",
                           "vision":true,"modes":["text","image"]})"));
    EXPECT_EQ(nlohmann::json::parse(gateway.get("/v1/models/m", bearer(alice_key)).body)["created"],
              1735689600);
    Gateway again(config);
    EXPECT_EQ(nlohmann::json::parse(again.get("/v1/models", bearer(alice_key)).body), before);
}

}  // namespace
}  // namespace sluicegate::support
