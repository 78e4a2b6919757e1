#include "sluicegate/openai/inspect_request.hpp"

#include "openai/inspected.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::openai {
namespace {

using namespace std::string_literals;

using test::inspected;

std::string_view slice(std::string_view body, ByteRange range) {
    return body.substr(range.offset, range.size);
}

TEST(InspectJson, FindsTheModelAnywhere) {
    struct Row {
        std::string_view name;
        std::string body;
        std::string_view model;
        std::string_view value;
    };
    const Row rows[] = {
        {"first", R"({"model":"m","messages":[]})", "m", R"("m")"},
        {"last", R"({"messages":[{"role":"user","content":"x"}],"model":"m"})", "m", R"("m")"},
        {"spaced", "\r\n\t { \"model\" :\t\"m\" \n, \"a\" : 1 } \n", "m", R"("m")"},
        {"escaped key", R"({"mod\u0065l":"m"})", "m", R"("m")"},
        {"key of escapes only", R"({"\u006d\u006F\u0064\u0065\u006c":"m"})", "m", R"("m")"},
        {"escaped value", R"({"model":"gpt\u002d4o\/x"})", "gpt-4o/x", R"("gpt\u002d4o\/x")"},
        {"beyond the first plane", R"({"model":"m\ud83d\ude00"})", "m😀", R"("m\ud83d\ude00")"},
        {"UTF-8", R"({"model":"é漢😀"})", "é漢😀", R"("é漢😀")"},
        {"not the nested one", R"({"x":{"model":"a"},"y":[{"model":"b"}],"model":"m"})", "m",
         R"("m")"},
        {"not one in a string", R"({"x":"\",\"model\":\"a","model":"m"})", "m", R"("m")"},
        {"quoted in a name", R"({"model":"a\"b\\"})", "a\"b\\", R"("a\"b\\")"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto found = inspected(row.body);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->model, row.model);
        EXPECT_EQ(slice(row.body, found->model_value), row.value);
        EXPECT_FALSE(found->is_multipart);
    }
}

TEST(InspectJson, TakesNamesOf256Bytes) {
    const std::string name(model_bytes_max, 'm');
    const auto found = inspected(R"({"model":")" + name + R"("})");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->model, name);
}

TEST(InspectJson, ReadsTheMembersThatMatter) {
    const std::string body =
        R"({"model":"m","stream":true,"stream_options": {"include_usage":true,"x":[1]} ,)"
        R"("max_tokens":10,"max_completion_tokens":30,"max_output_tokens":20,"n":4})";
    const auto found = inspected(body);
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->is_streaming);
    EXPECT_EQ(found->output_cap, 30);
    EXPECT_EQ(found->choices, 4);
    EXPECT_TRUE(found->has_stream_options);
    EXPECT_TRUE(found->wants_usage);
    EXPECT_EQ(slice(body, found->stream_options), R"({"include_usage":true,"x":[1]})");
}

TEST(InspectJson, TakesWhatIsAbsentOrNullAsTheDefault) {
    const std::string_view bodies[] = {
        R"({"model":"m"})",
        R"({"model":"m","stream":null,"stream_options":null,"max_tokens":null,"n":null})",
        R"({"model":"m","max_completion_tokens":null,"max_output_tokens":null})",
    };
    for (const std::string_view body : bodies) {
        SCOPED_TRACE(body);
        const auto found = inspected(body);
        ASSERT_TRUE(found);
        EXPECT_FALSE(found->is_streaming);
        EXPECT_EQ(found->output_cap, -1);
        EXPECT_EQ(found->choices, 1);
        EXPECT_FALSE(found->has_stream_options);
        EXPECT_FALSE(found->wants_usage);
    }
}

TEST(InspectJson, ReadsStreamOptionsInEveryForm) {
    struct Row {
        std::string_view options;
        bool wants_usage;
    };
    const Row rows[] = {
        {"{}", false},
        {"{ }", false},
        {R"({"include_usage":false})", false},
        {R"({"include_usage":null})", false},
        {R"({"include_obfuscation":false})", false},
        {R"({"x":{"include_usage":true}})", false},
        {R"({"include_usage":true})", true},
        {R"({"include\u005fusage" : true })", true},
        {R"({"a":[{}],"include_usage":true,"b":{"c":"d"}})", true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.options);
        const std::string body =
            R"({"stream_options":)" + std::string(row.options) + R"( ,"model":"m"})";
        const auto found = inspected(body);
        ASSERT_TRUE(found);
        EXPECT_TRUE(found->has_stream_options);
        EXPECT_EQ(found->wants_usage, row.wants_usage);
        EXPECT_EQ(slice(body, found->stream_options), row.options);
    }
}

