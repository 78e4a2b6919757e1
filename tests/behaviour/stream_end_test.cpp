// When a stream is complete: every proper end reaches the client as one, every other end as an
// error, and the log, the metrics and the limits agree.
#include "behaviour/harness.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::support {
namespace {

constexpr std::string_view path_of_chat = "/v1/chat/completions";

std::string reason_event(std::string_view reason, int index = 0) {
    return R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m",)"
           R"("choices":[{"index":)" +
           std::to_string(index) + R"(,"delta":{},"finish_reason":)" + std::string(reason) +
           "}]}\n\n";
}

std::string choice_event(int index) {
    return R"(data: {"choices":[{"index":)" + std::to_string(index) +
           R"(,"delta":{"content":"x"},"finish_reason":null}]})" + "\n\n";
}

const std::string stop = reason_event(R"("stop")");
const std::string piece = chat_event("one");
const std::string until_close = response_head(200, "Content-Type: text/event-stream\r\n");

std::string sized_head(std::size_t size) {
    return response_head(
        200, "Content-Type: text/event-stream\r\nContent-Length: " + std::to_string(size) + "\r\n");
}

Script chunked(const std::string& events) {
    return Script().send(sse_head() + chunk(events) + chunk(""));
}

class StreamEnd : public testing::Test {
protected:
    static ConfigText config(const FakeUpstream& upstream) {
        ConfigText text(upstream.base_url(), "breaker: {min_requests: 100000}");
        text.streams = "streams: {end_grace: 30ms}\n";
        return text;
    }
    Response ask(const Script& script, std::string_view more = "",
                 std::string_view path = path_of_chat) {
        upstream_.answer(script);
        from_ = gateway_.daemon().log_size();
        return gateway_.send(post_json(path, alice_key,
                                       R"({"model":"m","messages":[],"input":"x","prompt":"x",)"
                                       R"("stream":true)" +
                                           std::string(more) + "}"));
    }
    /// The access line of the last request.
    nlohmann::json line() const {
        return gateway_.daemon().wait_for_event("access", from_).value_or(nlohmann::json());
    }
    void expect_whole(const Response& response, const std::string& body) {
        expect_success(response);
        EXPECT_EQ(response.body, body);
    }
    void expect_broken(const Response& response, const std::string& code) {
        EXPECT_EQ(response.status, 200);
        EXPECT_FALSE(response.is_complete);
        EXPECT_EQ(response.body.find("[DONE]"), std::string::npos);
        EXPECT_NE(response.body.find("\"code\":\"" + code + "\""), std::string::npos)
            << response.body;
    }
    double with_outcome(const std::string& outcome) const {
        return metric(gateway_, "sluicegate_requests_total", {"outcome=\"" + outcome + "\""});
    }
    double failed_attempts() const { return metric(gateway_, "sluicegate_upstream_errors_total"); }

    FakeUpstream upstream_;
    mutable Gateway gateway_{config(upstream_)};
    std::size_t from_ = 0;
};

TEST_F(StreamEnd, IsProperHoweverDoneIsWritten) {
    const std::string proper(done_event);
    for (const std::string& done :
         {proper, std::string("data: [DONE]\n"), std::string("data: [DONE]"),
          std::string("data:[DONE]\n\n"), std::string("data: [DONE]\r\n\r\n"),
          std::string("data: [DONE]\r"), std::string("data:  [DONE] \n\n"), proper + ": bye\n\n"}) {
        // Once without any reason, which [DONE] does not need.
        for (const std::string& before : {piece + stop, piece}) {
            SCOPED_TRACE(nlohmann::json(before + done).dump());
            const Response response = ask(chunked(before + done));
            expect_success(response);
            ASSERT_TRUE(response.body.starts_with(before)) << response.body;
            const std::string end = response.body.substr(before.size());
            EXPECT_TRUE(end.starts_with("data: [DONE]") || end.starts_with("data:[DONE]")) << end;
            EXPECT_TRUE(end.find("\n\n") != std::string::npos || end.ends_with("\r\n\r\n") ||
                        end.ends_with("\r\n\n"))
                << nlohmann::json(end).dump();
        }
    }
    EXPECT_TRUE(eventually([&] { return with_outcome("ok") == 16; }));
    EXPECT_EQ(failed_attempts(), 0);
}

TEST_F(StreamEnd, IsProperAfterEveryReasonWithoutDone) {
    const std::string usage =
        R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}],)"
        R"("usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}})"
        "\n\n";
    struct Row {
        std::string name, body;
        std::string more = {};
    };
    const std::string asks_usage = R"(,"stream_options":{"include_usage":true})";
    const std::vector<Row> rows{
        {"a reason", piece + stop},
        {"the reason with the last text",
         R"(data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"eos"}]})"
         "\n\n"},
        {"a reason of its own", piece + reason_event(R"("function_call")")},
        {"usage in the last event", piece + usage, asks_usage},
        {"usage behind it", piece + stop + usage_event(1, 1), asks_usage},
        {"a comment behind it", piece + stop + ": bye\n\n"},
        {"two choices", choice_event(0) + choice_event(1) + stop + reason_event(R"("stop")", 1),
         R"(,"n":2)"},
        {"two choices, the other first",
         choice_event(1) + reason_event(R"("stop")", 1) + choice_event(0) + stop, R"(,"n":2)"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        expect_whole(ask(chunked(row.body), row.more), row.body);
        // Of that length; by the end of the connection; by silence.
        expect_whole(ask(Script().send(sized_head(row.body.size()) + row.body), row.more),
                     row.body);
        expect_whole(ask(Script().send(until_close + row.body).close(), row.more), row.body);
        expect_whole(ask(Script().send(sse_head() + chunk(row.body)).stall(), row.more), row.body);
    }
    const std::string unterminated = piece + stop.substr(0, stop.size() - 2);
    expect_whole(ask(chunked(unterminated)), piece + stop);
    const double expected = 4.0 * static_cast<double>(rows.size()) + 1;
    EXPECT_TRUE(eventually([&] { return with_outcome("ok") == expected; }));
    EXPECT_EQ(failed_attempts(), 0);
}

