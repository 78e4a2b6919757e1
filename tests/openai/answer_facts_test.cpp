#include "sluicegate/openai/answer_facts.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluicegate::openai {
namespace {

bool is_whole(std::string_view text) {
    return facts_of_answer(Endpoint::chat_completions, text).is_whole;
}

TEST(WholeAnswer, IsOneDocumentWithoutAnythingMissing) {
    for (const std::string text :
         {"{}", "[]", " \n{\"a\":[1,{\"b\":\"}]\"}]}\r\n", R"({"a":"\"}"})", "[[[]],{}]"}) {
        SCOPED_TRACE(text);
        EXPECT_TRUE(is_whole(text));
    }
}

TEST(WholeAnswer, IsNoPartAndNothingElse) {
    for (const std::string text :
         {"", " ", "{", "}", "{]", "[}", "{}{}", "{} x", "x {}", "\"text\"", "12", "null", "{\"a",
          "{\"a\\\"}", "<html>login</html>", "[[]", "[]]", "{\"a\":\"\xff\"}"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(is_whole(text));
    }
}

TEST(WholeAnswer, MindsNoCommasAndColons) {
    for (const std::string text : {R"({"a":1 "b":2})", R"({"a":})", R"({"a" 1,"b":[2 3]})",
                                   R"({"usage":{"a":[1,{}]},})", R"({,"a":1})"}) {
        SCOPED_TRACE(text);
        EXPECT_TRUE(is_whole(text));
    }
}

TEST(WholeAnswer, HasBracketsThatMatchAtAnyDepth) {
    for (const std::string key : {"choices", "usage", "x"}) {
        for (const std::size_t depth : {1U, 2U, 63U, 64U, 65U, 200U}) {
            SCOPED_TRACE(key + " " + std::to_string(depth));
            const std::string open(depth, '[');
            const std::string close(depth - 1, ']');
            const std::string before = "{\"a\":[{}],\"" + key + "\":" + open + "{";
            EXPECT_TRUE(is_whole(before + "}" + close + "]}"));
            EXPECT_TRUE(is_whole(before + "}" + close + "],\"b\":{\"c\":[]}}"));
            EXPECT_FALSE(is_whole(before + "]" + close + "]}"));
            EXPECT_FALSE(is_whole(before + "}" + close + "}}"));
            EXPECT_FALSE(is_whole(before + "}" + close + "]]}"));
            EXPECT_FALSE(is_whole(before + "}" + close + "]}}"));
            EXPECT_FALSE(is_whole(before + "}" + close + "]"));
        }
    }
}

TEST(WholeAnswer, NoBeginningOfADocumentIsWhole) {
    const std::string text =
        R"({"id":"x","choices":[{"index":0,"message":{"content":"a \"b\" }"}}],"usage":{"a":1}})";
    for (std::size_t size = 0; size < text.size(); ++size) {
        SCOPED_TRACE(size);
        EXPECT_FALSE(is_whole(std::string_view(text).substr(0, size)));
    }
    EXPECT_TRUE(is_whole(text));
}

TEST(Answer, MayTellAnErrorInAnyShape) {
    struct Row {
        const char* text;
        bool may_tell_error;
        Endpoint endpoint = Endpoint::chat_completions;
    };
    for (const Row& row : {
             Row{R"({"error":{"message":"m"}})", true},
             Row{R"({"error":"m"})", true},
             Row{R"([{"error":{"message":"m"}}])", true},
             Row{R"({"object":"error","message":"m"})", true},
             Row{R"({"detail":[{"msg":"m"}]})", true},
             Row{R"({"choices":[{"error":{"message":"m"}}]})", true},
             Row{R"({"choices":[{"error":"m"}]})", true},
             Row{R"({"status":"failed","error":{"message":"m"}})", true, Endpoint::responses},
             Row{R"({"error":{"message":"m"}})", true, Endpoint::embeddings},
             Row{R"({"choices":[{"text":"m"}]})", true, Endpoint::embeddings},
             Row{R"({"choices":[{"message":{"content":"an \"error\": {}"}}],"usage":{}})", false},
             Row{R"({"error":null,"output":[],"message":null})", false, Endpoint::responses},
             Row{R"({"data":[{"embedding":[1]}],"usage":{}})", false, Endpoint::embeddings},
         }) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(facts_of_answer(row.endpoint, row.text).may_tell_error, row.may_tell_error);
    }
}

TEST(ResponseIds, AreReadHoweverTheirNamesAndValuesAreSpelled) {
    for (
        const std::string answer :
        {R"({"id":"resp_1","conversation":{"id":"conv_1"}})",
         R"({"i\u0064":"resp_1","conversation":"conv_1"})",
         R"({"\u0069d":"resp_1","conversat\u0069on":{"id":"conv_1"}})",
         R"({"\u0069\u0064":"resp\u005F1","\u0063onversation":{"\u0069\u0064":"conv\u005f1"}})",
         R"({"object":"response","usage":{"id":"x"},"i\u0064" : "resp_1","conversation":{"a":{"id":"y"},"i\u0064":"conv_1"}})",
         R"({"id":"resp_0","i\u0064":"resp_1","conversation":"conv_1"})",
         "{\"i\\u0064\":\"resp_1\",\"conversation\":\"conv_1\",\"a\":\"\x01\"}"}) {
        SCOPED_TRACE(answer);
        const AnswerFacts facts = facts_of_answer(Endpoint::responses, answer);
        EXPECT_EQ(facts.response_id, "resp_1");
        EXPECT_EQ(facts.conversation_id, "conv_1");
    }
    for (const std::string answer :
         {R"({"ID":"resp_1"})", R"({"i\\u0064":"resp_1"})", R"({"i\u0064x":"resp_1"})",
          R"({"i\ud800":"resp_1"})", R"({"output":{"id":"resp_1"}})", R"({"id":1})",
          R"({"i\u006":"resp_1"})"}) {
        SCOPED_TRACE(answer);
        EXPECT_EQ(facts_of_answer(Endpoint::responses, answer).response_id, "");
    }
    EXPECT_EQ(facts_of_answer(Endpoint::chat_completions, R"({"i\u0064":"x"})").response_id, "");
}

}  // namespace
}  // namespace sluicegate::openai
