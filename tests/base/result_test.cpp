#include "sluicegate/base/result.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace sluicegate {
namespace {

Result<std::unique_ptr<int>> make(bool good) {
    if (!good) return fail(ErrorKind::invalid_json, "offset 3", "messages");
    return std::make_unique<int>(5);
}

TEST(Result, HoldsAValueThatCanOnlyMove) {
    auto result = make(true);
    ASSERT_TRUE(result);
    const std::unique_ptr<int> value = std::move(*result);
    EXPECT_EQ(*value, 5);
}

TEST(Result, HandsItsErrorToAnotherType) {
    auto passed_on = [](bool good) -> Result<std::string> {
        auto made = make(good);
        if (!made) return std::move(made).failure();
        return std::to_string(**made);
    };
    EXPECT_EQ(*passed_on(true), "5");
    const auto failed = passed_on(false);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, ErrorKind::invalid_json);
    EXPECT_EQ(failed.error().detail, "offset 3");
    EXPECT_EQ(failed.error().subject, "messages");
}

TEST(Result, OfNothingIsAYesOrAnError) {
    EXPECT_TRUE(Result<void>());
    const Result<void> failed = fail(ErrorKind::draining);
    ASSERT_FALSE(failed);
    EXPECT_EQ(name_of(failed.error().kind), "draining");
}

TEST(Result, GoesOnWithAValueAndKeepsAnError) {
    const auto twice = [](std::unique_ptr<int>&& value) -> Result<int> { return 2 * *value; };
    EXPECT_EQ(*make(true).and_then(twice), 10);
    const auto failed = make(false).and_then(twice);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, ErrorKind::invalid_json);
}

}  // namespace
}  // namespace sluicegate
