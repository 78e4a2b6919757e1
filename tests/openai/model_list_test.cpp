#include "sluicegate/openai/model_list.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sluicegate::openai {
namespace {

TEST(ModelList, HasTheShapeTheSdksParse) {
    const std::array<ListedModel, 2> models = {
        {{.id = "gpt-4o", .created = 1700000000, .info = R"(,"context_length":131072)"},
         {.id = "a\"b"}}};
    EXPECT_EQ(
        models_list_body(models),
        R"({"object":"list","data":[)"
        R"({"id":"gpt-4o","object":"model","created":1700000000,"owned_by":"sluicegate","context_length":131072},)"
        R"({"id":"a\"b","object":"model","created":1735689600,"owned_by":"sluicegate"}]})");
    EXPECT_EQ(models_list_body({}), R"({"object":"list","data":[]})");
    EXPECT_EQ(model_body({.id = "org/m", .created = 1}),
              R"({"id":"org/m","object":"model","created":1,"owned_by":"sluicegate"})");
}

}  // namespace
}  // namespace sluicegate::openai
