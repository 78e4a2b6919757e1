// Usage that cannot be true, or that stands at an unusual place: what is settled, what the access
// line says of it, and what of it the client sees.
#include "behaviour/harness.hpp"
#include "behaviour/token_requests.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::support {
namespace {

constexpr std::string_view asks_for_usage = R"(,"stream_options":{"include_usage":true})";

std::string words(int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += "word ";
    return out;
}

/// A chat completion of 100 words in each choice.
std::string long_answer(std::string_view usage, int choices = 1) {
    std::string list;
    for (int i = 0; i < choices; ++i) {
        list += std::string(i == 0 ? "" : ",") + R"({"index":)" + std::to_string(i) +
                R"(,"message":{"role":"assistant","content":")" + words(100) +
                R"("},"finish_reason":"stop"})";
    }
    return json_response(200, R"({"id":"c","object":"chat.completion","choices":[)" + list + "]" +
                                  std::string(usage) + "}");
}

/// Forty pieces of one word each, and why they ended; `usage` stands in the last event.
std::string long_stream(std::string_view last_members, std::string_view tail = "") {
    std::string events;
    for (int i = 0; i < 40; ++i) events += chat_event("word ");
    events += R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}])" +
              std::string(last_members) + "}\n\n";
    return sse_head() + chunk(events + std::string(tail) + std::string(done_event)) + chunk("");
}

class UntrueUsage : public testing::Test {
protected:
    static ConfigText config(const FakeUpstream& upstream) {
        ConfigText text(upstream.base_url());
        text.models += "  tokens: {limits: {tpm: 100}, route: [{upstream: up}]}\n";
        return text;
    }
    /// The access line of a request that gets `answer`.
    nlohmann::json settle(const std::string& answer, std::string_view more = "",
                          const std::string& path = "/v1/chat/completions") {
        const Response response = ask(answer, more, path);
        expect_success(response);
        return gateway_.daemon().wait_for_event("access", from_).value_or(nlohmann::json());
    }
    Response ask(const std::string& answer, std::string_view more = "",
                 const std::string& path = "/v1/chat/completions") {
        upstream_.answer(Script().send(answer));
        from_ = gateway_.daemon().log_size();
        return gateway_.send(post_json(path, alice_key,
                                       R"({"model":"m","messages":[{"role":"user","content":")" +
                                           words(50) + R"("}],"prompt":"x")" + std::string(more) +
                                           "}"));
    }

    FakeUpstream upstream_;
    Gateway gateway_{config(upstream_)};
    std::size_t from_ = 0;
};

constexpr std::string_view streamed = R"(,"stream":true)";

struct Settled {
    std::int64_t input_min, input_max, output_min, output_max;
    bool is_reported;
};

void expect_settled(const nlohmann::json& line, const Settled& expected) {
    const auto input = line.value("input_tokens", std::int64_t{-1});
    const auto output = line.value("output_tokens", std::int64_t{-1});
    EXPECT_GE(input, expected.input_min) << line.dump();
    EXPECT_LE(input, expected.input_max) << line.dump();
    EXPECT_GE(output, expected.output_min) << line.dump();
    EXPECT_LE(output, expected.output_max) << line.dump();
    EXPECT_EQ(line.value("settled_tokens", std::int64_t{-1}), input + output) << line.dump();
    EXPECT_EQ(line.value("usage_source", "") == "reported", expected.is_reported) << line.dump();
}

TEST_F(UntrueUsage, OfAnAnswerIsReplacedPartByPart) {
    struct Row {
        std::string usage;
        Settled expected;
    };
    const std::vector<Row> rows{
        {R"(,"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0})",
         {20, 120, 50, 200, false}},
        {R"(,"usage":{"prompt_tokens":0,"completion_tokens":90,"total_tokens":90})",
         {20, 120, 90, 90, false}},
        {R"(,"usage":{"prompt_tokens":44,"completion_tokens":0,"total_tokens":44})",
         {44, 44, 50, 200, false}},
        // What is missing or null is no zero: the total tells it.
        {R"(,"usage":{"prompt_tokens":44,"total_tokens":134})", {44, 44, 90, 90, true}},
        {R"(,"usage":{"prompt_tokens":null,"completion_tokens":90,"total_tokens":134})",
         {44, 44, 90, 90, true}},
        {R"(,"usage":{"input_tokens":44,"output_tokens":90})", {44, 44, 90, 90, true}},
        {R"(,"usage":{"prompt_tokens":-7,"completion_tokens":-1,"total_tokens":-8})",
         {20, 120, 50, 200, false}},
        {R"(,"usage":{"prompt_tokens":"44","completion_tokens":90.0,"total_tokens":1.34e2})",
         {44, 44, 90, 90, true}},
        {R"(,"usage":[{"prompt_tokens":0}])", {20, 120, 50, 200, false}},
        {R"(,"usage":{})", {20, 120, 50, 200, false}},
        {R"(,"usage":null)", {20, 120, 50, 200, false}},
        {"", {20, 120, 50, 200, false}},
        // A short answer of an upstream that counts differently is believed.
        {R"(,"usage":{"prompt_tokens":9,"completion_tokens":60,"total_tokens":69})",
         {9, 9, 60, 60, true}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.usage);
        expect_settled(settle(long_answer(row.usage)), row.expected);
    }
}

