#include "sluicegate/http/chunked_decoder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::http {
namespace {

using std::string_view_literals::operator""sv;

/// "done", "incomplete" or the name of the error, the payload, and the bytes that were left.
struct Outcome {
    std::string end;
    std::string payload;
    std::string rest;

    bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
    return out << outcome.end << " '" << outcome.payload << "' rest '" << outcome.rest << "'";
}

/// Decodes `bytes`, of which `next_size()` arrive at a time. Bytes that are left are kept for the
/// next call.
template <class NextSize>
Outcome decode(std::string_view bytes, const NextSize& next_size) {
    ChunkedDecoder decoder(ErrorKind::bad_request);
    Outcome outcome;
    while (!bytes.empty() && !decoder.done()) {
        // A separate copy, so that a sanitizer detects a read beyond the arrived bytes.
        const std::string piece(bytes.substr(0, std::max<std::size_t>(1, next_size())));
        std::string_view input = piece;
        while (!input.empty() && !decoder.done()) {
            auto step = decoder.decode(input);
            if (!step) {
                outcome.end = name_of(step.error().kind);
                return outcome;
            }
            if (step->consumed == 0) {
                ADD_FAILURE() << "no progress";
                return outcome;
            }
            outcome.payload += step->payload;
            input.remove_prefix(step->consumed);
        }
        bytes.remove_prefix(piece.size() - input.size());
    }
    outcome.end = decoder.done() ? "done" : "incomplete";
    outcome.rest = bytes;
    return outcome;
}

Outcome decode_whole(std::string_view bytes) {
    return decode(bytes, [] { return std::string_view::npos; });
}
Outcome decode_byte_by_byte(std::string_view bytes) {
    return decode(bytes, [] { return std::size_t{1}; });
}

struct ChunkedRow {
    const char* name;
    std::string_view bytes;
    const char* end;
    std::string_view payload;
};

void check_chunked(const std::vector<ChunkedRow>& rows) {
    for (const ChunkedRow& row : rows) {
        SCOPED_TRACE(row.name);
        const Outcome whole = decode_whole(row.bytes);
        EXPECT_EQ(whole.end, row.end);
        EXPECT_EQ(whole.payload, row.payload);
        EXPECT_EQ(decode_byte_by_byte(row.bytes), whole);
    }
}

TEST(ChunkedDecoder, DecodesTheGrammar) {
    check_chunked({
        {"nothing", "0\r\n\r\n"sv, "done", ""},
        {"one chunk", "5\r\nhello\r\n0\r\n\r\n"sv, "done", "hello"},
        {"two chunks", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"sv, "done", "hello world"},
        {"hexadecimal in both cases", "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"sv, "done",
         "01234567890123456789"},
        {"leading zeros", "0005\r\nhello\r\n000\r\n\r\n"sv, "done", "hello"},
        {"sixteen digits", "0000000000000005\r\nhello\r\n0\r\n\r\n"sv, "done", "hello"},
        {"CRLF in the payload", "4\r\n\r\n\r\n\r\n0\r\n\r\n"sv, "done", "\r\n\r\n"},
        {"NUL in the payload", "1\r\n\0\r\n0\r\n\r\n"sv, "done", "\0"sv},
        {"an extension", "5;a\r\nhello\r\n0;b\r\n\r\n"sv, "done", "hello"},
        {"an extension with a value", "5;a=b;c=d\r\nhello\r\n0\r\n\r\n"sv, "done", "hello"},
        {"a quoted value", "5;a=\"b;\\\"\\\\ \t\xFF\"\r\nhello\r\n0\r\n\r\n"sv, "done", "hello"},
        {"an empty quoted value", "5;a=\"\"\r\nhello\r\n0\r\n\r\n"sv, "done", "hello"},
        {"white space where the grammar has it",
         "5 \t; a = \"b\" ;c\t= d ; e\r\nhello\r\n0\r\n\r\n"sv, "done", "hello"},
        {"a trailer", "0\r\na: b\r\n\r\n"sv, "done", ""},
        {"two trailers", "1\r\nx\r\n0\r\na: b\r\nc:\t\xFF\r\n\r\n"sv, "done", "x"},
        {"an empty trailer value", "0\r\na:\r\n\r\n"sv, "done", ""},
        {"cut in a size", "5"sv, "incomplete", ""},
        {"cut after a size", "5\r\n"sv, "incomplete", ""},
        {"cut in a chunk", "5\r\nhel"sv, "incomplete", "hel"},
        {"cut after a chunk", "5\r\nhello\r\n"sv, "incomplete", "hello"},
        {"cut before the last line", "0\r\n"sv, "incomplete", ""},
        {"cut in the last line", "0\r\n\r"sv, "incomplete", ""},
    });
}

TEST(ChunkedDecoder, RefusesMalformedSizes) {
    check_chunked({
        {"empty", "\r\n"sv, "bad_request", ""},
        {"empty before an extension", ";a\r\n"sv, "bad_request", ""},
        {"a leading space", " 5\r\nhello\r\n"sv, "bad_request", ""},
        {"a trailing space", "5 \r\nhello\r\n"sv, "bad_request", ""},
        {"a trailing tab", "5\t\r\nhello\r\n"sv, "bad_request", ""},
        {"a prefix", "0x5\r\nhello\r\n"sv, "bad_request", ""},
        {"a plus sign", "+5\r\nhello\r\n"sv, "bad_request", ""},
        {"a minus sign", "-5\r\nhello\r\n"sv, "bad_request", ""},
        {"no digit", "g\r\n"sv, "bad_request", ""},
        {"a letter after digits", "5g\r\n"sv, "bad_request", ""},
        {"an h suffix", "5h\r\nhello\r\n"sv, "bad_request", ""},
        {"a point", "5.0\r\n"sv, "bad_request", ""},
        {"an underscore", "1_0\r\n"sv, "bad_request", ""},
        {"a comma", "5,5\r\n"sv, "bad_request", ""},
        {"two words", "5 5\r\n"sv, "bad_request", ""},
        {"a NUL", "5\0\r\n"sv, "bad_request", ""},
        {"obs-text", "5\xA0\r\n"sv, "bad_request", ""},
        {"seventeen digits", "00000000000000005\r\n"sv, "bad_request", ""},
        {"2^63", "8000000000000000\r\n"sv, "bad_request", ""},
        {"2^64-1", "ffffffffffffffff\r\n"sv, "bad_request", ""},
        {"2^64", "10000000000000000\r\n"sv, "bad_request", ""},
        {"2^64+5", "10000000000000005\r\nhello\r\n"sv, "bad_request", ""},
        {"2^63-1 is a size", "7fffffffffffffff\r\nx"sv, "incomplete", "x"},
    });
}

TEST(ChunkedDecoder, RefusesLineEndsOtherThanCrlf) {
    check_chunked({
        {"LF after the size", "5\nhello\r\n0\r\n\r\n"sv, "bad_request", ""},
        {"CR after the size", "5\rhello"sv, "bad_request", ""},
        {"CR CR LF after the size", "5\r\r\nhello"sv, "bad_request", ""},
        {"LF LF after the size", "5\n\nhello\r\n0\r\n\r\n"sv, "bad_request", ""},
        {"LF after an extension", "5;a\nhello"sv, "bad_request", ""},
        {"LF LF after an extension", "5;a\n\nhello\r\n0\r\n\r\n"sv, "bad_request", ""},
        {"LF after the payload", "5\r\nhello\n0\r\n\r\n"sv, "bad_request", "hello"},
        {"LF LF after the payload", "5\r\nhello\n\n0\r\n\r\n"sv, "bad_request", "hello"},
        {"CR after the payload", "5\r\nhello\r0\r\n\r\n"sv, "bad_request", "hello"},
        {"nothing after the payload", "5\r\nhello0\r\n\r\n"sv, "bad_request", "hello"},
        {"a longer payload", "4\r\nhello\r\n0\r\n\r\n"sv, "bad_request", "hell"},
        {"a shorter payload", "6\r\nhello\r\n0\r\n\r\n"sv, "bad_request", "hello\r"},
        {"LF as the last line", "0\r\n\n"sv, "bad_request", ""},
        {"LF LF as the last line", "0\r\n\n\n"sv, "bad_request", ""},
        {"LF after the last size", "0\n\r\n"sv, "bad_request", ""},
        {"CR CR as the last line", "0\r\n\r\r"sv, "bad_request", ""},
        {"LF after a trailer", "0\r\na: b\n\r\n"sv, "bad_request", ""},
        {"LF LF after a trailer", "0\r\na: b\n\n\r\n"sv, "bad_request", ""},
        {"CR in a trailer", "0\r\na: b\rc\r\n\r\n"sv, "bad_request", ""},
    });
}

TEST(ChunkedDecoder, RefusesMalformedExtensions) {
    check_chunked({
        {"empty", "5;\r\n"sv, "bad_request", ""},
        {"empty before another", "5;;a\r\n"sv, "bad_request", ""},
        {"a space only", "5; \r\n"sv, "bad_request", ""},
        {"no name", "5;=b\r\n"sv, "bad_request", ""},
        {"no value", "5;a=\r\n"sv, "bad_request", ""},
        {"no value before another", "5;a=;b\r\n"sv, "bad_request", ""},
        {"two equals signs", "5;a==b\r\n"sv, "bad_request", ""},
        {"two values", "5;a=b=c\r\n"sv, "bad_request", ""},
        {"a quoted name", "5;\"a\"=b\r\n"sv, "bad_request", ""},
        {"an unclosed quote", "5;a=\"b\r\nhello\r\n"sv, "bad_request", ""},
        {"a NUL in quotes", "5;a=\"\0\"\r\n"sv, "bad_request", ""},
        {"a LF in quotes", "5;a=\"\n\"\r\n"sv, "bad_request", ""},
        {"a CR in quotes", "5;a=\"\r\"\r\n"sv, "bad_request", ""},
        {"an escaped LF", "5;a=\"\\\n\"\r\n"sv, "bad_request", ""},
        {"an escaped CR", "5;a=\"\\\r\"\r\n"sv, "bad_request", ""},
        {"bytes after the quote", "5;a=\"b\"c\r\n"sv, "bad_request", ""},
        {"a space in a name", "5;a b\r\n"sv, "bad_request", ""},
        {"a space in a value", "5;a=b c\r\n"sv, "bad_request", ""},
        {"a trailing space", "5;a \r\n"sv, "bad_request", ""},
        {"a trailing space after a value", "5;a=b \r\n"sv, "bad_request", ""},
        {"a NUL in a name", "5;a\0\r\n"sv, "bad_request", ""},
        {"obs-text in a name", "5;\xFF\r\n"sv, "bad_request", ""},
        {"a slash in a value", "5;a=b/c\r\n"sv, "bad_request", ""},
    });
}

TEST(ChunkedDecoder, RefusesMalformedTrailers) {
    check_chunked({
        {"no colon", "0\r\na\r\n\r\n"sv, "bad_request", ""},
        {"no name", "0\r\n: b\r\n\r\n"sv, "bad_request", ""},
        {"space before the colon", "0\r\na : b\r\n\r\n"sv, "bad_request", ""},
        {"folded", "0\r\na: b\r\n c\r\n\r\n"sv, "bad_request", ""},
        {"a NUL", "0\r\na: \0\r\n\r\n"sv, "bad_request", ""},
        {"DEL", "0\r\na: \x7F\r\n\r\n"sv, "bad_request", ""},
        {"the next request", "0\r\nGET / HTTP/1.1\r\n"sv, "bad_request", ""},
    });
}

TEST(ChunkedDecoder, LeavesWhatFollowsTheBody) {
    const Outcome outcome = decode_whole("1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n");
    EXPECT_EQ(outcome, (Outcome{"done", "x", "GET / HTTP/1.1\r\n"}));
    EXPECT_EQ(decode_byte_by_byte("1\r\nx\r\n0\r\n\r\nGET"), (Outcome{"done", "x", "GET"}));
}

TEST(ChunkedDecoder, PointsIntoItsInput) {
    ChunkedDecoder decoder(ErrorKind::bad_request);
    const std::string_view input = "5\r\nhello\r\n0\r\n\r\n";
    auto step = decoder.decode(input);
    ASSERT_TRUE(step.has_value());
    EXPECT_EQ(step->payload.data(), input.data() + 3);
    EXPECT_EQ(step->consumed, 8U);
    EXPECT_FALSE(decoder.done());
    step = decoder.decode(input.substr(8));
    ASSERT_TRUE(step.has_value());
    EXPECT_EQ(step->consumed, input.size() - 8);
    EXPECT_TRUE(decoder.done());
    step = decoder.decode("more");
    ASSERT_TRUE(step.has_value());
    EXPECT_EQ(step->consumed, 0U);
}

TEST(ChunkedDecoder, StaysFailedAndReportsTheKindItWasGiven) {
    ChunkedDecoder decoder(ErrorKind::upstream_bad_response);
    auto step = decoder.decode("x");
    ASSERT_FALSE(step.has_value());
    EXPECT_EQ(step.error().kind, ErrorKind::upstream_bad_response);
    EXPECT_FALSE(decoder.decode("0\r\n\r\n").has_value());
    EXPECT_FALSE(decoder.done());
}

TEST(ChunkedDecoder, BoundsOneExtension) {
    const auto with_extension = [](std::size_t size) {
        return "1;" + std::string(size - 1, 'a') + "\r\nx\r\n0\r\n\r\n";
    };
    EXPECT_EQ(decode_whole(with_extension(256)).end, "done");
    EXPECT_EQ(decode_whole(with_extension(257)).end, "bad_request");
    EXPECT_EQ(decode_whole("1;a=\"" + std::string(1000, 'a')).end, "bad_request");
    EXPECT_EQ(decode_whole("1" + std::string(1000, ' ')).end, "bad_request");
}

TEST(ChunkedDecoder, BoundsTheSumOfExtensions) {
    const auto with_extensions = [](std::size_t sum) {
        std::string bytes;
        for (; sum > 256; sum -= 128) bytes += "1;" + std::string(127, 'a') + "\r\nx\r\n";
        return bytes + "1;" + std::string(sum - 1, 'a') + "\r\nx\r\n0\r\n\r\n";
    };
    EXPECT_EQ(decode_whole(with_extensions(8192)).end, "done");
    EXPECT_EQ(decode_whole(with_extensions(8193)).end, "bad_request");
}

TEST(ChunkedDecoder, BoundsTheTrailers) {
    const auto with_trailer = [](std::size_t section_size) {
        // "a:" and CRLF of the trailer, CRLF of the end.
        return "0\r\na:" + std::string(section_size - 6, 'b') + "\r\n\r\n";
    };
    EXPECT_EQ(decode_whole(with_trailer(8192)).end, "done");
    EXPECT_EQ(decode_whole(with_trailer(8193)).end, "bad_request");
    std::string many = "0\r\n";
    for (int i = 0; i < 100; ++i) many += "a:b\r\n";
    EXPECT_EQ(decode_whole(many + "\r\n").end, "done");
    EXPECT_EQ(decode_whole(many + "a:b\r\n\r\n").end, "bad_request");
}

/// Chunks of random sizes with extensions and trailers, sometimes damaged.
std::string random_body(std::mt19937& random, std::string& payload) {
    constexpr std::string_view extensions[] = {"", ";a", ";a=b", " ; a = \"q\\\"\" ;c"};
    std::string bytes;
    for (auto n = random() % 6; n > 0; --n) {
        const std::string chunk(1 + random() % 40, static_cast<char>(random() % 256));
        char size[16];
        std::snprintf(size, sizeof size, random() % 2 == 0 ? "%zx" : "%03zX", chunk.size());
        bytes.append(size).append(extensions[random() % 4]).append("\r\n");
        bytes.append(chunk).append("\r\n");
        payload += chunk;
    }
    bytes.append("0\r\n").append(random() % 2 == 0 ? "" : "a: b\r\nc:d\r\n").append("\r\n");
    return bytes;
}

TEST(ChunkedDecoder, DecodesTheSameFromAnySplit) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto any_size = [&random] { return std::size_t{1} + random() % 20; };
    constexpr std::string_view damage("\0\r\n ;=\"\\g0:", 11);
    for (int i = 0; i < 3000; ++i) {
        std::string payload;
        std::string bytes = random_body(random, payload);
        const Outcome sound = decode_whole(bytes);
        ASSERT_EQ(sound, (Outcome{"done", payload, ""}));
        ASSERT_EQ(decode(bytes, any_size), sound);
        bytes[random() % bytes.size()] = damage[random() % damage.size()];
        const Outcome damaged = decode_whole(bytes);
        ASSERT_EQ(decode_byte_by_byte(bytes), damaged) << bytes;
        ASSERT_EQ(decode(bytes, any_size), damaged) << bytes;
    }
}

}  // namespace
}  // namespace sluicegate::http
