#include "sluicegate/admin/query.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluicegate::admin {
namespace {

TEST(Query, FindsAndDecodesTheFirstValueOfAName) {
    struct Row {
        std::string_view query;
        std::optional<std::string> user;
    };
    const std::vector<Row> rows{
        {"", std::nullopt},
        {"user", ""},
        {"user=", ""},
        {"user=alice", "alice"},
        {"model=m&user=alice", "alice"},
        {"user=a&user=b", "a"},
        {"users=a", std::nullopt},
        {"user=a=b", "a=b"},
        {"&&user=a&&", "a"},
        {"user=a%20b+c", "a b c"},
        {"%75ser=a", "a"},
        {"user=%c3%A9", "\u00e9"},
        {"user=100%", "100%"},
        {"user=%2", "%2"},
        {"user=%zz", "%zz"},
        {"user=%+1", "% 1"},
        {"user=%-1", "%-1"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.query);
        EXPECT_EQ(query_value(row.query, "user"), row.user);
    }
}

}  // namespace
}  // namespace sluicegate::admin