TEST_F(UntrueUsage, OfAStreamIsReplacedByWhatWasCounted) {
    const std::string good =
        R"(,"usage":{"prompt_tokens":50,"completion_tokens":70,"total_tokens":120})";
    struct Row {
        std::string name, stream;
        Settled expected;
    };
    const std::vector<Row> rows{
        {"all zero", long_stream("", usage_event(0, 0)), {20, 120, 40, 60, false}},
        {"no output", long_stream("", usage_event(50, 0)), {50, 50, 40, 60, false}},
        {"no prompt", long_stream("", usage_event(0, 41)), {20, 120, 41, 41, false}},
        {"good, then zero", long_stream(good, usage_event(0, 0)), {50, 50, 70, 70, true}},
        {"good, then smaller", long_stream(good, usage_event(50, 1)), {50, 50, 70, 70, true}},
        {"a zero at first, then good",
         long_stream(R"(,"usage":{"prompt_tokens":0})", usage_event(50, 70)),
         {50, 50, 70, 70, true}},
        {"null, then good",
         long_stream(R"(,"usage":null)", usage_event(50, 70)),
         {50, 50, 70, 70, true}},
        {"of Groq",
         long_stream(
             R"(,"x_groq":{"id":"r","usage":{"prompt_tokens":50,"completion_tokens":70,"total_tokens":120}})"),
         {50, 50, 70, 70, true}},
        {"none", long_stream(""), {20, 120, 40, 60, false}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        expect_settled(settle(row.stream, streamed), row.expected);
    }
}

TEST_F(UntrueUsage, OfOneChoiceOfSeveralIsNotTheWhole) {
    const std::string one =
        R"(,"usage":{"prompt_tokens":50,"completion_tokens":100,"total_tokens":150})";
    expect_settled(settle(long_answer(one, 3), R"(,"n":3)"), {50, 50, 200, 600, false});
    const std::string all =
        R"(,"usage":{"prompt_tokens":50,"completion_tokens":300,"total_tokens":350})";
    expect_settled(settle(long_answer(all, 3), R"(,"n":3)"), {50, 50, 300, 300, true});

    // A stream with a usage in each choice, as llama.cpp has it.
    const auto last = [](int index, const std::string& in_choice, const std::string& beside) {
        return R"(data: {"choices":[{"index":)" + std::to_string(index) +
               R"(,"delta":{"content":"x"},"finish_reason":"length")" + in_choice + "}]" + beside +
               "}\n\n";
    };
    const std::string usage =
        R"(,"usage":{"prompt_tokens":50,"completion_tokens":10,"total_tokens":60})";
    const std::string inside = last(0, usage, "") + last(1, usage, "") + last(2, usage, "");
    expect_settled(settle(sse_head() + chunk(inside + std::string(done_event)) + chunk(""),
                          R"(,"n":3,"stream":true)"),
                   {50, 50, 30, 30, true});
    const std::string choices =
        R"({"index":0,"message":{"content":"a"},"finish_reason":"stop")" + usage +
        R"(},{"index":1,"message":{"content":"b"},"finish_reason":"stop")" + usage + "}";
    expect_settled(settle(json_response(200, R"({"choices":[)" + choices + "]}"), R"(,"n":2)"),
                   {50, 50, 20, 20, true});
}

TEST_F(UntrueUsage, IsReplacedAtTheOtherEndpointsToo) {
    const std::string text = words(100);
    const std::string zero = R"("usage":{"input_tokens":0,"output_tokens":0,"total_tokens":0})";
    const std::string message =
        R"("output":[{"type":"message","content":[{"type":"output_text","text":")" + text +
        R"("}]}])";
    std::string deltas;
    for (int i = 0; i < 40; ++i) {
        deltas += R"(data: {"type":"response.output_text.delta","delta":"word "})"
                  "\n\n";
    }
    struct Row {
        std::string path, answer, more;
        Settled expected;
    };
    const std::vector<Row> rows{
        {"/v1/completions",
         json_response(200, R"({"choices":[{"text":")" + text +
                                R"("}],"usage":{"prompt_tokens":0,"completion_tokens":0}})"),
         "",
         {1, 120, 50, 200, false}},
        {"/v1/responses",
         json_response(200, R"({"id":"r","status":"completed",)" + message + "," + zero + "}"),
         R"(,"input":"x")",
         {1, 120, 50, 200, false}},
        {"/v1/responses",
         sse_head() +
             chunk(deltas + R"(data: {"type":"response.completed","response":{"id":"r",)" + zero +
                   "}}\n\n") +
             chunk(""),
         R"(,"input":"x","stream":true)",
         {1, 120, 40, 60, false}},
        {"/v1/embeddings",
         json_response(200, R"({"data":[{"embedding":[1]}],"usage":{"prompt_tokens":0,)"
                            R"("total_tokens":0}})"),
         R"(,"input":["one two three four","five"])",
         {4, 120, 0, 0, false}},
        {"/v1/rerank",
         json_response(200, R"({"results":[],"usage":{"total_tokens":0}})"),
         R"(,"query":"one two three four five","documents":["six seven eight nine"])",
         {4, 120, 0, 0, false}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.path + row.more);
        expect_settled(settle(row.answer, row.more, row.path), row.expected);
    }
}