TEST(InspectJson, ReadsCapsAndChoicesWithinTheirBounds) {
    struct Row {
        std::string_view members;
        std::int64_t cap;
        std::int64_t choices;
    };
    const Row rows[] = {
        {R"("max_tokens":0)", 0, 1},
        {R"("max_tokens":-0)", 0, 1},
        {R"("max_tokens":-1)", -1, 1},
        {R"("max_tokens":-1,"max_completion_tokens":5)", -1, 1},
        {R"("max_tokens":1000000000000)", 1'000'000'000'000, 1},
        {R"("max_tokens":1000000000001)", 1'000'000'000'000, 1},
        {R"("max_tokens":9223372036854775808)", 1'000'000'000'000, 1},
        {R"("max_tokens":100000000000000000000000000000)", 1'000'000'000'000, 1},
        {R"("n":1)", -1, 1},
        {R"("n":128)", -1, 128},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.members);
        const auto found = inspected(R"({"model":"m",)" + std::string(row.members) + "}");
        ASSERT_TRUE(found);
        EXPECT_EQ(found->output_cap, row.cap);
        EXPECT_EQ(found->choices, row.choices);
    }
}

TEST(InspectJson, KnowsWhatStreamsOnEachEndpoint) {
    struct Row {
        std::string_view name;
        Endpoint endpoint;
        std::string_view members;
        bool is_streaming;
    };
    const Row rows[] = {
        {"chat", Endpoint::chat_completions, R"("stream":true)", true},
        {"chat, not", Endpoint::chat_completions, R"("stream":false)", false},
        {"responses", Endpoint::responses, R"("stream":true)", true},
        {"images", Endpoint::images_generations, R"("stream":true)", true},
        {"embeddings never", Endpoint::embeddings, R"("stream":true)", false},
        {"speech by its own word", Endpoint::audio_speech, R"("stream_format":"sse")", true},
        {"speech, escaped", Endpoint::audio_speech, R"("stream_format":"\u0073se")", true},
        {"speech as bytes", Endpoint::audio_speech, R"("stream_format":"audio")", false},
        {"speech, null", Endpoint::audio_speech, R"("stream_format":null)", false},
        {"speech never by stream", Endpoint::audio_speech, R"("stream":true)", false},
        {"the word elsewhere", Endpoint::chat_completions, R"("stream_format":"sse")", false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto found =
            inspected(R"({"model":"m",)" + std::string(row.members) + "}", row.endpoint);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->is_streaming, row.is_streaming);
    }
}

TEST(InspectJson, CountsBestOfForCompletionsOnly) {
    const std::string_view body = R"({"model":"m","n":2,"best_of":5})";
    const auto completion = inspected(body, Endpoint::completions);
    ASSERT_TRUE(completion);
    EXPECT_EQ(completion->choices, 5);
    const auto chat = inspected(body, Endpoint::chat_completions);
    ASSERT_TRUE(chat);
    EXPECT_EQ(chat->choices, 2);
}

struct Refused {
    std::string_view name;
    std::string body;
    ErrorKind kind;
    std::string_view subject;
};

void expect_refused(const Refused& row, Endpoint endpoint = Endpoint::chat_completions) {
    SCOPED_TRACE(row.name);
    auto found = inspected(row.body, endpoint);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, row.kind);
    EXPECT_EQ(found.error().subject, row.subject);
}

