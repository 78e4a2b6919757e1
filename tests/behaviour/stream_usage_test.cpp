// Usage of a stream: asked for when the client did not, and taken out again without a trace
// (docs/streaming.md, "Usage").
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluicegate::support {
namespace {

const std::string refusal =
    R"({"error":{"message":"Unrecognized request argument supplied: stream_options",)"
    R"("type":"invalid_request_error","param":"stream_options","code":null}})";

class StreamUsage : public testing::Test {
protected:
    static ConfigText config(const FakeUpstream& upstream) {
        ConfigText text(upstream.base_url());
        text.threads = "1";
        text.upstreams +=
            upstream_line("silent", upstream.base_url(), "takes_stream_options: false") +
            upstream_line("sure", upstream.base_url(), "takes_stream_options: true") +
            upstream_line("vllm", upstream.base_url(), "continuous_usage_stats: true");
        text.models +=
            "  on-silent: {route: [{upstream: silent}]}\n"
            "  on-sure: {route: [{upstream: sure}]}\n"
            "  on-vllm: {route: [{upstream: vllm}]}\n"
            "  renamed-vllm: {route: [{upstream: vllm, model: a/much-longer-name}]}\n";
        return text;
    }
    /// Streams a body that says `"stream":true` and `more`; the upstream answers with the events.
    Response stream(const std::string& events, const std::string& more = "",
                    const std::string& model = "m") {
        upstream_.answer(Script().send(sse_head() + chunk(events) + chunk("")));
        return gateway_.send(post_json("/v1/chat/completions", alice_key, body_of(model, more)));
    }
    static std::string body_of(const std::string& model, const std::string& more) {
        return R"({"messages":[{"role":"user","content":"hi \u00e9"}], "stream" : true,)"
               R"("seed":12345678901234567890,"model":")" +
               model + "\"" + more + "}";
    }
    [[nodiscard]] std::string received() const { return upstream_.requests().back().body; }
    [[nodiscard]] nlohmann::json options() const {
        return nlohmann::json::parse(received()).value("stream_options", nlohmann::json());
    }

    const std::string one_ = chat_event("one");
    const std::string two_ = chat_event("two");
    const std::string done_{done_event};
    const std::string plain_ = one_ + two_ + done_;
    FakeUpstream upstream_;
    Gateway gateway_{config(upstream_)};
};

TEST_F(StreamUsage, IsAskedForAndSwallowedWhenTheClientDidNotAsk) {
    const Response response = stream(one_ + two_ + usage_event(3, 4) + done_);
    expect_success(response);
    EXPECT_EQ(response.body, plain_) << "every other byte is the upstream's";
    EXPECT_EQ(options(), nlohmann::json({{"include_usage", true}}));
    nlohmann::json rest = nlohmann::json::parse(received());
    rest.erase("stream_options");
    EXPECT_EQ(rest, nlohmann::json::parse(body_of("m", "")));
    EXPECT_NE(received().find("12345678901234567890"), std::string::npos);
    EXPECT_NE(received().find("\"stream\" : true"), std::string::npos) << "spliced, not rewritten";
    EXPECT_EQ(upstream_.requests().back().head.value("content-length"),
              std::to_string(received().size()));
}

TEST_F(StreamUsage, PassesWhenTheClientAsked) {
    const std::string more = R"(,"stream_options":{"include_usage":true})";
    const std::string events = one_ + two_ + usage_event(3, 4) + done_;
    const Response response = stream(events, more);
    expect_success(response);
    EXPECT_EQ(response.body, events);
    EXPECT_EQ(received(), body_of("m", more)) << "byte for byte";
}

TEST_F(StreamUsage, KeepsTheOtherOptionsOfTheClient) {
    struct Row {
        std::string given;
        nlohmann::json expected;
    };
    const std::vector<Row> rows{
        {R"({"include_obfuscation":false})",
         {{"include_usage", true}, {"include_obfuscation", false}}},
        {R"({"include_usage":false})", {{"include_usage", true}}},
        {R"({"include_usage":false,"include_obfuscation":true,"x":{"include_usage":false}})",
         {{"include_usage", true},
          {"include_obfuscation", true},
          {"x", {{"include_usage", false}}}}},
        {"{}", {{"include_usage", true}}},
        {" { } ", {{"include_usage", true}}},
        {"null", {{"include_usage", true}}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.given);
        const Response response =
            stream(one_ + two_ + usage_event(3, 4) + done_, ",\"stream_options\":" + row.given);
        expect_success(response);
        EXPECT_EQ(response.body, plain_);
        EXPECT_EQ(options(), row.expected);
    }
}

TEST_F(StreamUsage, IsAskedForWhereverTheMembersStand) {
    for (const std::string& body :
         {std::string(R"({"stream":true,"model":"m"})"),
          std::string(R"({"model":"m","stream_options":{"include_usage":false},"stream":true})"),
          std::string("{\n  \"model\": \"m\",\n  \"stream\": true\n}\n"),
          std::string(R"({"stream":true,"model":"renamed"})"),
          std::string(R"({"stream":true,"stream_options":{},"model":"renamed"})"),
          std::string(R"({"stream_opt\u0069ons":{},"model":"renamed","stream":true})")}) {
        SCOPED_TRACE(body);
        upstream_.answer(Script().send(sse_head() + chunk(plain_) + chunk("")));
        expect_success(gateway_.send(post_json("/v1/chat/completions", alice_key, body)));
        const nlohmann::json sent = nlohmann::json::parse(received(), nullptr, false);
        ASSERT_TRUE(sent.is_object()) << received();
        EXPECT_EQ(sent["stream_options"], nlohmann::json({{"include_usage", true}})) << received();
        EXPECT_EQ(sent["model"],
                  body.find("renamed") == std::string::npos ? "m" : "provider/renamed-2024");
    }
}

TEST_F(StreamUsage, IsNotAskedForWithoutAStreamOrElsewhere) {
    struct Row {
        std::string path, body;
    };
    const std::vector<Row> rows{
        {"/v1/chat/completions", R"({"model":"m","messages":[]})"},
        {"/v1/chat/completions", R"({"model":"m","messages":[],"stream":false})"},
        {"/v1/chat/completions", R"({"model":"m","messages":[],"stream":null})"},
        {"/v1/embeddings", R"({"model":"m","input":"x"})"},
        {"/v1/responses", R"({"model":"m","input":"x"})"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.path + row.body);
        upstream_.answer(Script().send(answer_to(row.path)));
        expect_success(gateway_.send(post_json(row.path, alice_key, row.body)));
        EXPECT_EQ(received(), row.body);
    }
    upstream_.answer(
        Script().send(sse_head() +
                      chunk("event: response.completed\ndata: {\"type\":\"response.completed\","
                            "\"sequence_number\":0,\"response\":{}}\n\n") +
                      chunk("")));
    const std::string body = R"({"model":"m","input":"x","stream":true})";
    expect_success(gateway_.send(post_json("/v1/responses", alice_key, body)));
    EXPECT_EQ(received(), body) << "a responses stream always reports";
}

TEST_F(StreamUsage, CompletionsAreAskedToo) {
    const std::string text = R"(data: {"object":"text_completion","choices":[{"text":"a"}]})"
                             "\n\n";
    upstream_.answer(
        Script().send(sse_head() + chunk(text + usage_event(1, 2) + done_) + chunk("")));
    const Response response = gateway_.send(
        post_json("/v1/completions", alice_key, R"({"model":"m","prompt":"x","stream":true})"));
    expect_success(response);
    EXPECT_EQ(response.body, text + done_);
    EXPECT_EQ(options(), nlohmann::json({{"include_usage", true}}));
}

TEST_F(StreamUsage, TheChunkIsFoundInAnyPiecesAndLineEnds) {
    const std::string crlf_usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,"
        "\"total_tokens\":3}}\r\n\r\n";
    struct Row {
        std::string name, before, usage, after;
    };
    const std::vector<Row> rows{
        {"LF", one_, usage_event(1, 2), done_},
        {"CRLF", "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\n\r\n", crlf_usage,
         "data: [DONE]\r\n\r\n"},
        {"no space", one_, "data:{\"usage\":{\"total_tokens\":3},\"choices\":[]}\n\n", done_},
        {"spaces inside", one_,
         "data: { \"choices\" : [ ] , \"usage\" : { \"total_tokens\" : 3 } }\n\n", done_},
        {"among comments", ": x\n\n" + one_ + ": y\n\n", usage_event(1, 2), ": z\n\n" + done_},
        {"usage first", "", usage_event(1, 2), one_ + done_},
    };
    for (const Row& row : rows) {
        const std::string events = row.before + row.usage + row.after;
        for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, events.size()}) {
            SCOPED_TRACE(row.name + " in pieces of " + std::to_string(piece));
            Script script;
            script.send(sse_head());
            for (std::size_t at = 0; at < events.size(); at += piece) {
                script.send(chunk(std::string_view(events).substr(at, piece)));
            }
            upstream_.answer(script.send(chunk("")));
            const Response response = gateway_.stream(alice_key, "m");
            expect_success(response);
            EXPECT_EQ(response.body, row.before + row.after);
        }
    }
}

