#include "sluicegate/openai/event_pieces.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::openai {
namespace {

constexpr std::string_view done = "data: [DONE]\n\n";

/// What a client would get.
struct Passed {
    std::string bytes;
    std::string prelude;
    std::size_t held_most = 0;
    bool is_last = false;
};

/// Handles the pieces like the gateway: `next_size()` bytes arrive at a time, and at most `buffer`
/// bytes are held.
template <class NextSize>
Passed passed(std::string_view stream, std::size_t buffer, NextSize next_size, StreamCuts cuts = {},
              const Redaction& redaction = {}, Endpoint endpoint = Endpoint::chat_completions) {
    EventPieces pieces(SseScanner(endpoint, cuts), redaction, {.buffer_bytes = buffer});
    Passed out;
    std::string held;
    bool is_prelude = true;
    while (!stream.empty() && !out.is_last) {
        const std::size_t size = std::min({next_size(), buffer - held.size(), stream.size()});
        held += stream.substr(0, size);
        stream.remove_prefix(size);
        out.held_most = std::max(out.held_most, held.size());
        pieces.take(held, stream.empty());
        is_prelude = is_prelude && (pieces.is_prelude() || pieces.ready().empty());
        if (is_prelude) {
            pieces.set_aside();
        } else {
            out.bytes += pieces.ready();
        }
        out.is_last = pieces.is_last();
        held.erase(0, pieces.consume());
    }
    out.prelude = pieces.prelude();
    out.bytes.insert(0, out.prelude);
    return out;
}

Passed passed(std::string_view stream, std::size_t buffer, std::size_t step, StreamCuts cuts = {},
              const Redaction& redaction = {}) {
    return passed(stream, buffer, [step] { return step; }, cuts, redaction);
}

/// An event of exactly `size` bytes, which is at least 9.
std::string event_of(std::size_t size) {
    return "data: " + std::string(size - 8, 'x') + "\n\n";
}

TEST(EventPieces, LoseNothingOfALongEventWhereverItStands) {
    constexpr std::size_t buffer = 64;
    const std::string small = event_of(20);
    for (std::size_t size = 9; size <= 4 * buffer; ++size) {
        const std::string large = event_of(size);
        const std::string comment = ": ping\n\n";
        const std::string streams[] = {large + small, small + large + small, small + large,
                                       comment + large + small, large + large};
        for (const std::string& start : streams) {
            const std::string stream = start + std::string(done);
            for (const std::size_t step : {1U, 2U, 3U, 7U, 16U, 31U, 63U, 64U}) {
                const Passed got = passed(stream, buffer, step);
                ASSERT_EQ(got.bytes, stream) << "events of " << size << ", steps of " << step;
                ASSERT_TRUE(got.is_last);
                ASSERT_LE(got.held_most, buffer);
            }
        }
    }
}

TEST(EventPieces, LoseNothingAtTheSizesOfRealBuffers) {
    for (const std::size_t buffer : {std::size_t{16} << 10, std::size_t{64} << 10}) {
        for (const std::size_t size : {buffer - 1, buffer, buffer + 1, 2 * buffer, 4 * buffer}) {
            const std::string stream = event_of(size) + event_of(9) + std::string(done);
            for (const std::size_t step : {std::size_t{1000}, std::size_t{4096}, buffer}) {
                SCOPED_TRACE(testing::Message() << buffer << ", " << size << ", " << step);
                EXPECT_TRUE(passed(stream, buffer, step).bytes == stream);
            }
        }
    }
}

/// One event, and the part of it that a client gets if it is not longer than the buffer.
struct Event {
    std::string bytes;
    std::string kept;
};

Event any_event(std::mt19937& random, std::size_t size_max) {
    const auto any = [&](std::size_t most) {
        return std::uniform_int_distribution<std::size_t>(0, most)(random);
    };
    const std::string text(any(size_max), 'x');
    switch (any(6)) {
        case 0: return {": " + text + "\n\n", ": " + text + "\n\n"};
        case 1: return {"id: " + text + "\ndata: 1\n\n", "data: 1\n\n"};
        case 2: return {"data: 1\nretry: " + text + "\n\n", "data: 1\n\n"};
        case 3: return {"event: ping\n: " + text + "\n\n", ""};
        case 4: {
            const std::string event =
                R"(data: {"choices":[],"id":")" + text + R"(","usage":{"prompt_tokens":1}})";
            return {event + "\n\n", ""};
        }
        case 5: {
            const std::string choices = R"(data: {"choices":[{"delta":{"content":")" + text;
            return {choices + R"("}}],"usage":{"prompt_tokens":1}})" + "\n\n",
                    choices + "\"}}]}\n\n"};
        }
        default: {
            const std::string event = "event: x\ndata: " + text + "\ndata: 2\n\n";
            return {event, event};
        }
    }
}

