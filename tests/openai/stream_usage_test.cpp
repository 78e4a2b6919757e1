#include "sluicegate/openai/sse_scanner.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::openai {
namespace {

constexpr StreamCuts everything{.usage_event = true, .usage_members = true};

/// What a scanner reads from a stream, and the stream without its cuts.
struct StreamVerdict {
    std::string passed;
    std::optional<Usage> usage;
    std::int64_t deltas = 0;
    std::int64_t bytes = 0;
    std::string reason;
    bool error = false;
    bool finished = false;
    std::string legacy_error;
    std::int64_t events = 0;

    friend bool operator==(const StreamVerdict&, const StreamVerdict&) = default;
};

/// Feeds `stream` in pieces of the sizes that `next_size` gives, and applies the cuts as they come.
template <class NextSize>
StreamVerdict scanned(Endpoint endpoint, std::string_view stream, StreamCuts wanted,
                      NextSize next_size) {
    const std::int64_t answers = endpoint == Endpoint::images_generations ? 2 : 1;
    SseScanner scanner(endpoint, wanted, answers);
    StreamVerdict out;
    std::size_t fed = 0;
    std::size_t passed = 0;
    while (fed < stream.size()) {
        const std::string_view piece = stream.substr(fed, next_size());
        const std::size_t complete = scanner.complete_prefix(piece);
        const std::size_t whole = complete > 0 ? fed + complete : passed;
        for (const Cut& cut : scanner.cuts()) {
            EXPECT_GE(cut.offset, passed);
            EXPECT_LE(cut.offset + cut.size, whole);
            out.passed += stream.substr(passed, cut.offset - passed);
            passed = cut.offset + cut.size;
        }
        out.passed += stream.substr(passed, whole - passed);
        passed = whole;
        fed += piece.size();
    }
    EXPECT_EQ(scanner.stream_bytes(), stream.size());
    out.usage = scanner.usage();
    out.deltas = scanner.output_deltas();
    out.bytes = scanner.output_bytes();
    out.reason = scanner.finish_reason();
    out.error = scanner.error_seen();
    out.finished = scanner.finished();
    out.legacy_error = scanner.legacy_error();
    out.events = scanner.events();
    return out;
}

StreamVerdict scanned(Endpoint endpoint, std::string_view stream, StreamCuts wanted = {}) {
    return scanned(endpoint, stream, wanted, [&] { return stream.size(); });
}

std::string data_event(std::string_view json) {
    return "data: " + std::string(json) + "\n\n";
}

std::string chat_delta(std::string_view delta, std::string_view rest = "") {
    return data_event(R"({"id":"c","choices":[{"index":0,"delta":)" + std::string(delta) +
                      R"(,"finish_reason":null}])" + std::string(rest) + "}");
}

constexpr std::string_view usage_text =
    R"({"prompt_tokens":5,"completion_tokens":7,"total_tokens":12})";
constexpr Usage usage_value{.input = 5, .output = 7, .total = 12};
const std::string usage_event =
    data_event(R"({"id":"c","choices":[],"usage":)" + std::string(usage_text) + "}");

TEST(StreamUsage, TakesTheLargestOfEachPart) {
    struct Row {
        std::string_view name;
        Endpoint endpoint;
        std::string stream;
        std::optional<Usage> usage;
    };
    const std::string with_null = chat_delta(R"({"content":"a"})", R"(,"usage":null)");
    const Row rows[] = {
        {"none", Endpoint::chat_completions, chat_delta(R"({"content":"a"})"), {}},
        {"null only", Endpoint::chat_completions, with_null, {}},
        {"last chunk", Endpoint::chat_completions, with_null + usage_event + "data: [DONE]\n\n",
         usage_value},
        {"null behind it", Endpoint::chat_completions, usage_event + with_null, usage_value},
        {"continuous", Endpoint::chat_completions,
         chat_delta(R"({"content":"a"})",
                    R"(,"usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6})") +
             chat_delta(R"({"content":"b"})",
                        R"(, "usage" : {"prompt_tokens":5,"completion_tokens":7})"),
         usage_value},
        {"in text",
         Endpoint::chat_completions,
         chat_delta(R"({"content":"\"usage\":{\"prompt_tokens\":9}"})"),
         {}},
        {"nested",
         Endpoint::chat_completions,
         data_event(R"({"x":{"y":{"usage":{"prompt_tokens":9,"completion_tokens":9}}}})"),
         {}},
        {"inside a choice", Endpoint::chat_completions,
         data_event(R"({"choices":[{"usage":{"prompt_tokens":5,"completion_tokens":7}}]})"),
         usage_value},
        {"inside each choice", Endpoint::chat_completions,
         data_event(
             R"({"choices":[{"index":0,"usage":{"prompt_tokens":5,"completion_tokens":3}}]})") +
             data_event(
                 R"({"choices":[{"index":1,"usage":{"prompt_tokens":5,"completion_tokens":4}}]})"),
         usage_value},
        {"inside Groq's object", Endpoint::chat_completions,
         data_event(R"({"choices":[],"x_groq":{"id":"r","usage":{"prompt_tokens":5,)"
                    R"("completion_tokens":7}}})"),
         usage_value},
        {"a smaller one behind it", Endpoint::chat_completions,
         usage_event +
             data_event(R"({"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}})"),
         usage_value},
        {"a part that is missing behind it", Endpoint::chat_completions,
         usage_event + data_event(R"({"choices":[],"usage":{"prompt_tokens":5}})"), usage_value},
        {"over two lines", Endpoint::completions,
         "data: {\"choices\":[],\"usage\":\ndata: {\"prompt_tokens\":5,\n"
         "data:\"completion_tokens\":7}}\n\n",
         usage_value},
        {"response", Endpoint::responses,
         "event: response.created\n" +
             data_event(R"({"type":"response.created","response":{"usage":null}})") +
             "event: response.completed\n" +
             data_event(
                 R"({"type":"response.completed","response":{"status":"completed","usage":{)"
                 R"("input_tokens":5,"output_tokens":7,"total_tokens":12}},"sequence_number":9})"),
         usage_value},
        {"incomplete response", Endpoint::responses,
         data_event(R"({"type":"response.incomplete","response":{"usage":{"input_tokens":5,)"
                    R"("output_tokens":7,"total_tokens":12}}})"),
         usage_value},
        {"images add up", Endpoint::images_generations,
         data_event(R"({"type":"image_generation.partial_image","b64_json":"AAAA"})") +
             data_event(R"({"type":"image_generation.completed","b64_json":"A","usage":{)"
                        R"("input_tokens":2,"output_tokens":3,"total_tokens":5}})") +
             data_event(R"({"type":"image_generation.completed","b64_json":"A","usage":{)"
                        R"("input_tokens":3,"output_tokens":4,"total_tokens":7}})"),
         usage_value},
        {"transcription", Endpoint::audio_transcriptions,
         data_event(R"({"type":"transcript.text.delta","delta":"a"})") +
             data_event(R"({"type":"transcript.text.done","text":"a","usage":{"type":"tokens",)"
                        R"("input_tokens":5,"output_tokens":7,"total_tokens":12}})"),
         usage_value},
        {"speech", Endpoint::audio_speech,
         data_event(R"({"type":"speech.audio.delta","audio":"AAAA"})") +
             data_event(R"({"type":"speech.audio.done","usage":{"input_tokens":5,)"
                        R"("output_tokens":7,"total_tokens":12}})"),
         usage_value},
        {"Anthropic's", Endpoint::responses,
         data_event(R"({"type":"message_start","message":{"usage":{"input_tokens":2,)"
                    R"("cache_read_input_tokens":3,"output_tokens":1}}})") +
             data_event(R"({"type":"message_delta","delta":{},"usage":{"output_tokens":4}})") +
             data_event(R"({"type":"message_delta","delta":{},"usage":{"output_tokens":7}})"),
         Usage{.input = 5, .output = 7, .total = 12, .cached_input = 3}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(scanned(row.endpoint, row.stream).usage, row.usage);
    }
}

