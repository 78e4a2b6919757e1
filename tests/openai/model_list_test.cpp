#include "sluicegate/openai/model_list.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sluicegate::openai {
namespace {

TEST(ModelList, HasTheShapeTheSdksParse) {
    const std::array<std::string_view, 2> ids = {"gpt-4o", "a\"b"};
    EXPECT_EQ(models_list_body(ids, 1700000000),
              R"({"object":"list","data":[)"
              R"({"id":"gpt-4o","object":"model","created":1700000000,"owned_by":"sluicegate"},)"
              R"({"id":"a\"b","object":"model","created":1700000000,"owned_by":"sluicegate"}]})");
    EXPECT_EQ(models_list_body({}, 0), R"({"object":"list","data":[]})");
    EXPECT_EQ(model_body("org/m", 1),
              R"({"id":"org/m","object":"model","created":1,"owned_by":"sluicegate"})");
}

}  // namespace
}  // namespace sluicegate::openai