TEST_F(StreamUsage, EventsThatOnlyLookLikeItPass) {
    const std::vector<std::string> others{
        // Azure's first chunk.
        R"(data: {"choices":[],"created":0,"id":"","model":"","object":"",)"
        R"("prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]})"
        "\n\n",
        R"(data: {"choices":[],"usage":null})"
        "\n\n",
        R"(data: {"choices":[{"index":0,"delta":{"content":"\"usage\":{}"}}],"usage":null})"
        "\n\n",
        R"(data: {"choices":[{"index":0,"delta":{"content":"{\"choices\":[],\"usage\":{}}"}}]})"
        "\n\n",
        ": \"usage\":{}\n\n",
    };
    for (const std::string& other : others) {
        SCOPED_TRACE(other);
        const Response response = stream(other + one_ + usage_event(1, 2) + done_);
        expect_success(response);
        EXPECT_EQ(response.body, other + one_ + done_);
    }
}

TEST_F(StreamUsage, ARefusalOfTheOptionsIsTriedAgainWithoutThemAndRemembered) {
    upstream_.answer_with([this](const ReceivedRequest& request) {
        return request.body.find("stream_options") != std::string::npos
                   ? Script().send(json_response(400, refusal))
                   : Script().send(sse_head() + chunk(plain_) + chunk(""));
    });
    for (int i = 0; i < 3; ++i) {
        const Response response = gateway_.stream(alice_key, "m");
        expect_success(response);
        EXPECT_EQ(response.body, plain_);
    }
    const std::vector<ReceivedRequest> requests = upstream_.requests();
    ASSERT_EQ(requests.size(), 4U) << "one more than the client sent";
    EXPECT_NE(requests[0].body.find("stream_options"), std::string::npos);
    EXPECT_EQ(requests[1].body, chat_body("m", true));
    EXPECT_EQ(requests[2].body, chat_body("m", true));

    // What the client itself asks for is its own affair.
    const std::string body = body_of("m", R"(,"stream_options":{"include_usage":true})");
    const Response own = gateway_.send(post_json("/v1/chat/completions", alice_key, body));
    EXPECT_EQ(own.status, 400) << own.body;
    EXPECT_EQ(upstream_.requests().back().body, body);

    // Some servers report whether they are asked or not.
    upstream_.answer(
        Script().send(sse_head() + chunk(one_ + usage_event(1, 2) + done_) + chunk("")));
    EXPECT_EQ(gateway_.stream(alice_key, "m").body, one_ + done_);
}