TEST_F(StreamEnd, BeforeEveryReasonIsAnError) {
    struct Row {
        std::string name, body;
        std::string more = {};
    };
    const std::vector<Row> rows{
        {"no reason", piece},
        {"null", piece + reason_event("null")},
        {"empty", piece + reason_event(R"("")")},
        {"one of two", choice_event(0) + choice_event(1) + stop, R"(,"n":2)"},
        {"one of two, the other unseen", choice_event(0) + stop, R"(,"n":2)"},
        {"twice the same of two", choice_event(1) + stop + stop, R"(,"n":2)"},
        {"usage alone", piece + usage_event(1, 1), R"(,"stream_options":{"include_usage":true})"},
        {"half an event", piece + stop.substr(0, stop.size() - 5)},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        expect_broken(ask(chunked(row.body), row.more), "upstream_closed");
        expect_broken(ask(Script().send(until_close + row.body).close(), row.more),
                      "upstream_closed");
    }
    const double expected = 2.0 * static_cast<double>(rows.size());
    EXPECT_TRUE(eventually([&] { return with_outcome("upstream_closed") == expected; }));
    EXPECT_TRUE(eventually([&] { return failed_attempts() == expected; }));
    EXPECT_EQ(with_outcome("ok"), 0);
}

TEST_F(StreamEnd, BehindTheReasonACutThatTheFramingShowsIsAnError) {
    const std::string body = piece + stop;
    struct Row {
        std::string name, head;
        std::function<void(Script&)> end;
        std::string code = "upstream_closed";
    };
    const std::vector<Row> rows{
        {"no last chunk", sse_head() + chunk(body), [](Script& script) { script.cut(); }},
        {"a reset", sse_head() + chunk(body), [](Script& script) { script.reset(); }},
        {"shorter than its length", sized_head(body.size() + 9) + body,
         [](Script& script) { script.cut(); }},
        {"a broken chunk", sse_head() + chunk(body),
         [](Script& script) { script.send("zz\r\n").stall(); }, "upstream_bad_response"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Signal has_read;
        Script script;
        script.send(row.head).wait(has_read);
        row.end(script);
        upstream_.answer(script);
        from_ = gateway_.daemon().log_size();
        TestClient client = gateway_.connect();
        client.send(chat_request(alice_key, "m", true));
        EXPECT_EQ(client.read_head().status, 200);
        ASSERT_TRUE(client.read_until("\"stop\""));
        has_read.raise();
        expect_broken(client.read_rest(), row.code);
    }
    // But [DONE] is the end, whatever the connection does.
    const std::string done = body + std::string(done_event);
    expect_whole(ask(Script().send(sse_head() + chunk(done)).reset()), done);
}

TEST_F(StreamEnd, IsTheLastEventAtTheOtherEndpoints) {
    const auto typed = [](const std::string& type, const std::string& more) {
        return "event: " + type + "\ndata: {\"type\":\"" + type + "\"" + more + "}\n\n";
    };
    const std::string created =
        typed("response.created", R"(,"response":{"id":"r","status":"in_progress"})") +
        typed("response.output_text.delta", R"(,"delta":"x")");
    for (const std::string status : {"completed", "incomplete", "failed"}) {
        SCOPED_TRACE(status);
        const std::string body =
            created + typed("response." + status,
                            R"(,"response":{"id":"r","status":")" + status + R"(","output":[]})");
        // The upstream's connection goes on.
        const Script script = Script().send(sse_head() + chunk(body)).stall();
        const Response response = ask(script, "", "/v1/responses");
        expect_success(response);
        EXPECT_EQ(response.body, body);
        EXPECT_EQ(line().value("outcome", ""), "ok");
    }
    expect_broken(ask(chunked(created), "", "/v1/responses"), "upstream_closed");
    // A completion ends like a chat.
    const std::string text = R"(data: {"choices":[{"index":0,"text":"x","finish_reason":"stop"}]})"
                             "\n\n";
    expect_whole(ask(chunked(text), "", "/v1/completions"), text);
    expect_broken(ask(chunked(text), R"(,"n":2)", "/v1/completions"), "upstream_closed");
}

TEST_F(StreamEnd, NeedsTheReasonsOfAllPromptsOfACompletion) {
    const auto text = [](int index) {
        return R"(data: {"choices":[{"index":)" + std::to_string(index) +
               R"(,"text":"x","finish_reason":"stop"}]})" + "\n\n";
    };
    upstream_.answer(chunked(text(0) + text(1)));
    const auto prompts = [&](const std::string& list) {
        return gateway_.send(post_json("/v1/completions", alice_key,
                                       R"({"model":"m","stream":true,"prompt":)" + list + "}"));
    };
    expect_whole(prompts(R"(["a","b"])"), text(0) + text(1));
    expect_whole(prompts(R"("a","n":2)"), text(0) + text(1));
    expect_broken(prompts(R"(["a","b"],"n":2)"), "upstream_closed");
    expect_broken(prompts(R"([[1,2],[3],[4]])"), "upstream_closed");
}

TEST_F(StreamEnd, SilenceIsCountedFromTheLastEventAndNotFromComments) {
    const std::string usage = usage_event(3, 4);
    const Script script = Script()
                              .send(sse_head() + chunk(piece + stop))
                              .pause(milliseconds(20))
                              .send(chunk(usage))
                              .repeat(chunk(": still here\n\n"), milliseconds(10));
    const Response response = ask(script, R"(,"stream_options":{"include_usage":true})");
    expect_success(response);
    EXPECT_TRUE(response.body.starts_with(piece + stop + usage)) << response.body;
    EXPECT_EQ(line().value("outcome", ""), "ok");
    EXPECT_EQ(line().value("settled_tokens", 0), 7);
}

TEST(StreamEndSettings, AtOnceWithoutGraceAndDoneWhereItIsWanted) {
    FakeUpstream upstream;
    ConfigText config(upstream.base_url());
    config.streams = "streams: {end_grace: 0ms, add_done: true}\n";
    const Gateway gateway(config);
    upstream.answer(Script().send(sse_head() + chunk(piece + stop)).stall());
    const Response chat = gateway.stream(alice_key, "m");
    expect_success(chat);
    EXPECT_EQ(chat.body, piece + stop + std::string(done_event));

    upstream.answer(chunked(piece + stop + std::string(done_event)));
    EXPECT_EQ(gateway.stream(alice_key, "m").body, piece + stop + std::string(done_event))
        << "one is enough";
    const std::string error = "data: {\"error\":{\"message\":\"x\"}}\n\n";
    for (const std::string& events : {piece, piece + error, piece + stop + error}) {
        upstream.answer(chunked(events));
        EXPECT_EQ(gateway.stream(alice_key, "m").body.find("[DONE]"), std::string::npos) << events;
    }
    // A response has no such end.
    const std::string response =
        "event: response.completed\n"
        "data: {\"type\":\"response.completed\",\"response\":{\"output\":[]}}\n\n";
    upstream.answer(chunked(response));
    EXPECT_EQ(gateway
                  .send(post_json("/v1/responses", alice_key,
                                  R"({"model":"m","input":"x","stream":true})"))
                  .body,
              response);
}

TEST_F(StreamEnd, AClientThatLeavesAfterTheLastEventIsOk) {
    Signal left;
    const std::string terminal =
        "event: response.completed\n"
        "data: {\"type\":\"response.completed\",\"response\":{\"output\":[]}}\n\n";
    struct Row {
        std::string path, body, last;
    };
    for (const Row& row : {Row{std::string(path_of_chat), piece + stop, "\"stop\""},
                           Row{"/v1/responses", terminal, "response.completed"}}) {
        SCOPED_TRACE(row.path);
        from_ = gateway_.daemon().log_size();
        upstream_.answer(Script().send(sse_head() + chunk(row.body)).stall());
        {
            TestClient client = gateway_.connect();
            client.send(post_json(row.path, alice_key,
                                  R"({"model":"m","messages":[],"input":"x","stream":true})"));
            static_cast<void>(client.read_head());
            ASSERT_TRUE(client.read_until(row.last));
        }
        EXPECT_EQ(line().value("outcome", ""), "ok") << line().dump();
        EXPECT_EQ(line().value("status", 0), 200);
    }
    // One that leaves before is not.
    from_ = gateway_.daemon().log_size();
    upstream_.answer(Script().send(sse_head() + chunk(piece)).stall());
    {
        TestClient client = gateway_.connect();
        client.send(chat_request(alice_key, "m", true));
        static_cast<void>(client.read_head());
        ASSERT_TRUE(client.read_until("one"));
    }
    EXPECT_EQ(line().value("outcome", ""), "client_gone");
    EXPECT_EQ(failed_attempts(), 0);
}

TEST_F(StreamEnd, AnErrorToldInTheStreamIsTheUpstreamsWhateverFollows) {
    const std::string done(done_event);
    struct Row {
        std::string name, tail;
    };
    const std::vector<Row> rows{
        {"an error event", "data: {\"error\":{\"message\":\"engine died\",\"code\":500}}\n\n"},
        {"a named one", "event: error\ndata: {\"message\":\"engine died\"}\n\n"},
        {"as text", "data: {\"error\":\"engine died\"}\n\n"},
        {"in a chunk",
         "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},"
         "\"finish_reason\":null}],\"error\":{\"message\":\"engine died\"}}\n\n"},
        {"in a choice",
         "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":null,"
         "\"error\":{\"message\":\"engine died\"}}]}\n\n"},
        {"as a reason", reason_event(R"("error")")},
    };
    for (const Row& row : rows) {
        for (const std::string& behind : {std::string(), done, stop + done}) {
            SCOPED_TRACE(row.name + ", then " + behind);
            const double before = failed_attempts();
            const Response response = ask(chunked(piece + row.tail + behind));
            EXPECT_EQ(response.status, 200);
            EXPECT_TRUE(response.body.starts_with(piece + row.tail)) << response.body;
            const nlohmann::json access = line();
            EXPECT_TRUE(access.value("outcome", "").starts_with("upstream_")) << access.dump();
            EXPECT_TRUE(eventually([&] { return failed_attempts() == before + 1; }));
            EXPECT_TRUE(gateway_.daemon().wait_for_event("request_failed", from_));
        }
    }
    // Words of an error inside the text are none.
    const double before = failed_attempts();
    const std::string talk =
        chat_event(R"(data: {\"error\":{\"message\":\"x\"}} finish_reason: error)") + stop + done;
    expect_whole(ask(chunked(talk)), talk);
    EXPECT_EQ(failed_attempts(), before);
}

TEST_F(StreamEnd, AnErrorToldInTypedEventsIsTheUpstreamsToo) {
    const std::string created =
        "event: response.created\n"
        "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n"
        "event: response.output_text.delta\n"
        "data: {\"type\":\"response.output_text.delta\",\"delta\":\"x\"}\n\n";
    struct Row {
        std::string name, tail, outcome;
    };
    for (const Row& row : std::vector<Row>{
             {"an error",
              "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\","
              "\"message\":\"x\"}\n\n",
              "upstream_failed"},
             {"a failed response",
              "event: response.failed\n"
              "data: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\",\"status\":"
              "\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"x\"}}}\n\n",
              "upstream_failed"},
             {"one that the prompt failed",
              "event: response.failed\n"
              "data: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\",\"status\":"
              "\"failed\",\"error\":{\"code\":\"invalid_prompt\",\"message\":\"x\"}}}\n\n",
              "ok"},
         }) {
        SCOPED_TRACE(row.name);
        const double before = failed_attempts();
        const Response response = ask(chunked(created + row.tail), "", "/v1/responses");
        EXPECT_EQ(response.body, created + row.tail);
        EXPECT_EQ(line().value("outcome", ""), row.outcome) << line().dump();
        const double failed = row.outcome == "ok" ? 0 : 1;
        EXPECT_TRUE(eventually([&] { return failed_attempts() == before + failed; }));
    }
}

TEST(StreamEndHealth, ToldErrorsOpenTheBreakerAndProperEndsDoNot) {
    struct Row {
        std::string name, events;
        bool is_failure;
    };
    for (const Row& row :
         {Row{"without [DONE]", piece + stop, false},
          Row{"an error, then [DONE]",
              piece + "data: {\"error\":{\"message\":\"x\"}}\n\n" + std::string(done_event), true},
          Row{"cut", piece, true}}) {
        SCOPED_TRACE(row.name);
        FakeUpstream upstream;
        ConfigText config(upstream.base_url(), "breaker: {min_requests: 4}");
        const Gateway gateway(config);
        upstream.answer(chunked(row.events));
        for (int i = 0; i < 4; ++i) static_cast<void>(gateway.stream(alice_key, "m"));
        const int expected = row.is_failure ? 503 : 200;
        EXPECT_TRUE(eventually([&] { return gateway.admin("/readyz").status == expected; }));
    }
}

}  // namespace
}  // namespace sluicegate::support