TEST(StreamUsage, CountsTheTextThatGoesBy) {
    struct Row {
        std::string_view name;
        Endpoint endpoint;
        std::string stream;
        std::int64_t deltas;
        std::int64_t bytes;
    };
    const auto chat = Endpoint::chat_completions;
    const Row rows[] = {
        {"role", chat, chat_delta(R"({"role":"assistant","content":""})"), 0, 0},
        {"content", chat, chat_delta(R"({"content":" word"})"), 1, 5},
        {"spaced", chat, chat_delta("{\"content\" :\t\"ab\"}"), 1, 2},
        {"runs of one shape", chat,
         chat_delta(R"({"content":"a"})") + chat_delta(R"({"content":""})") +
             chat_delta(R"({"content":"bcd"})") + chat_delta(R"({"content":"\n\"e\""})"),
         3, 8},
        {"noise", chat,
         chat_delta(R"({"content":"a"})", R"(,"obfuscation":"xyz")") +
             chat_delta(R"({"content":"b"})", R"(,"obfuscation":"x")") +
             chat_delta(R"({"content":"c"})", R"(,"obfuscation":"")"),
         3, 3},
        {"reasoning", chat, chat_delta(R"({"reasoning_content":"ab"})"), 1, 2},
        {"reasoning by its newer name", chat, chat_delta(R"({"reasoning":"ab"})"), 1, 2},
        {"tool call", chat,
         chat_delta(R"({"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]})") +
             chat_delta(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"a"}}]})"),
         1, 3},
        {"null content beside a call", chat,
         chat_delta(R"({"content":null,"tool_calls":[{"function":{"arguments":"{}"}}]})"), 1, 2},
        {"two choices", chat,
         data_event(
             R"({"choices":[{"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]})"),
         2, 2},
        {"text in text", chat, chat_delta(R"({"content":"\"content\":\"x\""})"), 1, 13},
        {"escapes", chat, chat_delta(R"({"content":"\u00e9\ud83d\ude00\\n"})"), 1, 11},
        {"log probabilities", chat,
         data_event(
             R"({"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"a"}]}}]})"),
         1, 1},
        {"completion", Endpoint::completions,
         data_event(R"({"choices":[{"index":0,"text":"abc"}]})") +
             data_event(R"({"choices":[{"text":""}]})"),
         1, 3},
        {"response", Endpoint::responses,
         data_event(R"({"type":"response.output_text.delta","delta":"ab"})") +
             data_event(R"({"type":"response.function_call_arguments.delta","delta":"{}"})") +
             data_event(R"({"type":"response.reasoning_summary_text.delta","delta":"c"})") +
             data_event(R"({"type":"response.audio.delta","delta":"AAAA"})") +
             data_event(R"({"type":"response.output_text.done","text":"ab"})"),
         3, 5},
        {"transcription", Endpoint::audio_transcriptions,
         data_event(R"({"type":"transcript.text.delta","delta":"ab"})"), 1, 2},
        {"not complete", chat, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n", 0, 0},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const StreamVerdict verdict = scanned(row.endpoint, row.stream);
        EXPECT_EQ(verdict.deltas, row.deltas);
        EXPECT_EQ(verdict.bytes, row.bytes);
        EXPECT_FALSE(verdict.error);
    }
}