TEST_F(StreamUsage, ARefusalIsRememberedByAllWorkers) {
    ConfigText text = config(upstream_);
    text.threads = "4";
    const Gateway gateway(text);
    upstream_.answer_with([this](const ReceivedRequest& request) {
        return request.body.find("stream_options") != std::string::npos
                   ? Script().send(json_response(400, refusal))
                   : Script().send(sse_head() + chunk(plain_) + chunk(""));
    });
    constexpr std::size_t streams = 20;
    for (std::size_t i = 0; i < streams; ++i) expect_success(gateway.stream(alice_key, "m"));
    EXPECT_EQ(upstream_.requests().size(), streams + 1) << "one of them was refused";
}

TEST_F(StreamUsage, AnotherRefusalIsNotTriedAgain) {
    upstream_.answer(Script().send(json_response(
        400, R"({"error":{"message":"bad temperature","type":"invalid_request_error",)"
             R"("param":"temperature","code":null}})")));
    const Response response = gateway_.stream(alice_key, "m");
    EXPECT_EQ(response.status, 400);
    EXPECT_NE(response.body.find("bad temperature"), std::string::npos);
    EXPECT_EQ(upstream_.requests().size(), 1U);
}

TEST_F(StreamUsage, AnUpstreamThatDoesNotTakeOptionsIsNotAsked) {
    const Response response = stream(one_ + usage_event(3, 4) + done_, "", "on-silent");
    expect_success(response);
    EXPECT_EQ(response.body, one_ + done_) << "usage that was not requested is cut";
    EXPECT_EQ(received(), body_of("on-silent", ""));
}