TEST_F(UntrueUsage, NeverLetsALimitSlip) {
    const auto capped = [&](const std::string& more) {
        return gateway_.send(
            post_json("/v1/chat/completions", alice_key,
                      R"({"model":"tokens","messages":[],"max_tokens":50)" + more + "}"));
    };
    const std::string zero =
        R"(,"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0})";
    upstream_.answer(Script().send(long_answer(zero)));
    expect_success(capped(""));
    expect_rate_limited(capped(""), "tpm");

    ConfigText fresh(upstream_.base_url());
    fresh.models += "  tokens: {limits: {tpm: 70}, route: [{upstream: up}]}\n";
    const Gateway gateway(fresh);
    const std::string good =
        R"(,"usage":{"prompt_tokens":30,"completion_tokens":70,"total_tokens":100})";
    upstream_.answer(Script().send(long_stream(good, usage_event(0, 0))));
    const std::string request =
        post_json("/v1/chat/completions", alice_key,
                  R"({"model":"tokens","messages":[],"max_tokens":20,"stream":true})");
    expect_success(gateway.send(request));
    expect_rate_limited(gateway.send(request), "tpm");
}

TEST_F(UntrueUsage, ReachesWhoAskedForItWhereverItStands) {
    const std::string usage =
        R"("usage":{"prompt_tokens":50,"completion_tokens":70,"total_tokens":120})";
    const std::string text =
        R"(data: {"choices":[{"index":0,"text":"x","finish_reason":"length"}],)" + usage + "}\n\n";
    struct Row {
        std::string name, path, events;
    };
    for (const Row& row : std::vector<Row>{
             {"an event of its own", "/v1/chat/completions", chat_event("x") + usage_event(50, 70)},
             {"the last chunk of a chat", "/v1/chat/completions",
              R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],)" + usage +
                  "}\n\n"},
             {"the last chunk of a completion", "/v1/completions", text},
             {"before the choices", "/v1/chat/completions",
              "data: {" + usage +
                  R"(,"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]})"
                  "\n\n"},
             {"inside the choice", "/v1/chat/completions",
              R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop",)" + usage +
                  "}]}\n\n"},
         }) {
        SCOPED_TRACE(row.name);
        const std::string whole = row.events + std::string(done_event);
        const std::string answer = sse_head() + chunk(whole) + chunk("");
        const Response response =
            ask(answer, std::string(streamed) + std::string(asks_for_usage), row.path);
        expect_success(response);
        EXPECT_EQ(response.body, whole);
        const auto line = gateway_.daemon().wait_for_event("access", from_);
        ASSERT_TRUE(line);
        EXPECT_EQ(line->value("settled_tokens", 0), 120) << line->dump();
        EXPECT_EQ(line->value("usage_source", ""), "reported");
    }
    // The same for one that asked for JSON and gets a stream, and the other way round.
    const Response json =
        ask(sse_head() + chunk(chat_event("x") + usage_event(50, 70) + std::string(done_event)) +
            chunk(""));
    expect_success(json);
    EXPECT_EQ(nlohmann::json::parse(json.body)["usage"].value("total_tokens", 0), 120);
}

TEST_F(UntrueUsage, WhatStandsBesideACutUsageStays) {
    const std::string usage =
        R"("usage":{"prompt_tokens":50,"completion_tokens":70,"total_tokens":120})";
    struct Row {
        std::string name, event, kept;
    };
    for (const Row& row : std::vector<Row>{
             {"timings",
              R"(data: {"choices":[],)" + usage +
                  R"(,"timings":{"predicted_ms":12.5}})"
                  "\n\n",
              R"("timings":{"predicted_ms":12.5})"},
             {"a fingerprint",
              R"(data: {"choices":[],"system_fingerprint":"fp_1",)" + usage + "}\n\n",
              R"("system_fingerprint":"fp_1")"},
             {"in the last chunk",
              R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],)" + usage +
                  R"(,"timings":{"prompt_n":3}})"
                  "\n\n",
              R"("timings":{"prompt_n":3})"},
         }) {
        SCOPED_TRACE(row.name);
        const Response response = ask(
            sse_head() + chunk(chat_event("x") + row.event + std::string(done_event)) + chunk(""),
            streamed);
        expect_success(response);
        EXPECT_EQ(response.body.find("\"usage\""), std::string::npos) << response.body;
        EXPECT_NE(response.body.find(row.kept), std::string::npos) << response.body;
        for (const std::string& data : events_of(response.body)) {
            if (data == "[DONE]") continue;
            const nlohmann::json event = nlohmann::json::parse(data, nullptr, false);
            ASSERT_TRUE(event.is_object()) << data;
            EXPECT_FALSE(event["choices"].empty()) << "a client reads choices[0]: " << data;
        }
    }
}

}  // namespace
}  // namespace sluicegate::support
