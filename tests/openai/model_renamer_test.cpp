#include "sluicegate/openai/model_renamer.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::openai {
namespace {

using RenamedForm = ModelRenamer::Form;

std::string renamed_answer(std::string_view text, RenamedForm form, Endpoint endpoint,
                           std::size_t piece, std::string_view name) {
    ModelRenamer renamer(endpoint, form, name);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        out += renamer.rename(text.substr(at, piece));
    }
    return out;
}

struct RenamedRow {
    std::string_view name;
    std::string_view text;
    std::string_view expected;
    RenamedForm form = RenamedForm::json;
    Endpoint endpoint = Endpoint::chat_completions;
};

const std::vector<RenamedRow>& renamed_rows() {
    static const std::string long_text(5000, 'x');
    static const std::string long_from = R"({"model":")" + long_text + R"(","id":"1"})";
    static const std::string long_key = R"({")" + long_text + R"(":"a","model":"a"})";
    static const std::string long_key_expected = R"({")" + long_text + R"(":"a","model":"m"})";
    static const std::vector<RenamedRow> all{
        {"first member", R"({"model":"a","id":"1"})", R"({"model":"m","id":"1"})"},
        {"last member, spaces", "{ \"id\" : \"1\" ,\n \"model\" : \"a\" }\n",
         "{ \"id\" : \"1\" ,\n \"model\" : \"m\" }\n"},
        {"not inside", R"({"choices":[{"model":"a","message":{"model":"b"}}],"model":"c"})",
         R"({"choices":[{"model":"a","message":{"model":"b"}}],"model":"m"})"},
        {"not in the text", R"({"a":"\"model\":\"x\"","b":"model","model":"c"})",
         R"({"a":"\"model\":\"x\"","b":"model","model":"m"})"},
        {"not as a value", R"({"a":["model","x"],"object":"model","model":"c"})",
         R"({"a":["model","x"],"object":"model","model":"m"})"},
        {"escapes in the value", R"({"model":"a\"b\\","x":"y"})", R"({"model":"m","x":"y"})"},
        {"escapes in the key", R"({"mod\u0065l":"a","model\u0000":"b"})",
         R"({"mod\u0065l":"m","model\u0000":"b"})"},
        {"another spelling", R"({"Model":"a","models":"b","mode":"c"})",
         R"({"Model":"a","models":"b","mode":"c"})"},
        {"no text", R"({"model":null,"x":"y"})", R"({"model":null,"x":"y"})"},
        {"an object", R"({"model":{"id":"a"},"x":"y"})", R"({"model":{"id":"a"},"x":"y"})"},
        {"empty", R"({"model":""})", R"({"model":"m"})"},
        {"twice", R"({"model":"a","model":"b"})", R"({"model":"m","model":"m"})"},
        {"a list", R"([{"model":"a"},"model","x"])", R"([{"model":"a"},"model","x"])"},
        {"a text", R"("model")", R"("model")"},
        {"cut", R"({"id":"1","model":"a)", R"({"id":"1","model":"m")"},
        {"no JSON", "<html>\"model\":\"a\"</html>", "<html>\"model\":\"a\"</html>"},
        {"a long name", long_from, R"({"model":"m","id":"1"})"},
        {"a long key", long_key, long_key_expected},
        {"response is nothing here", R"({"response":{"model":"a"}})",
         R"({"response":{"model":"a"}})", RenamedForm::json, Endpoint::responses},
        {"a response", R"({"id":"r","model":"a","output":[]})",
         R"({"id":"r","model":"m","output":[]})", RenamedForm::json, Endpoint::responses},

        {"chunks",
         "data: {\"model\":\"a\"}\n\ndata:{\"x\":1,\"model\":\"a\"}\r\n\r\ndata: [DONE]\n\n",
         "data: {\"model\":\"m\"}\n\ndata:{\"x\":1,\"model\":\"m\"}\r\n\r\ndata: [DONE]\n\n",
         RenamedForm::events},
        {"other lines",
         ": \"model\":\"a\"\nevent: {\"model\":\"a\"}\ndat: {\"model\":\"a\"}\n"
         "data: {\"model\":\"a\"}\n\n",
         ": \"model\":\"a\"\nevent: {\"model\":\"a\"}\ndat: {\"model\":\"a\"}\n"
         "data: {\"model\":\"m\"}\n\n",
         RenamedForm::events},
        {"an event in lines", "data: {\"id\":\ndata: \"1\",\"model\":\ndata: \"a\"}\n\n",
         "data: {\"id\":\ndata: \"1\",\"model\":\ndata: \"m\"}\n\n", RenamedForm::events},
        {"an event that is cut", "data: {\"a\":\"\n\ndata: {\"model\":\"a\"}\n\n",
         "data: {\"a\":\"\n\ndata: {\"model\":\"m\"}\n\n", RenamedForm::events},
        {"events of a response",
         "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\","
         "\"model\":\"a\",\"tools\":[{\"model\":\"b\"}]}}\n\n"
         "data: {\"type\":\"x\",\"item\":{\"model\":\"a\"}}\n\n",
         "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\","
         "\"model\":\"m\",\"tools\":[{\"model\":\"b\"}]}}\n\n"
         "data: {\"type\":\"x\",\"item\":{\"model\":\"a\"}}\n\n",
         RenamedForm::events, Endpoint::responses},
        {"no response but in its API", "data: {\"response\":{\"model\":\"a\"}}\n\n",
         "data: {\"response\":{\"model\":\"a\"}}\n\n", RenamedForm::events},
    };
    return all;
}

TEST(ModelRenamer, ReplacesOneValueHoweverTheAnswerIsSplit) {
    for (const RenamedRow& row : renamed_rows()) {
        SCOPED_TRACE(row.name);
        for (const std::size_t piece : {row.text.size(), std::size_t{1}, std::size_t{2},
                                        std::size_t{3}, std::size_t{7}, std::size_t{64}}) {
            EXPECT_EQ(renamed_answer(row.text, row.form, row.endpoint, piece, "m"), row.expected)
                << piece;
        }
    }
}

TEST(ModelRenamer, WritesTheNameAsJson) {
    EXPECT_EQ(
        renamed_answer(R"({"model":"a"})", RenamedForm::json, Endpoint::embeddings, 100, "a\"b\\c"),
        R"({"model":"a\"b\\c"})");
    const std::string longest(256, 'n');
    EXPECT_EQ(
        renamed_answer(R"({"model":"a"})", RenamedForm::json, Endpoint::embeddings, 1, longest),
        R"({"model":")" + longest + R"("})");
}

TEST(ModelRenamer, LeavesEveryOtherByteAsItIs) {
    const unsigned seed = 77;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    constexpr std::string_view alphabet = "{}[]\":,\\ \n\rdat:model";
    for (int round = 0; round < 20'000; ++round) {
        std::string text = "data: ";
        for (auto size = random() % 40; size > 0; --size) {
            text += alphabet[random() % alphabet.size()];
        }
        if (text.find("model") != std::string::npos) continue;
        const RenamedForm form = random() % 2 == 0 ? RenamedForm::json : RenamedForm::events;
        ASSERT_EQ(renamed_answer(text, form, Endpoint::responses, 1 + random() % 5, "m"), text);
    }
}

}  // namespace
}  // namespace sluicegate::openai