TEST(InspectJson, RefusesMembersThatAppearTwice) {
    const std::string_view keys[] = {"model",
                                     "stream",
                                     "stream_options",
                                     "stream_format",
                                     "max_tokens",
                                     "max_completion_tokens",
                                     "max_output_tokens",
                                     "n",
                                     "best_of"};
    for (const std::string_view key : keys) {
        const std::string name(key);
        const std::string escaped = std::string("\\u00") + (name[0] < 0x70 ? "6" : "7") +
                                    std::string(1, "0123456789abcdef"[name[0] & 0xF]) +
                                    name.substr(1);
        expect_refused({key, "{\"" + name + "\":null,\"a\":1,\"" + name + "\":null}",
                        ErrorKind::duplicate_field, key});
        expect_refused({key, "{\"" + name + "\":null,\"" + escaped + "\":null}",
                        ErrorKind::duplicate_field, key});
        expect_refused({key, "{\"" + escaped + "\":null,\"" + name + "\":null}",
                        ErrorKind::duplicate_field, key});
    }
    expect_refused({"include_usage",
                    R"({"model":"m","stream_options":{"include_usage":true,"include_usage":true}})",
                    ErrorKind::duplicate_field, "stream_options.include_usage"});
    expect_refused(
        {"include_usage, escaped",
         R"({"model":"m","stream_options":{"include_usage":true,"includ\u0065_usage":false}})",
         ErrorKind::duplicate_field, "stream_options.include_usage"});
    EXPECT_TRUE(inspected(R"({"model":"m","user":"a","user":"b"})"));
}

TEST(InspectJson, RefusesWrongTypes) {
    const Refused rows[] = {
        {"model a number", R"({"model":1})", ErrorKind::invalid_type, "model"},
        {"model an array", R"({"model":["m"]})", ErrorKind::invalid_type, "model"},
        {"model an object", R"({"model":{"model":"m"}})", ErrorKind::invalid_type, "model"},
        {"model true", R"({"model":true})", ErrorKind::invalid_type, "model"},
        {"stream a string", R"({"model":"m","stream":"true"})", ErrorKind::invalid_type, "stream"},
        {"stream a number", R"({"model":"m","stream":1})", ErrorKind::invalid_type, "stream"},
        {"options true", R"({"model":"m","stream_options":true})", ErrorKind::invalid_type,
         "stream_options"},
        {"options an array", R"({"model":"m","stream_options":[]})", ErrorKind::invalid_type,
         "stream_options"},
        {"usage a number", R"({"model":"m","stream_options":{"include_usage":1}})",
         ErrorKind::invalid_type, "stream_options.include_usage"},
        {"cap a string", R"({"model":"m","max_tokens":"10"})", ErrorKind::invalid_type,
         "max_tokens"},
        {"cap a fraction", R"({"model":"m","max_tokens":10.5})", ErrorKind::invalid_type,
         "max_tokens"},
        {"cap with an exponent", R"({"model":"m","max_completion_tokens":1e3})",
         ErrorKind::invalid_type, "max_completion_tokens"},
        {"n a string", R"({"model":"m","n":"1"})", ErrorKind::invalid_type, "n"},
        {"n a fraction", R"({"model":"m","n":1.0})", ErrorKind::invalid_type, "n"},
    };
    for (const Refused& row : rows) expect_refused(row);
    expect_refused({"stream_format a number", R"({"model":"m","stream_format":1})",
                    ErrorKind::invalid_type, "stream_format"},
                   Endpoint::audio_speech);
    expect_refused({"cap an object", R"({"model":"m","max_output_tokens":{}})",
                    ErrorKind::invalid_type, "max_output_tokens"},
                   Endpoint::responses);
}

TEST(InspectJson, RefusesValuesOutOfRange) {
    const Refused rows[] = {
        {"n 0", R"({"model":"m","n":0})", ErrorKind::invalid_body, "n"},
        {"n negative", R"({"model":"m","n":-1})", ErrorKind::invalid_body, "n"},
        {"n 129", R"({"model":"m","n":129})", ErrorKind::invalid_body, "n"},
        {"n huge", R"({"model":"m","n":99999999999999999999})", ErrorKind::invalid_body, "n"},
        {"cap below -1", R"({"model":"m","max_tokens":-2})", ErrorKind::invalid_body, "max_tokens"},
        {"cap very negative", R"({"model":"m","max_tokens":-99999999999999999999})",
         ErrorKind::invalid_body, "max_tokens"},
        {"no model", R"({})", ErrorKind::missing_model, "model"},
        {"null model", R"({"model":null})", ErrorKind::missing_model, "model"},
        {"empty model", R"({"model":""})", ErrorKind::missing_model, "model"},
        {"empty model, twice", R"({"model":"","model":"m"})", ErrorKind::duplicate_field, "model"},
        {"NUL in the model", R"({"model":"a\u0000b"})", ErrorKind::invalid_body, "model"},
        {"line break in the model", R"({"model":"a\nb"})", ErrorKind::invalid_body, "model"},
        {"DEL in the model", R"({"model":"a\u007fb"})", ErrorKind::invalid_body, "model"},
        {"model of 257 bytes", R"({"model":")" + std::string(257, 'm') + R"("})",
         ErrorKind::invalid_body, "model"},
        {"model of a megabyte", R"({"model":")" + std::string(1 << 20, 'm') + R"("})",
         ErrorKind::invalid_body, "model"},
        {"an array", R"([{"model":"m"}])", ErrorKind::invalid_body, ""},
        {"a string", R"("model")", ErrorKind::invalid_body, ""},
        {"a number", "1", ErrorKind::invalid_body, ""},
        {"null", "null", ErrorKind::invalid_body, ""},
    };
    for (const Refused& row : rows) expect_refused(row);
}