TEST(StreamUsage, KnowsWhyTheStreamEnded) {
    struct Row {
        Endpoint endpoint;
        std::string stream;
        std::string_view reason;
    };
    const Row rows[] = {
        {Endpoint::chat_completions, chat_delta(R"({"content":"a"})"), ""},
        {Endpoint::chat_completions,
         data_event(R"({"choices":[{"delta":{},"finish_reason":"stop"}]})") + usage_event, "stop"},
        {Endpoint::chat_completions,
         data_event(R"({"choices":[{"delta":{"content":"a"},"finish_reason": "tool_calls"}]})"),
         "tool_calls"},
        {Endpoint::chat_completions,
         data_event(R"({"choices":[{"finish_reason":"no word, but a long sentence \u0000"}]})"),
         ""},
        {Endpoint::completions, data_event(R"({"choices":[{"text":"","finish_reason":"length"}]})"),
         "length"},
        {Endpoint::responses,
         data_event(R"({"type":"response.completed","response":{"status":"completed"}})"),
         "completed"},
        {Endpoint::responses,
         data_event(R"({"type":"response.incomplete","response":{"status":"incomplete",)"
                    R"("incomplete_details":{"reason":"max_output_tokens"}}})"),
         "max_output_tokens"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.stream);
        EXPECT_EQ(scanned(row.endpoint, row.stream).reason, row.reason);
    }
}

