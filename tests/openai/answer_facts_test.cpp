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

TEST(Answer, IsOneIfItHasWhatItsEndpointMustHave) {
    struct Row {
        Endpoint endpoint;
        const char* text;
        bool is_answer;
    };
    constexpr Endpoint chat = Endpoint::chat_completions;
    constexpr Endpoint speech = Endpoint::audio_speech;
    constexpr Endpoint transcript = Endpoint::audio_transcriptions;
    for (const Row& row : {
             Row{chat, R"({"choices":[{"message":{"content":""}}]})", true},
             Row{chat, R"({"choices":[{"message":{"content":null,"tool_calls":[]}}]})", true},
             Row{chat, R"({"choices":[{"error":"x"},{"message":{}}]})", true},
             Row{chat, R"({"choices":[{"error":null,"message":{}}],"error":null})", true},
             Row{chat, R"({"choices":[]})", false},
             Row{chat, R"({"choices":[],"usage":{"prompt_tokens":1}})", false},
             Row{chat, R"({"choices":null})", false},
             Row{chat, R"({"choices":{}})", false},
             Row{chat, R"({"choices":[{}]})", false},
             Row{chat, R"({"choices":["x"]})", false},
             Row{chat, R"({"choices":[{"message":null}]})", false},
             Row{chat, R"({"choices":[{"text":"x"}]})", false},
             Row{chat, R"({"choices":[{"message":{"content":"x"},"error":{"code":502}}]})", false},
             Row{chat, R"({"choices":[{"message":{},"finish_reason":"error"}]})", false},
             Row{chat, R"({"object":"chat.completion"})", false},
             Row{chat, R"({"content":"x","stop_reason":"end_turn"})", false},
             Row{Endpoint::completions, R"({"choices":[{"text":""}]})", true},
             Row{Endpoint::completions, R"({"choices":[{"text":null}]})", false},
             Row{Endpoint::completions, R"({"choices":[{"message":{}}]})", false},
             Row{Endpoint::responses, R"({"output":[]})", true},
             Row{Endpoint::responses, R"({"output":null})", false},
             Row{Endpoint::responses, R"({"id":"r"})", false},
             Row{Endpoint::embeddings, R"({"data":[{"embedding":[1]}]})", true},
             Row{Endpoint::embeddings, R"([[0.1,0.2]])", true},
             Row{Endpoint::embeddings, R"({"data":null})", false},
             Row{Endpoint::embeddings, R"([{"error":"x"}])", false},
             Row{Endpoint::rerank, R"({"results":[]})", true},
             Row{Endpoint::rerank, R"([{"index":0,"score":1}])", true},
             Row{Endpoint::rerank, R"({"results":"none"})", false},
             Row{Endpoint::moderations, R"({"results":[{"flagged":false}]})", true},
             Row{Endpoint::moderations, R"({"id":"m"})", false},
             Row{Endpoint::images_generations, R"({"created":1,"data":[{"url":"u"}]})", true},
             Row{Endpoint::images_edits, R"({"created":1})", false},
             Row{transcript, R"({"text":""})", true},
             Row{transcript, R"({"segments":[]})", true},
             Row{transcript, R"({"text":null})", false},
             Row{speech, R"({"audio":"AAAA"})", true},
             Row{speech, R"({"message":"x"})", false},
         }) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(facts_of_answer(row.endpoint, row.text).is_answer, row.is_answer);
    }
}

TEST(Answer, HasAnErrorIfItSaysSomething) {
    struct Row {
        const char* error;
        bool has_error;
    };
    for (const Row& row :
         {Row{R"("error":null)", false}, Row{R"("error":"")", false}, Row{R"("error":{})", false},
          Row{R"("error":false)", false}, Row{R"("error":{"message":"","code":0})", false},
          Row{R"("error":[])", false}, Row{R"("error":"x")", true},
          Row{R"("error":{"code":502})", true}, Row{R"("err\u006fr":"x")", true},
          Row{R"("error":["x"])", true}, Row{R"("message":"x")", false}}) {
        SCOPED_TRACE(row.error);
        const std::string text =
            R"({"choices":[{"message":{"content":"a"}}],)" + std::string(row.error) + "}";
        EXPECT_EQ(facts_of_answer(Endpoint::chat_completions, text).has_error, row.has_error);
    }
}

TEST(Answer, IsSearchedWhereItHasMembersThatAnswersDoNotHave) {
    for (const char* text : {R"({"choices":[{"message":{}}],"Error":"x"})",
                             R"({"choices":[{"message":{}}],"exception":{"text":"x"}})",
                             R"({"choices":[{"message":{},"warning":"x"}]})",
                             R"({"choices":[{"message":{"debug":["x"]}}]})"}) {
        EXPECT_TRUE(facts_of_answer(Endpoint::chat_completions, text).may_tell_error) << text;
    }
    for (const char* text : {R"({"choices":[{"message":{"content":"x"}}],"code":0,"Error":null})",
                             R"({"id":"c","choices":[{"message":{"refusal":null,"annotations":[]},)"
                             R"("logprobs":null}],"service_tier":"default"})"}) {
        EXPECT_FALSE(facts_of_answer(Endpoint::chat_completions, text).may_tell_error) << text;
    }
}

}  // namespace
}  // namespace sluicegate::openai