TEST(InspectJson, RefusesWhatIsNotJsonEvenWhereItDoesNotLook) {
    const auto in_messages = [](std::string_view text) {
        return R"({"model":"m","messages":)" + std::string(text) + "}";
    };
    const Refused rows[] = {
        {"empty", "", ErrorKind::empty_body, ""},
        {"truncated", R"({"model":"m")", ErrorKind::invalid_json, "12"},
        {"comma at the end", R"({"model":"m",})", ErrorKind::invalid_json, "13"},
        {"two objects", R"({"model":"m"}{"model":"m"})", ErrorKind::invalid_json, "13"},
        {"trailing garbage", R"({"model":"m"} x)", ErrorKind::invalid_json, "14"},
        {"trailing comma", R"({"model":"m"},)", ErrorKind::invalid_json, "13"},
        {"trailing bracket", R"({"model":"m"}})", ErrorKind::invalid_json, "13"},
        {"BOM", "\xEF\xBB\xBF{\"model\":\"m\"}", ErrorKind::invalid_json, "0"},
        {"single quotes", R"({'model':'m'})", ErrorKind::invalid_json, "1"},
        {"bare key", R"({model:"m"})", ErrorKind::invalid_json, "1"},
        {"no colon", R"({"model" "m"})", ErrorKind::invalid_json, "9"},
        {"two colons", R"({"model"::"m"})", ErrorKind::invalid_json, "9"},
        {"no comma", R"({"model":"m" "n":1})", ErrorKind::invalid_json, "13"},
        {"leading comma", R"({,"model":"m"})", ErrorKind::invalid_json, "1"},
        {"array closed as object", in_messages("[1}"), ErrorKind::invalid_json, "26"},
        {"object closed as array", in_messages(R"({"a":1])"), ErrorKind::invalid_json, "30"},
        {"NaN", in_messages("NaN"), ErrorKind::invalid_json, "24"},
        {"Infinity", in_messages("-Infinity"), ErrorKind::invalid_json, "24"},
        {"overflow", in_messages("1e999"), ErrorKind::invalid_json, "24"},
        {"plus", in_messages("+1"), ErrorKind::invalid_json, "24"},
        {"leading zero", in_messages("01"), ErrorKind::invalid_json, "24"},
        {"no digits after the point", in_messages("1."), ErrorKind::invalid_json, "24"},
        {"no digits before the point", in_messages(".5"), ErrorKind::invalid_json, "24"},
        {"no exponent", in_messages("1e"), ErrorKind::invalid_json, "24"},
        {"hexadecimal", in_messages("0x10"), ErrorKind::invalid_json, "24"},
        {"minus alone", in_messages("-"), ErrorKind::invalid_json, "24"},
        {"cut literal", in_messages("tru"), ErrorKind::invalid_json, "24"},
        {"upper case literal", in_messages("True"), ErrorKind::invalid_json, "24"},
        {"long literal", in_messages("nulls"), ErrorKind::invalid_json, "24"},
        {"literal and string", in_messages(R"(true"x")"), ErrorKind::invalid_json, "24"},
        {"two values", in_messages("1 2"), ErrorKind::invalid_json, "26"},
        {"bad escape", in_messages(R"("\x41")"), ErrorKind::invalid_json, "24"},
        {"cut unicode escape", in_messages(R"("\u12")"), ErrorKind::invalid_json, "24"},
        {"signed unicode escape", in_messages(R"("\u-123")"), ErrorKind::invalid_json, "24"},
        {"half a pair in a key", R"({"\ud83d":1,"model":"m"})", ErrorKind::invalid_json, "1"},
        {"half a pair in an inner key", in_messages(R"({"\ude00":1})"), ErrorKind::invalid_json,
         "25"},
        {"bad escape in a key", R"({"\q":1,"model":"m"})", ErrorKind::invalid_json, "1"},
        {"comment", in_messages("/**/1"), ErrorKind::invalid_json, "24"},
        {"form feed", in_messages("\f1"), ErrorKind::invalid_json, "24"},
        {"substitute", in_messages("1\x1A"), ErrorKind::invalid_json, "25"},
        {"NUL outside a string", "{\"model\":\"m\"\0}"s, ErrorKind::invalid_json, "12"},
        {"no-break space", in_messages("\xC2\xA0\x31"), ErrorKind::invalid_json, "24"},
        {"empty element", in_messages("[1,,2]"), ErrorKind::invalid_json, "27"},
        {"comma in an array's end", in_messages("[1,]"), ErrorKind::invalid_json, "27"},
        {"colon in an array", in_messages("[1:2]"), ErrorKind::invalid_json, "26"},
        {"no value", R"({"model":})", ErrorKind::invalid_json, "9"},
        {"number as key", R"({1:2,"model":"m"})", ErrorKind::invalid_json, "1"},
        {"unclosed options", R"({"model":"m","stream_options":{"include_usage":true)",
         ErrorKind::invalid_json, "51"},
        {"bad token in options", R"({"model":"m","stream_options":{"a":tru}})",
         ErrorKind::invalid_json, "35"},
    };
    for (const Refused& row : rows) expect_refused(row);

    // The first stage finds these and does not say where.
    const Refused unplaced[] = {
        {"only spaces", "  \n", ErrorKind::invalid_json, ""},
        {"unclosed string", R"({"model":"m)", ErrorKind::invalid_json, ""},
        {"control in a string", "{\"model\":\"m\",\"a\":\"\n\"}", ErrorKind::invalid_json, ""},
        {"NUL in a string", "{\"model\":\"m\",\"a\":\"\0\"}"s, ErrorKind::invalid_json, ""},
        {"lone byte", "{\"model\":\"m\",\"a\":\"\x80\"}", ErrorKind::invalid_json, ""},
        {"overlong", "{\"model\":\"m\",\"a\":\"\xC0\xAF\"}", ErrorKind::invalid_json, ""},
        {"surrogate in UTF-8", "{\"model\":\"m\",\"a\":\"\xED\xA0\x80\"}", ErrorKind::invalid_json,
         ""},
        {"UTF-16", "{\0\"\0m\0\"\0:\0\"\0m\0\"\0}\0"s, ErrorKind::invalid_json, ""},
    };
    for (const Refused& row : unplaced) expect_refused(row);
}

