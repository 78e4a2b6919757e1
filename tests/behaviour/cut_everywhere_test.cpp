// The upstream's answer is cut at every byte, in each framing and by each way to die: the client
// never takes a part for the whole (docs/streaming.md, "How a stream ends").
#include "behaviour/harness.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

namespace sluicegate::support {
namespace {

struct Endpoint {
    std::string name, path, body;
    std::vector<std::string> events;
    std::string last_words;  ///< with these the stream is finished
};

const std::vector<Endpoint>& endpoints() {
    static const std::vector<Endpoint> all{
        {.name = "chat",
         .path = "/v1/chat/completions",
         .body = R"({"model":"m","messages":[],"stream":true})",
         .events =
             {"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n",
              "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
              "data: [DONE]\n\n"},
         .last_words = "[DONE]"},
        {.name = "responses",
         .path = "/v1/responses",
         .body = R"({"model":"m","input":"x","stream":true})",
         .events = {"event: response.created\n"
                    "data: {\"type\":\"response.created\",\"sequence_number\":0}\n\n",
                    "event: response.output_text.delta\n"
                    "data: {\"type\":\"response.output_text.delta\",\"sequence_number\":1,"
                    "\"delta\":\"a\"}\n\n",
                    "event: response.completed\n"
                    "data: {\"type\":\"response.completed\",\"sequence_number\":2,"
                    "\"response\":{\"status\":\"completed\"}}\n\n"},
         .last_words = "\"status\":\"completed\"}}"}};
    return all;
}

enum class Framing { chunked, content_length, until_close };
enum class Death { fin, reset };

/// The bytes of a good answer, and how many of them end with the nth event.
struct Answer {
    std::string wire;
    std::vector<std::size_t> ends;
    std::size_t last_words = 0;  ///< where they are complete
};

Answer answer_of(const Endpoint& endpoint, Framing framing) {
    std::string body;
    for (const std::string& event : endpoint.events) body += event;
    const std::string type = "Content-Type: text/event-stream\r\n";
    Answer answer;
    switch (framing) {
        case Framing::chunked: answer.wire = sse_head(); break;
        case Framing::content_length:
            answer.wire = response_head(
                200, type + "Content-Length: " + std::to_string(body.size()) + "\r\n");
            break;
        case Framing::until_close: answer.wire = response_head(200, type); break;
    }
    for (const std::string& event : endpoint.events) {
        // In two chunks, so that a cut falls between the chunks of one event too.
        const std::size_t half = event.size() / 2;
        const bool is_chunked = framing == Framing::chunked;
        answer.wire +=
            is_chunked ? chunk(event.substr(0, half)) + chunk(event.substr(half)) : event;
        answer.ends.push_back(answer.wire.size() - (is_chunked ? 2 : 0));
    }
    answer.last_words = answer.wire.rfind(endpoint.last_words) + endpoint.last_words.size();
    if (framing == Framing::chunked) answer.wire += chunk("");
    return answer;
}

void expect_error_event(const Endpoint& endpoint, const Response& response, std::size_t whole) {
    EXPECT_FALSE(response.is_complete);
    EXPECT_EQ(response.body.find(endpoint.last_words), std::string::npos);
    std::string begin;
    for (std::size_t i = 0; i < whole; ++i) begin += endpoint.events[i];
    ASSERT_TRUE(response.body.starts_with(begin)) << "what was whole has passed";
    const std::string rest = response.body.substr(begin.size());
    const std::vector<std::string> data = events_of(rest);
    ASSERT_EQ(data.size(), 1U) << "nothing of the broken event has passed: " << rest;
    EXPECT_TRUE(rest.ends_with("\n\n"));
    const nlohmann::json event = nlohmann::json::parse(data[0], nullptr, false);
    ASSERT_TRUE(event.is_object() && event.contains("error")) << rest;
    EXPECT_EQ(event["error"].value("type", ""), "server_error");
    EXPECT_EQ(event["error"].value("code", ""), "upstream_closed");
    EXPECT_TRUE(event["error"].contains("message"));
    if (endpoint.name == "responses") {
        EXPECT_TRUE(rest.starts_with("event: error\n"));
        EXPECT_EQ(event.value("type", ""), "error");
        EXPECT_EQ(event.value("code", ""), "upstream_closed");
        EXPECT_EQ(event.value("sequence_number", -1), static_cast<int>(whole));
    } else {
        EXPECT_TRUE(rest.starts_with("data: {\"error\":"));
    }
}

using Parameter = std::tuple<std::size_t, Framing, Death>;
class CutEverywhere : public testing::TestWithParam<Parameter> {};

std::string name_of(const testing::TestParamInfo<Parameter>& info) {
    const auto& [endpoint, framing, death] = info.param;
    const std::string framings[] = {"Chunked", "ContentLength", "UntilClose"};
    return (endpoint == 0 ? "Chat" : "Responses") + framings[static_cast<int>(framing)] +
           (death == Death::fin ? "Fin" : "Reset");
}

TEST_P(CutEverywhere, APartNeverLooksLikeTheWhole) {
    const auto& [index, framing, death] = GetParam();
    const Endpoint& endpoint = endpoints()[index];
    const Answer answer = answer_of(endpoint, framing);
    std::string whole_body;
    for (const std::string& event : endpoint.events) whole_body += event;
    FakeUpstream upstream;
    const Gateway gateway{ConfigText(upstream.base_url())};
    const std::string bytes = post_json(endpoint.path, alice_key, endpoint.body);
    // A reset may overtake what was sent before it, so only some of its cuts say anything new.
    const std::size_t step = death == Death::reset ? 7 : 1;
    for (std::size_t size = 0; size <= answer.wire.size(); size += step) {
        SCOPED_TRACE("cut after " + std::to_string(size) + " of " +
                     std::to_string(answer.wire.size()) + " bytes");
        Script script;
        script.send(answer.wire.substr(0, size));
        upstream.answer(death == Death::fin ? script.cut() : script.reset());
        const Response response = gateway.send(bytes);
        const auto whole = static_cast<std::size_t>(
            std::count_if(answer.ends.begin(), answer.ends.end(),
                          [size = size](std::size_t end) { return end <= size; }));
        if (response.status == 200 && response.is_complete) {
            // Where only the connection's end closes the body, a finish_reason is the last word.
            const bool has_reason =
                index == 0 && framing == Framing::until_close && size + 2 >= answer.ends[1];
            const std::string with_reason = endpoint.events[0] + endpoint.events[1];
            EXPECT_TRUE(size >= answer.last_words || has_reason)
                << "a clean end that the upstream never made";
            EXPECT_TRUE(response.body == whole_body || (has_reason && response.body == with_reason))
                << response.body;
        } else if (response.status == 200) {
            EXPECT_LT(whole, endpoint.events.size()) << "all of it had come";
            if (death == Death::fin) expect_error_event(endpoint, response, whole);
            EXPECT_EQ(response.body.find(endpoint.last_words), std::string::npos);
        } else {
            EXPECT_TRUE(whole == 0 || death == Death::reset) << "an event had come";
            EXPECT_EQ(response.status, 502);
            const bool is_half_a_head = size > 0 && size < answer.wire.find("\r\n\r\n") + 4;
            if (!is_half_a_head) {
                expect_error(response,
                             {.status = 502, .type = "server_error", .code = "upstream_closed"});
            }
        }
        if (HasFailure()) return;
    }
}

INSTANTIATE_TEST_SUITE_P(EveryByte, CutEverywhere,
                         testing::Combine(testing::Values(std::size_t{0}, std::size_t{1}),
                                          testing::Values(Framing::chunked, Framing::content_length,
                                                          Framing::until_close),
                                          testing::Values(Death::fin, Death::reset)),
                         name_of);

}  // namespace
}  // namespace sluicegate::support