TEST(StreamUsage, CutsWhatTheClientDidNotAskFor) {
    struct Row {
        std::string_view name;
        StreamCuts wanted;
        std::string stream;
        std::string passed;
    };
    constexpr StreamCuts event_only{.usage_event = true};
    const std::string text = chat_delta(R"({"content":"a"})");
    const std::string done = "data: [DONE]\n\n";
    const std::string azure =
        data_event(R"({"choices":[],"prompt_filter_results":[{"prompt_index":0}],"usage":null})");
    const std::string azure_usage = data_event(
        R"({"choices":[],"prompt_filter_results":[{"prompt_index":0}],"usage":{"total_tokens":1}})");
    // With the asynchronous filter: about text that was sent before, and without a delta.
    const std::string azure_late = data_event(
        R"({"choices":[{"index":0,"finish_reason":null,"content_filter_results":{"hate":)"
        R"({"filtered":false}},"content_filter_offsets":{"check_offset":44}}],"usage":null})");
    const std::string member = R"("usage":{"prompt_tokens":5,"completion_tokens":1})";
    const Row rows[] = {
        {"asked for", {}, text + usage_event + done, text + usage_event + done},
        {"not asked for", event_only, text + usage_event + done, text + done},
        {"null stays", everything, chat_delta("{}", R"(,"usage":null)"),
         chat_delta("{}", R"(,"usage":null)")},
        {"CRLF", event_only,
         "data: {\"choices\": [ ],\"usage\":{\"total_tokens\":1}}\r\n\r\n" + done, done},
        {"CR", event_only, "data: {\"choices\":[],\"usage\":{\"total_tokens\":1}}\r\r" + done,
         done},
        {"two lines and a comment", event_only,
         ": x\ndata: {\"choices\":[],\ndata: \"usage\":{\"total_tokens\":1}}\n\n" + done, done},
        {"empty lines around it", event_only, "\n\n" + usage_event + "\n" + done, "\n\n\n" + done},
        {"Azure's first", everything, azure + text, azure + text},
        {"Azure's first with a usage", event_only, azure_usage + text, azure_usage + text},
        {"Azure's late results", everything, text + azure_late, text + azure_late},
        {"an error is no usage", event_only,
         data_event(R"({"choices":[],"usage":{"total_tokens":1},"error":{"message":"x"}})"),
         data_event(R"({"choices":[],"usage":{"total_tokens":1},"error":{"message":"x"}})")},
        {"member last", everything, chat_delta(R"({"content":"a"})", "," + member), text},
        {"member last, spaced", everything, chat_delta(R"({"content":"a"})", " , " + member + " "),
         chat_delta(R"({"content":"a"})", " ")},
        {"member first", everything, data_event("{ " + member + " , \"id\":1}"),
         data_event("{ \"id\":1}")},
        {"member between", everything, data_event("{\"id\":1," + member + ",\"x\":2}"),
         data_event("{\"id\":1,\"x\":2}")},
        {"member alone", everything, data_event("{" + member + "}"), data_event("{}")},
        {"member over two lines", everything,
         "data: {\"id\":1,\ndata: \"usage\":{\ndata: \"total_tokens\":1}\ndata: ,\"x\":2}\n\n",
         "data: {\"id\":1\ndata: ,\"x\":2}\n\n"},
        {"members stay", event_only, chat_delta("{}", "," + member),
         chat_delta("{}", "," + member)},
        {"two objects in one event", everything,
         "data: {\"choices\":[],\"usage\":{\"total_tokens\":1}}\ndata: {}\n\n",
         "data: {\"choices\":[],\"usage\":{\"total_tokens\":1}}\ndata: {}\n\n"},
        {"not closed", everything, data_event("{\"choices\":[],\"usage\":{\"total_tokens\":1}"),
         data_event("{\"choices\":[],\"usage\":{\"total_tokens\":1}")},
        {"nested stays", everything,
         data_event(R"({"x":{"usage":{"total_tokens":1}},"choices":[]})"),
         data_event(R"({"x":{"usage":{"total_tokens":1}},"choices":[]})")},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto chat = Endpoint::chat_completions;
        EXPECT_EQ(scanned(chat, row.stream, row.wanted).passed, row.passed);
        EXPECT_EQ(scanned(chat, row.stream, row.wanted, [] { return std::size_t{1}; }).passed,
                  row.passed);
    }
}