TEST(InspectJson, FindsAFaultyEscapeWhereverItStands) {
    // Strings with valid escapes before and after it, of sizes near that of a word.
    constexpr std::size_t strings = 24;
    const auto body_with = [](std::size_t faulty_key, std::size_t faulty_value) {
        std::string body = R"({"model":"m")";
        for (std::size_t i = 0; i < strings; ++i) {
            const std::string text(i * 2 % 45, 'x');
            body += ",\"" + text + (i == faulty_key ? R"(\q)" : i % 3 == 0 ? R"(\n)" : "k");
            body += "\":[1,\"" + text + (i == faulty_value ? R"(\q)" : i % 4 == 0 ? R"(\")" : "");
            body += "\", null ]";
        }
        return body + "}";
    };
    ASSERT_TRUE(inspected(body_with(strings, strings)));
    for (std::size_t i = 0; i < strings; ++i) {
        SCOPED_TRACE(i);
        EXPECT_FALSE(inspected(body_with(i, strings)));
        EXPECT_FALSE(inspected(body_with(strings, i)));
    }
}

TEST(InspectJson, LetsHalfACharacterPassInTextOnly) {
    for (const std::string_view text :
         {R"("\ud83d")", R"("\ude00")", R"("\ud83d\ud83d")", R"("\ud83dx")", R"("\ud83d\n")",
          R"("\ud83d\"")", R"("\ud83d\\")", R"("\ud83d\ude00")"}) {
        SCOPED_TRACE(text);
        const std::string body =
            R"({"messages":[{"content":)" + std::string(text) + R"(}],"model":"m"})";
        const auto found = inspected(body);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->model, "m");
        EXPECT_EQ(slice(body, found->model_value), R"("m")");
    }
    expect_refused({"model", R"({"model":"m\ud83d"})", ErrorKind::invalid_body, "model"});
    expect_refused({"stream_format", R"({"model":"m","stream_format":"ss\ud83d"})",
                    ErrorKind::invalid_body, "stream_format"},
                   Endpoint::audio_speech);
}

