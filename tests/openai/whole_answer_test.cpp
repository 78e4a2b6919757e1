#include "sluicegate/openai/usage.hpp"

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

TEST(WholeAnswer, NoBeginningOfADocumentIsWhole) {
    const std::string text =
        R"({"id":"x","choices":[{"index":0,"message":{"content":"a \"b\" }"}}],"usage":{"a":1}})";
    for (std::size_t size = 0; size < text.size(); ++size) {
        SCOPED_TRACE(size);
        EXPECT_FALSE(is_whole(std::string_view(text).substr(0, size)));
    }
    EXPECT_TRUE(is_whole(text));
}

}  // namespace
}  // namespace sluicegate::openai