TEST(StreamUsage, CutsTheErrorLineOfOlderLlamaCpp) {
    const std::string text = chat_delta(R"({"content":"a"})");
    const StreamVerdict verdict = scanned(
        Endpoint::chat_completions, text + "error: {\"code\":500,\"message\":\"x\"}\n\n" + text);
    EXPECT_EQ(verdict.passed, text + text);
    EXPECT_EQ(verdict.legacy_error, R"({"code":500,"message":"x"})");
    EXPECT_FALSE(verdict.error);
}

TEST(StreamUsage, CutsNothingOfAnEventThatHasBegunToPass) {
    SseScanner scanner(Endpoint::chat_completions, everything);
    (void)scanner.complete_prefix(usage_event.substr(0, 20));
    scanner.let_pass();
    EXPECT_EQ(scanner.complete_prefix(usage_event.substr(20)), usage_event.size() - 20);
    EXPECT_TRUE(scanner.cuts().empty());
    EXPECT_EQ(scanner.usage(), usage_value);
    // It did not affect the next event.
    EXPECT_EQ(scanner.complete_prefix(usage_event), usage_event.size());
    EXPECT_EQ(scanner.cuts(), (std::vector<Cut>{{usage_event.size(), usage_event.size()}}));
}

TEST(StreamUsage, ReadsTheUsageAtTheEndOfAHugeEvent) {
    const std::string picture(300'000, 'A');
    const std::string page(1000, 'x');
    std::string pages;
    for (int i = 0; i < 200; ++i) pages += R"({"text":"\")" + page + R"(","usage":{"a":1}},)";
    const std::string image =
        data_event(R"({"type":"image_generation.completed","b64_json":")" + picture +
                   R"(","usage":{"input_tokens":5,"output_tokens":7,"total_tokens":12}})");
    const std::string response = data_event(
        R"({"response":{"status":"completed","output":[)" + pages + R"({}],"usage":{)" +
        R"("input_tokens":5,"output_tokens":7,"output_tokens_details":{"reasoning_tokens":2}}},)"
        R"("sequence_number":41,"type":"response.completed"})");
    for (const std::size_t size : {std::size_t{4096}, std::size_t{65536}, response.size()}) {
        SCOPED_TRACE(size);
        const auto in_pieces = [&] { return size; };
        EXPECT_EQ(scanned(Endpoint::images_generations, image + image, {}, in_pieces).usage,
                  (Usage{.input = 10, .output = 14, .total = 24}));
        const StreamVerdict verdict = scanned(Endpoint::responses, response, everything, in_pieces);
        EXPECT_EQ(verdict.usage, (Usage{.input = 5, .output = 7, .total = 12, .reasoning = 2}));
        EXPECT_TRUE(verdict.finished);
        EXPECT_EQ(verdict.reason, "completed");
        EXPECT_EQ(verdict.passed, response);
    }
}

