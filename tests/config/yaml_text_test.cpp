#include "config/yaml_text.hpp"

#include "config/node.hpp"
#include "config/problems.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluicegate::config {
namespace {

/// What YAML reads in place of `written`, in a block or in brackets.
std::string read_back(const std::string& written, bool is_in_brackets) {
    Problems problems;
    NodeStore store;
    const std::string yaml = is_in_brackets ? "k: [" + written + ", b]\n" : "k: " + written + '\n';
    const auto root = parse_yaml(yaml, problems.add_file("text"), store, problems);
    if (!root || root->items.size() != 1) return "not YAML";
    const Node& value = is_in_brackets ? root->items[0].items[0] : root->items[0];
    return value.kind == Node::Kind::scalar ? std::string(value.text) : "no text";
}

TEST(YamlText, IsReadBackAsItWas) {
    for (const std::string text :
         {"",     "a",    "a b",  " a",    "a ",   "~",    "null", "Null", "NULL", "nullx", "+1",
          ".5",   "-",    "- a",  "-a",    "?",    "? a",  ":",    ":a",   "a:",   "a:b",   "a: b",
          "a #b", "#a",   "a#b",  "{a",    "a}",   "[a",   "a]",   "a,b",  "&a",   "*a",    "!a",
          "|",    ">",    "'a'",  "\"a\"", "a\"b", "a'b",  "%a",   "@a",   "`a",   "a\\b",  "a\nb",
          "a\tb", "\x01", "\x7f", "<<",    "true", "ä: ö", "/a",   "=",    "---",  "..."}) {
        SCOPED_TRACE(text);
        EXPECT_EQ(read_back(plain_or_quoted(text), false), text);
        EXPECT_EQ(read_back(plain_or_quoted(text), true), text);
        EXPECT_EQ(read_back(double_quoted(text), true), text);
    }
    EXPECT_EQ(plain_or_quoted("https://a.test/v1"), "https://a.test/v1");
}

}  // namespace
}  // namespace sluicegate::config
