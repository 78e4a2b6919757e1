#include "sluicegate/openai/splice.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace sluicegate::openai {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string joined(const Rewritten& rewritten) {
    std::string out;
    for (const std::string_view piece : rewritten.pieces()) out += piece;
    EXPECT_EQ(out.size(), rewritten.size());
    return out;
}

std::string rewritten(std::string body, std::string_view upstream_model,
                      StreamOptionsEdit edit = {}) {
    const std::size_t size = body.size();
    body.resize(size + body_padding);
    const auto found = inspect_json(Endpoint::chat_completions, body.data(), size);
    EXPECT_TRUE(found);
    if (!found) return {};
    return joined(rewrite(*found, std::string_view(body).substr(0, size), upstream_model, edit));
}

TEST(Splice, ReplacesOnlyTheModelOfAJsonBody) {
    EXPECT_EQ(rewritten(R"({"seed":12345678901234567890, "model" : "m" ,"a":1.0})", "up/stream"),
              R"({"seed":12345678901234567890, "model" : "up/stream" ,"a":1.0})");
    EXPECT_EQ(rewritten(R"({"mod\u0065l":"\u006d"})", "longer name"),
              R"({"mod\u0065l":"longer name"})");
    EXPECT_EQ(rewritten(R"({"model":"m"})", "a\"b\\c"), R"({"model":"a\"b\\c"})");
    EXPECT_EQ(rewritten(R"({"x":{"model":"m"},"model":"m"})", "n"),
              R"({"x":{"model":"m"},"model":"n"})");
}

std::string with_model_added(std::string body, StreamOptionsEdit edit = {}) {
    const std::size_t size = body.size();
    body.resize(size + body_padding);
    const auto found =
        inspect_json(Endpoint::chat_completions, body.data(), size, FieldNames::own(), "url");
    EXPECT_TRUE(found);
    if (!found) return {};
    EXPECT_EQ(found->model, "url");
    return joined(rewrite(*found, std::string_view(body).substr(0, size), "up", edit));
}

TEST(Splice, AddsTheModelOfTheUrl) {
    constexpr StreamOptionsEdit usage{.include_usage = true};
    EXPECT_EQ(with_model_added("{}"), R"({"model":"up"})");
    EXPECT_EQ(with_model_added(" { \n} "), " {\"model\":\"up\" \n} ");
    EXPECT_EQ(with_model_added(R"({"a":1})"), R"({"model":"up","a":1})");
    EXPECT_EQ(with_model_added(R"({"model":null,"a":1})"), R"({"model":"up","a":1})");
    EXPECT_EQ(with_model_added(R"({"a":1,"model":""})"), R"({"a":1,"model":"up"})");
    EXPECT_EQ(with_model_added(R"({"a":1})", usage),
              R"({"model":"up","stream_options":{"include_usage":true},"a":1})");
    EXPECT_EQ(with_model_added("{}", usage),
              R"({"model":"up","stream_options":{"include_usage":true}})");
    EXPECT_EQ(with_model_added(R"({"stream_options":{}})", usage),
              R"({"model":"up","stream_options":{"include_usage":true}})");
    EXPECT_EQ(with_model_added(R"({"stream_options":null})", usage),
              R"({"model":"up","stream_options":{"include_usage":true}})");
}

TEST(Splice, AddsTheModelOfTheUrlToAForm) {
    const std::string file =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n";
    const std::string model = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n";
    struct Row {
        std::string body;
        std::string expected;
    };
    const Row rows[] = {
        {file + "--b--\r\n", model + "up\r\n" + file + "--b--\r\n"},
        {"pre\r\n" + file + "--b--\r\nepilogue", model + "up\r\n" + file + "--b--"},
        {file + model + "\r\n--b--", file + model + "up\r\n--b--"},
        {"pre\r\n" + model + "url\r\n--b-- \r\n--b--", model + "up\r\n--b--"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.body);
        const auto found =
            inspect_multipart(Endpoint::audio_transcriptions, "multipart/form-data; boundary=b",
                              row.body, FieldNames::own(), "url");
        ASSERT_TRUE(found);
        const Rewritten rewritten_body = rewrite(*found, row.body, "up");
        EXPECT_EQ(joined(rewritten_body), row.expected);
        EXPECT_EQ(rewritten_body.size(), row.expected.size());
    }
}

TEST(Splice, ReplacesOnlyTheModelOfAForm) {
    const std::string head = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n";
    const std::string tail =
        "\r\n--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nm\r\n--b--";
    const std::string body = head + "m" + tail;
    const auto found =
        inspect_multipart(Endpoint::audio_transcriptions, "multipart/form-data; boundary=b", body);
    ASSERT_TRUE(found);
    EXPECT_EQ(joined(rewrite(*found, body, "whisper \"1\"", {.include_usage = true})),
              head + "whisper \"1\"" + tail);
}

