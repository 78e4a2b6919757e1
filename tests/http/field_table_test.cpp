#include "sluicegate/http/field_table.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace sluicegate::http {
namespace {

TEST(FieldTable, FindsTheFirstFieldOfANameInAnyCase) {
    FieldTable fields;
    ASSERT_TRUE(fields.add("Accept", "a"));
    ASSERT_TRUE(fields.add("X-Api-Key", "b"));
    ASSERT_TRUE(fields.add("x-api-key", "c"));
    EXPECT_EQ(fields.find("x-API-key"), "b");
    EXPECT_EQ(fields.count("x-api-key"), 2U);
    EXPECT_EQ(fields.find("accept"), "a");
    EXPECT_EQ(fields.find("accepx"), std::nullopt);
    EXPECT_EQ(fields.find("accep"), std::nullopt);
    EXPECT_EQ(fields.find(""), std::nullopt);
    EXPECT_EQ(fields.count("host"), 0U);
}

TEST(FieldTable, DoesNotFoldMarksLikeLetters) {
    FieldTable fields;
    ASSERT_TRUE(fields.add("a^", "caret"));
    ASSERT_TRUE(fields.add("`", "backtick"));
    EXPECT_EQ(fields.find("a~"), std::nullopt);
    EXPECT_EQ(fields.find("@"), std::nullopt);
}

TEST(FieldTable, TakesOneHundredFields) {
    FieldTable fields;
    for (std::size_t i = 0; i < FieldTable::capacity; ++i) ASSERT_TRUE(fields.add("a", "b"));
    EXPECT_FALSE(fields.add("c", "d"));
    EXPECT_EQ(fields.size(), 100U);
    EXPECT_EQ(fields.find("c"), std::nullopt);
    fields.clear();
    EXPECT_EQ(fields.begin(), fields.end());
    EXPECT_EQ(fields.find("a"), std::nullopt);
    EXPECT_TRUE(fields.add("c", "d"));
    EXPECT_EQ(fields.begin()->name, "c");
}

}  // namespace
}  // namespace sluicegate::http