TEST(StreamUsage, SaysTheSameForEverySplitAndCutsNothingElse) {
    const std::string lines[] = {
        R"(data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]})",
        R"(data: {"choices":[{"delta":{"content":"bc"},"finish_reason":null}]})",
        R"(data: {"choices":[{"delta":{"content":"\""},"finish_reason":null}]})",
        R"(data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":null})",
        R"(data: {"choices":[{"delta":{"content":"d"}}],"usage":{"total_tokens":4}})",
        R"(data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}})",
        R"(data: {"choices":[],"prompt_filter_results":[{}]})",
        R"(data: {"choices":[],)",
        R"(data: "usage":{"total_tokens":3}})",
        "data: [DONE]",
        "data",
        ": comment",
        "event: x",
        R"(error: {"message":"x"})",
    };
    constexpr std::string_view ends[] = {"\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\r\r", "\n\r\n"};
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        std::string stream;
        for (std::uint64_t left = random() % 14; left > 0; --left) {
            stream += lines[random() % std::size(lines)];
            stream += ends[random() % std::size(ends)];
        }
        const StreamCuts wanted{.usage_event = random() % 2 == 0,
                                .usage_members = random() % 2 == 0};
        const auto chat = Endpoint::chat_completions;
        const StreamVerdict whole = scanned(chat, stream, wanted);
        EXPECT_EQ(scanned(chat, stream, wanted, [] { return std::size_t{1}; }), whole);
        EXPECT_EQ(scanned(chat, stream, wanted, [&] { return 1 + random() % 9; }), whole);
        EXPECT_EQ(scanned(chat, stream, wanted, [&] { return 1 + random() % 90; }), whole);

        // The rest reads the same without usage, and nothing more is cut from it.
        const StreamVerdict again = scanned(chat, whole.passed, wanted);
        EXPECT_EQ(again.passed, whole.passed);
        EXPECT_EQ(again.deltas, whole.deltas);
        EXPECT_EQ(again.reason, whole.reason);
        EXPECT_EQ(again.error, whole.error);
    }
}

TEST(StreamUsage, CutsTheLinesThatBreakTheSdks) {
    struct Row {
        std::string name, stream, left;
    };
    const std::vector<Row> rows{
        {"id", "id: 7\ndata: {}\n\n", "data: {}\n\n"},
        {"id behind the data", "data: {}\nid: 7\n\n", "data: {}\n\n"},
        {"retry", "retry: 100\ndata: {}\n\ndata: {}\n\n", "data: {}\n\ndata: {}\n\n"},
        {"both, CRLF", "id: 7\r\nretry: 9\r\ndata: {}\r\n\r\n", "data: {}\r\n\r\n"},
        {"CR", "id\rdata: {}\r\r", "data: {}\r\r"},
        {"a name without data", "event: ping\n\ndata: {}\n\n", "data: {}\n\n"},
        {"a name with data", "event: ping\ndata: {}\n\n", "event: ping\ndata: {}\n\n"},
        {"only an id", "id: 7\n\ndata: {}\n\n", "\ndata: {}\n\n"},
        {"between what is cut anyway",
         "id: 7\ndata: {\"choices\":[],\"usage\":{\"total_tokens\":1}}\nretry: 1\n\ndata: "
         "[DONE]\n\n",
         "data: [DONE]\n\n"},
        {"beside a usage",
         "id: 7\ndata: {\"choices\":[{}],\"usage\":{\"total_tokens\":1}}\nid: 8\n\n",
         "data: {\"choices\":[{}]}\n\n"},
        {"inside a usage",
         "data: {\"choices\":[{}]\nretry: 1\ndata: ,\"usage\":\nid: 8\ndata: "
         "{\"total_tokens\":1}}\n\n",
         "data: {\"choices\":[{}]}\n\n"},
        {"comments stay", ": id: 7\n\n:\n\n", ": id: 7\n\n:\n\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        for (std::size_t size = 1; size <= row.stream.size(); ++size) {
            const StreamVerdict verdict = scanned(Endpoint::chat_completions, row.stream,
                                                  everything, [size] { return size; });
            EXPECT_EQ(verdict.passed, row.left) << "in pieces of " << size;
        }
    }
}

TEST(StreamUsage, ImagesAreCompleteWithTheLastOne) {
    const std::string image =
        "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\"}\n\n";
    SseScanner scanner(Endpoint::images_generations, {}, 2);
    static_cast<void>(scanner.complete_prefix(image));
    EXPECT_FALSE(scanner.finished());
    static_cast<void>(scanner.complete_prefix(image));
    EXPECT_TRUE(scanner.finished());
}

}  // namespace
}  // namespace sluicegate::openai
