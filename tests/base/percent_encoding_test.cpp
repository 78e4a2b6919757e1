#include "sluicegate/base/percent_encoding.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate {
namespace {

TEST(PercentEncoding, IsDecodedOnceOrNotAtAll) {
    struct Row {
        std::string_view text;
        std::optional<std::string> decoded;
    };
    const std::vector<Row> rows{
        {"", ""},
        {"plain+text", "plain+text"},
        {"org%2Fx%20y", "org/x y"},
        {"%2f%2F", "//"},
        {"%2525", "%25"},
        {"%00", std::string(1, '\0')},
        {"%c3%A9", "\xc3\xa9"},
        {"%", std::nullopt},
        {"%2", std::nullopt},
        {"a%2", std::nullopt},
        {"%2g", std::nullopt},
        {"%g2", std::nullopt},
        {"% 2", std::nullopt},
        {"%%20", std::nullopt},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.text);
        EXPECT_EQ(percent_decoded(row.text), row.decoded);
    }
}

}  // namespace
}  // namespace sluicegate