TEST(InspectJson, BoundsTheDepth) {
    const auto nested = [](std::size_t arrays) {
        return R"({"model":"m","a":)" + std::string(arrays, '[') + std::string(arrays, ']') + "}";
    };
    EXPECT_TRUE(inspected(nested(json_depth_max - 1)));
    auto deep = inspected(nested(json_depth_max));
    ASSERT_FALSE(deep);
    EXPECT_EQ(deep.error().kind, ErrorKind::invalid_json);
    EXPECT_FALSE(inspected(nested(1'000'000)));
    const auto wide = inspected(R"({"a":[[],{},[[]],{"b":[]}],"model":"m"})");
    EXPECT_TRUE(wide);
}

/// Random JSON-like text: mostly valid, then damaged in some places.
std::string random_text(std::mt19937_64& random, int depth) {
    const auto pick = [&](std::size_t count) { return static_cast<std::size_t>(random() % count); };
    const std::string_view scalars[] = {"1",     "-0.5",           "1e3",    "true", "null", "\"\"",
                                        "\"m\"", "\"\\n\\u0041\"", "\"😀\"", "0"};
    const std::string_view keys[] = {"model", "stream", "n", "x", "mod\\u0065l", "stream_options"};
    if (depth == 0 || pick(3) == 0) return std::string(scalars[pick(std::size(scalars))]);
    const bool is_object = depth >= 4 || pick(2) == 0;
    std::string out = is_object ? "{" : "[";
    const std::size_t count = pick(4);
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) out += pick(4) == 0 ? " ,\n" : ",";
        if (is_object) out += "\"" + std::string(keys[pick(std::size(keys))]) + "\": ";
        out += random_text(random, depth - 1);
    }
    out += is_object ? "}" : "]";
    return out;
}

TEST(InspectJson, AcceptsOnlyWhatAnotherParserAcceptsAndReadsTheSame) {
    constexpr std::string_view noise = "{}[]:,\"\\ \n0e-.tu\x80\xC3";
    std::size_t accepted = 0;
    for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        std::string text = R"({"model":"m","y":)" + random_text(random, 3) +
                           (random() % 2 == 0 ? R"(,"stream":true,"z":)" : R"(,"z":)") +
                           random_text(random, 3) + "}";
        for (std::uint64_t damage = random() % 3; damage > 0; --damage) {
            text[random() % text.size()] = noise[random() % noise.size()];
        }
        const bool is_json = nlohmann::json::accept(text);
        auto found = inspected(text);
        if (!found) {
            // The error "not JSON" must be right. All other errors are about valid JSON.
            EXPECT_TRUE(!is_json || found.error().kind != ErrorKind::invalid_json) << text;
            continue;
        }
        ++accepted;
        ASSERT_TRUE(is_json) << text;
        const auto parsed = nlohmann::json::parse(text);
        EXPECT_EQ(found->model, parsed["model"].get<std::string>());
        EXPECT_EQ(found->is_streaming, parsed.value("stream", nlohmann::json()) == true);
        EXPECT_EQ(nlohmann::json::parse(slice(text, found->model_value)), parsed["model"]);
    }
    EXPECT_GT(accepted, 1000U);
}

TEST(InspectJson, ReadsHugeBodiesAndOrdinaryOnesAfterThem) {
    const std::string image(6 * 1024 * 1024, 'A');
    for (int i = 0; i < 3; ++i) {
        const auto huge = inspected(R"({"image":")" + image + R"(","model":"huge"})");
        ASSERT_TRUE(huge);
        EXPECT_EQ(huge->model, "huge");
        const auto small = inspected(R"({"model":"small"})");
        ASSERT_TRUE(small);
        EXPECT_EQ(small->model, "small");
    }
}

}  // namespace
}  // namespace sluicegate::openai
