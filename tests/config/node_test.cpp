#include "config/node.hpp"

#include "config/problems.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {
namespace {

struct Parsed {
    std::optional<Node> root;
    std::vector<Problem> problems;
    NodeStore store;
};

Parsed parse(std::string_view text) {
    Parsed parsed;
    Problems problems;
    const auto file = problems.add_file("f");
    parsed.root = parse_yaml(text, file, parsed.store, problems);
    parsed.problems = problems.take();
    return parsed;
}

TEST(Node, KeepsLinesQuotesAndDuplicateKeys) {
    const Parsed parsed = parse("a: 1\nb:\n  - 'x'\n  - y\na:\n");
    ASSERT_TRUE(parsed.root.has_value());
    const Node& root = *parsed.root;
    ASSERT_EQ(root.kind, Node::Kind::map);
    ASSERT_EQ(root.keys.size(), 3U);
    EXPECT_EQ(root.keys[0].text, root.keys[2].text);
    EXPECT_EQ(root.keys[2].line, 5);
    const Node& list = root.items[1];
    ASSERT_EQ(list.kind, Node::Kind::list);
    EXPECT_EQ(list.line, 2) << "a block list is found at its key";
    EXPECT_TRUE(list.items[0].is_quoted);
    EXPECT_FALSE(list.items[1].is_quoted);
    EXPECT_EQ(list.items[1].line, 4);
    EXPECT_EQ(root.items[2].kind, Node::Kind::null);
    EXPECT_EQ(root.items[2].line, 5) << "a missing value is found at its key";
}

TEST(Node, WritesAliasesOut) {
    const Parsed parsed = parse("a: &x {k: [1, 2]}\nb: *x\n");
    ASSERT_TRUE(parsed.root.has_value());
    const Node& copy = parsed.root->items[1];
    ASSERT_EQ(copy.kind, Node::Kind::map);
    EXPECT_EQ(copy.items[0].items[1].text, "2");
    EXPECT_EQ(copy.line, 2);
}

TEST(Node, StopsAnExponentialDocumentEarly) {
    std::string text = "a0: &a0 [x, x]\n";
    for (int i = 1; i < 60; ++i) {
        const std::string name = "a" + std::to_string(i);
        const std::string before = "*a" + std::to_string(i - 1);
        text.append(name).append(": &").append(name);
        text.append(" [").append(before).append(", ").append(before).append("]\n");
    }
    const Parsed parsed = parse(text);
    EXPECT_FALSE(parsed.root.has_value());
    ASSERT_EQ(parsed.problems.size(), 1U);
    EXPECT_TRUE(parsed.problems[0].message.starts_with("the configuration is too large"));
}

TEST(Node, CountsTheTextOfAliases) {
    std::string text = "a: &a " + std::string(1 << 20, 'x') + "\nb:\n";
    for (int i = 0; i < 70; ++i) text += "  - *a\n";
    const Parsed parsed = parse(text);
    EXPECT_FALSE(parsed.root.has_value());
    ASSERT_EQ(parsed.problems.size(), 1U);
}

TEST(Node, BoundsDepthInFlowAndBlockStyle) {
    EXPECT_TRUE(parse(std::string(32, '[') + std::string(32, ']')).root.has_value());
    for (const std::string& text : {std::string(33, '[') + std::string(33, ']'),
                                    std::string(100'000, '['), std::string(100'000, '{')}) {
        const Parsed parsed = parse(text);
        EXPECT_FALSE(parsed.root.has_value());
        EXPECT_EQ(parsed.problems.size(), 1U);
    }
    std::string block;
    for (int i = 0; i < 50; ++i) block += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
    EXPECT_FALSE(parse(block).root.has_value());
}

TEST(Node, RefusesWhatIsNotOneTextDocument) {
    struct Row {
        std::string_view name, text;
    };
    const Row rows[] = {
        {"two documents", "a: 1\n---\nb: 1\n"}, {"NUL", std::string_view("a: 1\n\0b: 2\n", 11)},
        {"tag on a map", "a: !!map {}\n"},      {"tag on a list", "a: !x [1]\n"},
        {"tag on a scalar", "a: !!str 1\n"},    {"map as a key", "{a: b}: c\n"},
        {"recursive alias", "&a [*a]\n"},       {"unknown alias", "*a\n"},
        {"unclosed list", "a: [b\n"},           {"broken escape", "a: \"\\q\"\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const Parsed parsed = parse(row.text);
        EXPECT_FALSE(parsed.root.has_value());
        EXPECT_EQ(parsed.problems.size(), 1U);
    }
}

TEST(Node, TakesNothingForAnEmptyDocument) {
    for (const std::string_view text : {"", "\n\n", "# only a comment\n", "---\n", "~\n"}) {
        const Parsed parsed = parse(text);
        ASSERT_TRUE(parsed.root.has_value()) << text;
        EXPECT_EQ(parsed.root->kind, Node::Kind::null);
    }
}

}  // namespace
}  // namespace sluicegate::config