TEST_F(StreamUsage, ContinuousUsageIsAskedForAndCutOutOfEachChunk) {
    const auto with_usage = [](std::string event, const std::string& member) {
        return event.insert(event.size() - 3, member);
    };
    const std::string usage =
        R"(,"usage":{"prompt_tokens":1,"total_tokens":2,"completion_tokens":1})";
    const std::string named = R"("model":"m")";
    for (const std::string model : {"on-vllm", "renamed-vllm"}) {
        SCOPED_TRACE(model);
        const Response response =
            stream(with_usage(one_, usage) + with_usage(two_, usage) + usage_event(1, 2) + done_,
                   "", model);
        expect_success(response);
        std::string expected = plain_;
        if (model == "renamed-vllm") {
            for (std::size_t at = 0; (at = expected.find(named, at)) != std::string::npos;) {
                expected.replace(at, named.size(), R"("model":"renamed-vllm")");
            }
        }
        EXPECT_EQ(response.body, expected);
        EXPECT_EQ(options(),
                  nlohmann::json({{"include_usage", true}, {"continuous_usage_stats", true}}));
    }
    const std::string asked =
        R"(,"stream_options":{"include_usage":true,"continuous_usage_stats":true})";
    const std::string events = with_usage(one_, usage) + usage_event(1, 2) + done_;
    const Response response = stream(events, asked, "on-vllm");
    expect_success(response);
    EXPECT_EQ(response.body, events);
    EXPECT_EQ(received(), body_of("on-vllm", asked));
}

TEST_F(StreamUsage, AClientThatAskedForTheLastChunkAloneGetsThatOne) {
    std::string first = one_;
    first.insert(first.size() - 3, R"(,"usage":{"total_tokens":2})");
    const std::string rest = usage_event(1, 2) + done_;
    const Response response =
        stream(first + rest, R"(,"stream_options":{"include_usage":true})", "on-vllm");
    expect_success(response);
    EXPECT_TRUE(response.body == one_ + rest || response.body == first + rest) << response.body;
    EXPECT_EQ(options().value("continuous_usage_stats", false), true);
}

TEST_F(StreamUsage, TheAccessLogSaysWhereTheFiguresComeFrom) {
    static_cast<void>(stream(one_ + usage_event(31, 47) + done_));
    const auto reported = gateway_.daemon().wait_for_log([](const nlohmann::json& line) {
        return line.dump().find("\"reported\"") != std::string::npos;
    });
    ASSERT_TRUE(reported) << gateway_.daemon().log();
    EXPECT_EQ(reported->value("input_tokens", 0), 31);
    EXPECT_EQ(reported->value("output_tokens", 0), 47);
    EXPECT_EQ(reported->value("settled_tokens", 0), 78);
    EXPECT_EQ(reported->value("usage_source", ""), "reported");
    const std::size_t from = gateway_.daemon().log_size();
    static_cast<void>(stream(plain_));
    EXPECT_TRUE(gateway_.daemon().wait_for_log(
        [](const nlohmann::json& line) {
            return line.dump().find("\"counted\"") != std::string::npos ||
                   line.dump().find("\"estimated\"") != std::string::npos;
        },
        from))
        << gateway_.daemon().log();
}

}  // namespace
}  // namespace sluicegate::support