TEST(EventPieces, AreTheStreamWithoutItsCutsInEveryDivision) {
    const StreamCuts cuts{.usage_event = true, .usage_members = true};
    for (unsigned seed = 1; seed <= 3000; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        const auto any = [&](std::size_t least, std::size_t most) {
            return std::uniform_int_distribution<std::size_t>(least, most)(random);
        };
        const std::size_t buffer = any(16, 400);
        std::string stream;
        std::string wanted;
        for (std::size_t i = any(0, 12); i > 0; --i) {
            const Event event = any_event(random, any(0, 1) == 0 ? 20 : 4 * buffer);
            stream += event.bytes;
            // Nothing can be cut out of an event that leaves in parts.
            wanted += event.bytes.size() <= buffer ? event.kept : event.bytes;
        }
        stream += done;
        wanted += done;
        const std::size_t step_max = any(1, buffer);
        const Passed got = passed(stream, buffer, [&] { return any(1, step_max); }, cuts);
        ASSERT_EQ(got.bytes, wanted);
        ASSERT_TRUE(got.is_last);
    }
}

std::string chunk_of(const std::string& delta, const std::string& reason) {
    return R"(data: {"choices":[{"index":0,"delta":)" + delta + R"(,"finish_reason":)" + reason +
           "}]}\n\n";
}

