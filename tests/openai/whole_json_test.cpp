#include "sluicegate/openai/whole_json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluicegate::openai {
namespace {

TEST(WholeJson, IsOneDocumentWithoutAnythingMissing) {
    for (const std::string text :
         {"{}", "[]", " \n{\"a\":[1,{\"b\":\"}]\"}]}\r\n", R"({"a":"\"}"})", "[[[]],{}]"}) {
        SCOPED_TRACE(text);
        EXPECT_TRUE(is_whole_json(text));
    }
}

TEST(WholeJson, IsNoPartAndNothingElse) {
    for (const std::string text :
         {"", " ", "{", "}", "{]", "[}", "{}{}", "{} x", "x {}", "\"text\"", "12", "null", "{\"a",
          "{\"a\\\"}", "<html>login</html>", "[[]", "[]]", "{\"a\":\"\xff\"}"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(is_whole_json(text));
    }
}

TEST(WholeJson, NoBeginningOfADocumentIsWhole) {
    const std::string text =
        R"({"id":"x","choices":[{"index":0,"message":{"content":"a \"b\" }"}}],"usage":{"a":1}})";
    for (std::size_t size = 0; size < text.size(); ++size) {
        SCOPED_TRACE(size);
        EXPECT_FALSE(is_whole_json(std::string_view(text).substr(0, size)));
    }
    EXPECT_TRUE(is_whole_json(text));
}

}  // namespace
}  // namespace sluicegate::openai