TEST(Splice, MergesStreamOptionsAndLeavesEveryOtherByte) {
    struct Row {
        std::string_view name;
        std::string body;
        StreamOptionsEdit edit;
        std::string expected;
    };
    constexpr StreamOptionsEdit usage{.include_usage = true};
    constexpr StreamOptionsEdit both{.include_usage = true, .continuous_usage_stats = true};
    const Row rows[] = {
        {"nothing asked",
         R"({"stream_options":{"include_usage":false},"model":"m"})",
         {},
         R"({"stream_options":{"include_usage":false},"model":"up"})"},
        {"absent", R"({ "model" : "m" , "stream" : true })", usage,
         R"({ "model" : "up","stream_options":{"include_usage":true} , "stream" : true })"},
        {"absent, model last", R"({"stream":true,"model":"m"})", both,
         R"({"stream":true,"model":"up","stream_options":{"include_usage":true,)"
         R"("continuous_usage_stats":true}})"},
        {"null", R"({"stream_options": null ,"model":"m"})", usage,
         R"({"stream_options": {"include_usage":true} ,"model":"up"})"},
        {"null behind the model", R"({"model":"m","stream_options":null})", usage,
         R"({"model":"up","stream_options":{"include_usage":true}})"},
        {"empty object", R"({"model":"m","stream_options":{ }})", usage,
         R"({"model":"up","stream_options":{"include_usage":true }})"},
        {"another option", R"({"model":"m","stream_options":{ "include_obfuscation":false}})",
         usage,
         R"({"model":"up","stream_options":{"include_usage":true, "include_obfuscation":false}})"},
        {"false", R"({"stream_options":{"a":1,"include_usage" : false },"model":"m"})", usage,
         R"({"stream_options":{"a":1,"include_usage" : true },"model":"up"})"},
        {"null inside", R"({"model":"m","stream_options":{"include_usage":null}})", both,
         R"({"model":"up","stream_options":{"continuous_usage_stats":true,"include_usage":true}})"},
        {"escaped key", R"({"model":"m","stream_options":{"include\u005fusage":false}})", usage,
         R"({"model":"up","stream_options":{"include\u005fusage":true}})"},
        {"true already", R"({"model":"m","stream_options":{"include_usage":true}})", usage,
         R"({"model":"up","stream_options":{"include_usage":true}})"},
        {"both there",
         R"({"stream_options":{"continuous_usage_stats":false,"include_usage":false},"model":"m"})",
         both,
         R"({"stream_options":{"continuous_usage_stats":true,"include_usage":true},"model":"up"})"},
        {"not the nested one", R"({"x":{"stream_options":{}},"model":"m"})", usage,
         R"({"x":{"stream_options":{}},"model":"up","stream_options":{"include_usage":true}})"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(rewritten(row.body, "up", row.edit), row.expected);
    }
}

/// A request with its members in random order and in different spellings of the same meaning.
std::string random_body(std::mt19937_64& random) {
    const auto one_of = [&](auto... texts) {
        const std::string_view choices[] = {texts...};
        return std::string(choices[random() % sizeof...(texts)]);
    };
    const auto space = [&] { return one_of("", "", " ", "\n\t"); };
    const auto object = [&](std::vector<std::string> members) {
        std::shuffle(members.begin(), members.end(), random);
        std::string out = "{" + space();
        for (std::size_t i = 0; i < members.size(); ++i) {
            if (i > 0) out += ',';
            out += space() + members[i] + space();
        }
        return out + "}";
    };
    const auto member = [&](const std::string& key, const std::string& value) {
        return key + space() + ":" + space() + value;
    };
    const auto flag = [&] { return one_of("true", "false", "null"); };
    std::vector<std::string> members = {
        member(one_of(R"("model")", R"("\u006dodel")"),
               one_of(R"("m")", R"("a\"b,}{")", R"("é😀")")),
        member(R"("messages")", one_of("[]", R"([{"content":"\"stream_options\":{}"}])")),
        member(R"("seed")", one_of("1", "-0.5e3", "9007199254740993"))};
    switch (random() % 3) {
        case 0: {
            std::vector<std::string> options;
            if (random() % 2 == 0) options.push_back(member(R"("include_usage")", flag()));
            if (random() % 2 == 0) options.push_back(member(R"("continuous_usage_stats")", flag()));
            if (random() % 2 == 0) options.push_back(member(R"("include_obfuscation")", flag()));
            members.push_back(member(R"("stream_options")", object(options)));
            break;
        }
        case 1: members.push_back(member(R"("stream_options")", "null")); break;
        default: break;
    }
    return space() + object(members) + space();
}

TEST(Splice, ChangesNothingButWhatWasAskedForInRandomBodies) {
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        const std::string body = random_body(random);
        SCOPED_TRACE(body);
        const StreamOptionsEdit edit{.include_usage = random() % 2 == 0,
                                     .continuous_usage_stats = random() % 2 == 0};
        OrderedJson expected = OrderedJson::parse(body);
        expected["model"] = "up";
        if (edit.include_usage || edit.continuous_usage_stats) {
            OrderedJson& options = expected["stream_options"];
            if (edit.include_usage) options["include_usage"] = true;
            if (edit.continuous_usage_stats) options["continuous_usage_stats"] = true;
        }
        const std::string written = rewritten(body, "up", edit);
        // Members that were added may stand anywhere.
        EXPECT_EQ(nlohmann::json::parse(written), nlohmann::json(expected));
        EXPECT_EQ(rewritten(written, "up", edit), written);
    }
}

}  // namespace
}  // namespace sluicegate::openai
