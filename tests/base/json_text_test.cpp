#include "sluicegate/base/json_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluicegate {
namespace {

TEST(JsonText, EscapesWhatJsonDemandsAndReplacesWhatIsNotUtf8) {
    struct Row {
        std::string_view name;
        std::string_view text;
        std::string_view expected;
    };
    const Row rows[] = {
        {"plain", "gpt-4o", "\"gpt-4o\""},
        {"empty", "", "\"\""},
        {"quote and backslash", "a\"b\\c", "\"a\\\"b\\\\c\""},
        {"controls", std::string_view("\n\r\t\0\x1f", 5), "\"\\n\\r\\t\\u0000\\u001f\""},
        {"delete", "\x7f", "\"\\u007f\""},
        {"two, three and four bytes", "é€😀", "\"é€😀\""},
        {"lone continuation byte", "a\x80z", "\"a\xEF\xBF\xBDz\""},
        {"overlong slash", "\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"surrogate", "\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"cut at the end", "ab\xE2\x82", "\"ab\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"beyond U+10FFFF", "\xF4\x90\x80\x80",
         "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        std::string out;
        append_json_string(out, row.text);
        EXPECT_EQ(out, row.expected);
    }
}

TEST(JsonText, AppendsMembers) {
    std::string out = "{\"a\":1";
    append_json_member(out, "text", "x\"y");
    append_json_member(out, "empty", "");
    append_json_member(out, "number", -7);
    EXPECT_EQ(out, R"({"a":1,"text":"x\"y","empty":"","number":-7)");
}

TEST(JsonText, WritesDecimals) {
    std::string out;
    append_decimal(out, 0);
    out += ' ';
    append_decimal(out, -42);
    out += ' ';
    append_decimal(out, INT64_MIN);
    EXPECT_EQ(out, "0 -42 -9223372036854775808");
}

}  // namespace
}  // namespace sluicegate
