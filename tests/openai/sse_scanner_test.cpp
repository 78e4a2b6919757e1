#include "sluicegate/openai/sse_scanner.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

namespace sluicegate::openai {
namespace {

/// What a scanner says after the whole stream.
struct Verdict {
    std::size_t complete = 0;
    bool done = false;
    bool error = false;
    std::int64_t sequence_number = -1;
    bool response_finished = false;
    bool is_between_events = true;

    friend bool operator==(const Verdict&, const Verdict&) = default;
};

/// Feeds `stream` in pieces of the sizes that `next_size` gives.
template <class NextSize>
Verdict scanned(std::string_view stream, NextSize next_size) {
    SseScanner scanner(Endpoint::responses);
    Verdict out;
    std::size_t fed = 0;
    while (fed < stream.size()) {
        const std::string_view piece = stream.substr(fed, next_size());
        const std::size_t complete = scanner.complete_prefix(piece);
        EXPECT_LE(complete, piece.size());
        if (complete > 0) out.complete = fed + complete;
        fed += piece.size();
    }
    out.done = scanner.done_seen();
    out.error = scanner.error_seen();
    out.sequence_number = scanner.last_sequence_number();
    out.response_finished = scanner.finished();
    out.is_between_events = scanner.is_between_events();
    return out;
}

Verdict scanned(std::string_view stream) {
    return scanned(stream, [&] { return stream.size(); });
}

TEST(SseScanner, EndsAnEventAtItsBlankLine) {
    struct Row {
        std::string_view name;
        std::string_view stream;
        std::size_t complete;
        bool is_between_events;
    };
    const Row rows[] = {
        {"nothing", "", 0, true},
        {"no blank line", "data: x\n", 0, false},
        {"no line end", "data: x", 0, false},
        {"LF", "data: x\n\ndata: y\n", 9, false},
        {"CRLF", "data: x\r\n\r\ndata: y\r\n", 11, false},
        {"CR", "data: x\r\rdata: y\r", 9, false},
        {"CR then LF", "data: x\r\n\n", 10, true},
        {"LF then CR", "data: x\n\r", 9, true},
        {"LF then CRLF", "data: x\n\r\ny", 10, false},
        {"CR then CRLF", "data: x\r\r\ny", 10, false},
        {"two events", "data: x\n\ndata: y\n\n", 18, true},
        {"comment", ": ping\n\ndata", 8, false},
        {"extra blank lines", "data: x\n\n\n\n", 11, true},
        {"blank lines only", "\r\n\r\n", 4, true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Verdict verdict = scanned(row.stream);
        EXPECT_EQ(verdict.complete, row.complete);
        EXPECT_EQ(verdict.is_between_events, row.is_between_events);
    }
}

TEST(SseScanner, CountsTheSecondHalfOfACutLineEnd) {
    SseScanner scanner(Endpoint::responses);
    EXPECT_EQ(scanner.complete_prefix("data: x\r\n\r"), 10U);
    EXPECT_TRUE(scanner.is_between_events());
    EXPECT_EQ(scanner.complete_prefix("\n"), 1U);
    EXPECT_EQ(scanner.complete_prefix("data: y\r"), 0U);
    EXPECT_EQ(scanner.complete_prefix("\n"), 0U);
    EXPECT_EQ(scanner.complete_prefix("\r\n"), 2U);
}

TEST(SseScanner, KnowsDoneInAnySpacing) {
    struct Row {
        std::string_view stream;
        bool done;
    };
    const Row rows[] = {
        {"data: [DONE]\n\n", true},
        {"data:[DONE]\n\n", true},
        {"data: [DONE]\r\n\r\n", true},
        {"data: {}\n\ndata: [DONE]\n\n", true},
        {": ping\ndata: [DONE]\n\n", true},
        {"data: [DONE]", false},
        {"data: [DONE]\n", false},
        {"data: [DONE] \n\n", true},
        {"data:  [DONE]\t\n\n", true},
        {"data: [done]\n\n", false},
        {"data: \"[DONE]\"\n\n", false},
        {"data: [DONE]\ndata: x\n\n", false},
        {"data: {\"content\":\"data: [DONE]\"}\n\n", false},
        {": data: [DONE]\n\n", false},
        {"Data: [DONE]\n\n", false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.stream);
        const Verdict verdict = scanned(row.stream);
        EXPECT_EQ(verdict.done, row.done);
        EXPECT_FALSE(verdict.error);
        EXPECT_EQ(verdict.response_finished, row.done);
    }
}

TEST(SseScanner, SeesErrorsOfEveryShape) {
    struct Row {
        std::string_view name;
        std::string_view stream;
        bool error;
    };
    const Row rows[] = {
        {"chat", "data: {\"error\":{\"message\":\"x\"}}\n\n", true},
        {"not first", "data: {\"id\":\"a\\\"}\",\"x\":[{}],\"error\":{}}\n\n", true},
        {"a string", "data: {\"error\":\"Model is overloaded\",\"error_type\":\"x\"}\n\n", true},
        {"named event", "event: error\ndata: {\"code\":null,\"message\":\"x\"}\n\n", true},
        {"flat", "data: {\"type\":\"error\",\"message\":\"x\"}\n\n", true},
        {"older llama.cpp, which no SDK sees", "error: {\"code\":500}\n\n", false},
        {"over two lines", "data: {\"error\":\ndata: {\"message\":\"x\"}}\n\n", true},
        {"vLLM, then done", "data: {\"error\":{\"message\":\"x\"}}\n\ndata: [DONE]\n\n", true},
        {"null", "data: {\"error\":null}\n\n", false},
        {"false", "data: {\"error\": false }\n\n", false},
        {"empty text", "data: {\"error\":\"\"}\n\n", false},
        {"in a choice", "data: {\"choices\":[{\"error\":{\"x\":1}}]}\n\n", true},
        {"null in a choice", "data: {\"choices\":[{\"error\":null}]}\n\n", false},
        {"as the reason", "data: {\"choices\":[{\"finish_reason\":\"error\"}]}\n\n", true},
        {"with an escape", "data: {\"err\\u006fr\":{\"message\":\"x\"}}\n\n", true},
        {"in another case", "data: {\"Error\":\"x\"}\n\n", true},
        {"exception", "data: {\"exception\":\"x\"}\n\n", true},
        {"detail", "data: {\"detail\":[{\"msg\":\"x\"}]}\n\n", true},
        {"a message beside choices", "data: {\"choices\":[{}],\"message\":\"x\"}\n\n", false},
        {"deeper", "data: {\"x\":{\"error\":{\"x\":1}}}\n\n", false},
        {"in text", "data: {\"content\":\"\\\"error\\\":{}\"}\n\n", false},
        {"as a value", "data: {\"content\":\"error\",\"x\":\"error\"}\n\n", false},
        {"event not complete", "data: {\"error\":{}}\n", false},
        {"another event", "event: errors\ndata: {}\n\n", false},
        {"not an object", "data: [\"error\"]\n\n", false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(scanned(row.stream).error, row.error);
    }
}

TEST(SseScanner, SeesTheErrorLineOfOlderLlamaCpp) {
    SseScanner scanner(Endpoint::responses);
    (void)scanner.complete_prefix("data: {}\n\nerror: {\"code\":500}\n");
    EXPECT_TRUE(scanner.legacy_error_seen());
    EXPECT_FALSE(scanner.error_seen());
}

TEST(SseScanner, FollowsSequenceNumbers) {
    struct Row {
        std::string_view name;
        std::string_view stream;
        std::int64_t number;
    };
    const Row rows[] = {
        {"none", "data: {\"a\":1}\n\n", -1},
        {"zero", "data: {\"sequence_number\":0}\n\n", 0},
        {"the last", "data: {\"sequence_number\":6}\n\ndata: {\"sequence_number\": 7 }\n\n", 7},
        {"the last that has one", "data: {\"sequence_number\":6}\n\ndata: {}\n\n", 6},
        {"of complete events", "data: {\"sequence_number\":6}\n\ndata: {\"sequence_number\":7}\n",
         6},
        {"behind text", "data: {\"delta\":\"\\\\\\\"},{\",\"sequence_number\":42,\"x\":{}}\n\n",
         42},
        {"not the nested one",
         "data: {\"response\":{\"sequence_number\":9},\"sequence_number\":3}\n\n", 3},
        {"not one in text", "data: {\"delta\":\"\\\"sequence_number\\\":9\"}\n\n", -1},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(scanned(row.stream).sequence_number, row.number);
    }
}

TEST(SseScanner, KnowsWhenAStreamSaidThatItIsComplete) {
    struct Row {
        std::string_view name;
        std::string_view stream;
        Endpoint endpoint;
        bool finished;
    };
    const Row rows[] = {
        {"completed", "event: response.completed\ndata: {}\n\n", Endpoint::responses, true},
        {"failed", "event: response.failed\ndata: {}\n\n", Endpoint::responses, true},
        {"incomplete", "event: response.incomplete\ndata: {}\n\n", Endpoint::responses, true},
        {"by type alone", "data: {\"type\":\"response.completed\",\"response\":{}}\n\n",
         Endpoint::responses, true},
        {"type and number", "data: {\"sequence_number\":1,\"type\":\"response.completed\"}\n\n",
         Endpoint::responses, true},
        {"not yet", "event: response.output_text.done\ndata: {}\n\n", Endpoint::responses, false},
        {"not complete", "event: response.completed\ndata: {}\n", Endpoint::responses, false},
        {"no data", "event: response.completed\n\n", Endpoint::responses, false},
        {"not in text", "data: {\"delta\":\"response.completed\"}\n\n", Endpoint::responses, false},
        {"chat needs done", "data: {\"type\":\"response.completed\"}\n\n",
         Endpoint::chat_completions, false},
        {"transcription", "data: {\"type\":\"transcript.text.done\",\"text\":\"\"}\n\n",
         Endpoint::audio_transcriptions, true},
        {"speech", "data: {\"type\":\"speech.audio.done\",\"usage\":{}}\n\n",
         Endpoint::audio_speech, true},
        {"image", "event: image_generation.completed\ndata: {}\n\n", Endpoint::images_generations,
         true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        SseScanner scanner(row.endpoint);
        (void)scanner.complete_prefix(row.stream);
        EXPECT_EQ(scanner.finished(), row.finished);
        EXPECT_FALSE(scanner.error_seen());
    }
}

TEST(SseScanner, JudgesAHugeEventByItsStart) {
    const std::string filler(1 << 20, 'x');
    SseScanner scanner(Endpoint::responses);
    const std::string event =
        "data: {\"type\":\"response.completed\",\"sequence_number\":5,"
        "\"response\":\"" +
        filler + "\"}\n\n";
    std::size_t complete = 0;
    for (std::size_t i = 0; i < event.size(); i += 1000) {
        complete = scanner.complete_prefix(std::string_view(event).substr(i, 1000));
    }
    EXPECT_EQ(complete, event.size() % 1000);
    EXPECT_EQ(scanner.last_sequence_number(), 5);
    EXPECT_TRUE(scanner.finished());
}

TEST(SseScanner, SaysTheSameForEverySplit) {
    constexpr std::string_view lines[] = {
        "data: {\"a\":\"b\"}",
        "data: [DONE]",
        "data: {\"error\":{\"message\":\"x\"}}",
        "data: {\"sequence_number\":12,\"type\":\"response.completed\"}",
        "event: error",
        "event: response.completed",
        ": comment",
        "data",
        "data:",
        "error: {}",
        "id: 1",
        "x",
    };
    constexpr std::string_view ends[] = {"\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\r\r", "\n\r\n"};
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        std::string stream;
        for (std::uint64_t left = random() % 12; left > 0; --left) {
            stream += lines[random() % std::size(lines)];
            stream += ends[random() % std::size(ends)];
        }
        const Verdict whole = scanned(stream);
        EXPECT_EQ(scanned(stream, [] { return std::size_t{1}; }), whole);
        EXPECT_EQ(scanned(stream, [&] { return std::size_t{1} + random() % 9; }), whole);
        EXPECT_EQ(scanned(stream, [&] { return std::size_t{1} + random() % 60; }), whole);
    }
}

TEST(SseScanner, KnowsThatTheLastLineFeedIsStillToCome) {
    struct Row {
        const char* stream;
        bool awaits;
    };
    for (const Row& row : {Row{"data: [DONE]\r\n\r", true}, Row{"data: [DONE]\r\n\r\n", false},
                           Row{"data: [DONE]\r\r", false}, Row{"data: [DONE]\n\n", false},
                           Row{"data: {}\r\n\rdata: [DONE]\r\r", false}}) {
        SCOPED_TRACE(row.stream);
        const std::string_view stream(row.stream);
        for (std::size_t first = 0; first <= stream.size(); ++first) {
            SseScanner scanner(Endpoint::chat_completions);
            static_cast<void>(scanner.complete_prefix(stream.substr(0, first)));
            static_cast<void>(scanner.complete_prefix(stream.substr(first)));
            EXPECT_TRUE(scanner.done_seen());
            EXPECT_EQ(scanner.awaits_line_feed(), row.awaits);
        }
    }
}

}  // namespace
}  // namespace sluicegate::openai