TEST(EventPieces, AreAPreludeUntilOutputComesOrAnEventThatDoesNotEnd) {
    struct Row {
        std::string_view name;
        std::string stream;
        std::string prelude;
    };
    const std::string text = chunk_of(R"({"content":"a"})", "null");
    const std::string role = chunk_of(R"({"role":"assistant","content":""})", "null");
    const std::string none = "data: {\"choices\":[]}\n\n";
    const std::string call = chunk_of(R"({"tool_calls":[{"index":0,"id":"c"}]})", "null");
    const std::string reason = chunk_of("{}", R"("stop")");
    const std::string long_event = event_of(400);
    const std::string long_comment = ":" + std::string(200, 'c') + "\n\n";
    const Row rows[] = {
        {"comments", ": a\n\n: b\n\n" + text, ": a\n\n: b\n\n"},
        {"text", text + ": b\n\n", ""},
        {"a role", role + text, role},
        {"a comment, no choices and a role", ": a\n\n" + none + role + text,
         ": a\n\n" + none + role},
        {"a call", call, ""},
        {"the end of an empty answer", role + reason, role},
        {"an error", "data: {\"error\":\"x\"}\n\n", ""},
        {"a long event", long_event, ""},
        {"a comment, then a long event", ": a\n\n" + long_event, ": a\n\n"},
        {"a comment longer than the buffer", long_comment, ""},
        {"an event without data, which is cut", "event: ping\n\n: a\n\n" + text, ": a\n\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Passed got = passed(row.stream + std::string(done), 160, std::size_t{5});
        EXPECT_EQ(got.prelude, row.prelude);
    }
}

TEST(EventPieces, KeepAPreludeOfAtMostFourKibibytesAndOnePiece) {
    constexpr std::size_t buffer = 1024;
    std::string comments;
    while (comments.size() < 100'000) comments += ": " + std::string(500, 'c') + "\n\n";
    const Passed got =
        passed(comments + event_of(100) + std::string(done), buffer, std::size_t{600});
    EXPECT_LT(got.prelude.size(), 4096 + buffer);
    EXPECT_EQ(got.prelude.size() % 504, 0U) << "whole comments";
    EXPECT_TRUE(got.bytes.ends_with(event_of(100) + std::string(done)));
}

TEST(EventPieces, EndWithDoneAlthoughMoreCouldFollow) {
    const Redaction none;
    EventPieces pieces(SseScanner(Endpoint::chat_completions), none, {.buffer_bytes = 64});
    pieces.take(done, false);
    EXPECT_TRUE(pieces.is_last());
    EXPECT_EQ(pieces.ready(), done);
    EXPECT_FALSE(pieces.is_prelude());
}

TEST(EventPieces, OfAStreamThatEndsInsideAnEventHoldItBack) {
    const Redaction none;
    EventPieces pieces(SseScanner(Endpoint::chat_completions), none, {.buffer_bytes = 64});
    pieces.take("data: 1\n\ndata: 2\n", true);
    EXPECT_EQ(pieces.ready(), "data: 1\n\n");
    EXPECT_TRUE(pieces.ends_event());
    EXPECT_FALSE(pieces.is_last());
    EXPECT_EQ(pieces.consume(), 9U);
}

Redaction with_secret() {
    Redaction redaction;
    redaction.add("sk-upstream-0123456789");
    redaction.finish();
    return redaction;
}

TEST(EventPieces, HoldNoSecretInAnErrorOfAnyShape) {
    const Redaction redaction = with_secret();
    const std::string text = R"({"choices":[{"delta":{"content":"a"}}]})";
    for (const char* error : {
             R"(data: {"error":{"message":"Bearer $"}})",
             R"(data: {"error":"Bearer $"})",
             "event: error\ndata: Bearer $",
             "event: error\ndata: {\"detail\":\"Bearer $\"}",
             R"(data: {"type":"error","message":"Bearer $"})",
             R"(data: {"object":"error","message":"Bearer $","code":500})",
             R"(data: {"detail":"Bearer $"})",
             R"(data: {"choices":[{"delta":{"content":"a"},"error":{"message":"Bearer $"}}]})",
             R"(data: {"choices":[{"delta":{},"finish_reason":"error","text":"Bearer $"}]})",
             R"(data: [{"error":{"message":"Bearer $"}}])",
             "data: Internal Server Error: Bearer $",
             ": request was Bearer $",
             "debug: Bearer $\ndata: {}",
             "event: Bearer $\ndata: {}",
             "event: error: $\ndata: {}",
             "event: response.$\ndata: {\"type\":\"response.created\"}",
             "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\nevent: $",
             R"(data: {"debug":"Bearer $"})",
             R"(data: {"request":{"headers":{"authorization":"Bearer $"}}})",
             "data: {\"debug\":\ndata: \"Bearer $\"}",
         }) {
        SCOPED_TRACE(error);
        std::string event = error;
        event.replace(event.find('$'), 1, "sk-upstream-0123456789");
        std::string clean = error;
        clean.replace(clean.find('$'), 1, "***");
        const std::string before = "data: " + text + "\n\n";
        const std::string after = "\n\n" + std::string(done);
        for (const std::size_t buffer : {40U, 64U, 4096U}) {
            for (std::size_t step = 1; step < 40; ++step) {
                const Passed got = passed(before + event + after, buffer, step, {}, redaction);
                ASSERT_EQ(got.bytes, before + clean + after) << buffer << " " << step;
            }
        }
    }
}

TEST(EventPieces, EndWithDoneWhateverStandsBehindIt) {
    const std::string event = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    for (const std::string end : {"\n\n", "\r\n\r\n", "\r\r"}) {
        const std::string stream = event + "data: [DONE]" + end;
        for (const std::string& behind :
             {std::string("x"), std::string(500, 'x'), std::string("data: {\"late\":1}\n\n"),
              std::string("data: {\"late\":1}"), std::string("\n\n"), std::string("error: {}\n\n"),
              std::string("id: 1\n\n"), std::string(done)}) {
            SCOPED_TRACE(end + behind);
            for (const std::size_t step : {std::size_t{7}, std::size_t{64}, std::size_t{4096}}) {
                const Passed got = passed(stream + behind, 4096, step);
                EXPECT_TRUE(got.is_last);
                // A line feed that arrives with the two CR is part of the last line end.
                const bool joins = end == "\r\r" && got.bytes == stream + "\n";
                EXPECT_EQ(got.bytes, stream + (joins ? behind.substr(0, 1) : "")) << step;
            }
        }
    }
}

TEST(EventPieces, EndWithTheLastEventOfTheirEndpoint) {
    struct Row {
        Endpoint endpoint;
        std::string last;
    };
    const Row rows[] = {
        {Endpoint::responses, R"(data: {"type":"response.completed","response":{"id":"r"}})"},
        {Endpoint::responses, R"(data: {"type":"response.incomplete","response":{"id":"r"}})"},
        {Endpoint::audio_transcriptions, R"(data: {"type":"transcript.text.done","text":"a"})"},
        {Endpoint::audio_speech, R"(data: {"type":"speech.audio.done"})"},
    };
    for (const Row& row : rows) {
        const std::string stream = "data: {\"type\":\"x\"}\n\n" + row.last + "\n\n";
        for (const std::string& behind :
             {std::string("x"), std::string("event: late\ndata: {\"late\":1}\n\n"),
              std::string(done), std::string("\n")}) {
            SCOPED_TRACE(row.last + behind);
            for (const std::size_t step : {std::size_t{7}, std::size_t{64}, std::size_t{4096}}) {
                const Passed got =
                    passed(stream + behind, 4096, [step] { return step; }, {}, {}, row.endpoint);
                EXPECT_TRUE(got.is_last);
                EXPECT_EQ(got.bytes, stream) << step;
            }
        }
    }
}

TEST(EventPieces, LeaveAByteOrderMarkOut) {
    const std::string stream = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    for (const std::string& begin :
         {std::string(), std::string(": ping\n\n"), std::string(": ping\nid: 1\n"),
          std::string("id: 1\n"), std::string("retry: 5\r\n")}) {
        SCOPED_TRACE(begin);
        for (std::size_t step = 1; step < 70; ++step) {
            const std::string rest = stream + std::string(done);
            const Passed plain = passed(begin + rest, 4096, step);
            const Passed got = passed("\xef\xbb\xbf" + begin + rest, 4096, step);
            EXPECT_EQ(got.bytes, plain.bytes) << step;
            EXPECT_TRUE(got.is_last);
        }
    }
    // Anywhere else it is a part of a name that is not known.
    const std::string inside = stream + "\xef\xbb\xbf" + stream + std::string(done);
    EXPECT_EQ(passed(inside, 4096, std::size_t{7}).bytes, inside);
}

TEST(EventPieces, CutNothingOutOfALastEventThatDoesNotGoOut) {
    const std::string event = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    for (const std::string last :
         {R"(data: {"choices":[],"usage":{"prompt_tokens":1}})", "id: 1\ndata: {}\nretry: 2",
          R"(data: {"choices":[{}],"usage":{"prompt_tokens":1}})"}) {
        for (const std::string end : {"", "\n"}) {
            SCOPED_TRACE(last + end);
            for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) {
                const Passed got = passed(event + last + end, 4096, step,
                                          {.usage_event = true, .usage_members = true});
                EXPECT_FALSE(got.is_last) << "it has no proper end";
                EXPECT_EQ(got.bytes, event) << step;
            }
            // It fills the buffer to its last byte.
            const std::size_t buffer = std::max((last + end).size(), event.size());
            const Passed got = passed(event + last + end, buffer, std::size_t{1},
                                      {.usage_event = true, .usage_members = true});
            EXPECT_EQ(got.bytes, event);
        }
    }
}

TEST(EventPieces, AreGeneratedTextAsItIs) {
    // A model may write anything; an event that holds its text alone is no error.
    const Redaction redaction = with_secret();
    const std::string stream =
        R"(data: {"choices":[{"delta":{"content":"an \"error\": sk-upstream-0123456789"}}]})"
        "\n\n" +
        std::string(done);
    EXPECT_EQ(passed(stream, 4096, std::size_t{7}, {}, redaction).bytes, stream);
}

TEST(EventPieces, HoldNoSecretInAnEventThatLeavesInParts) {
    const Redaction redaction = with_secret();
    const std::string secret = "sk-upstream-0123456789";
    for (std::size_t place = 0; place < 300; ++place) {
        const std::string head = "data: {\"request\":\"" + std::string(place, 'x');
        const std::string tail =
            std::string(300 - place, 'y') + "\",\"error\":\"e\"}\n\n" + std::string(done);
        const Passed got = passed(head + secret + tail, 100, 1 + place % 50, {}, redaction);
        ASSERT_EQ(got.bytes, head + "***" + tail) << place;
        ASSERT_LE(got.held_most, 100U);
    }
}

}  // namespace
}  // namespace sluicegate::openai
