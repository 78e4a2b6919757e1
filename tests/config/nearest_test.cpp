#include "sluicegate/config/nearest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::config {
namespace {

TEST(Nearest, FindsWhatWasProbablyMeant) {
    constexpr std::array<std::string_view, 5> known{"listen", "threads", "max_body", "max_header",
                                                    "rpm"};
    struct Row {
        std::string_view name;
        std::optional<std::string_view> near;
    };
    const Row rows[] = {
        {"lisen", "listen"},   {"listne", "listen"},     {"Listen", "listen"},
        {"thread", "threads"}, {"max_bdy", "max_body"},  {"maxheader", "max_header"},
        {"rmp", "rpm"},        {"rps", "rpm"},           {"quota", std::nullopt},
        {"", std::nullopt},    {"tokens", std::nullopt},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(nearest(row.name, known), row.near);
    }
}

TEST(Nearest, GivesUpOnLongNames) {
    const std::string name(129, 'a');
    const std::array<std::string_view, 1> known{name};
    EXPECT_FALSE(nearest(name, known).has_value());
}

TEST(DidYouMean, EndsASentenceWithTheNearestName) {
    const std::array<std::string_view, 2> known{"alice", "bob"};
    EXPECT_EQ(did_you_mean("alcie", known), ", did you mean alice?");
    EXPECT_EQ(did_you_mean("gertrude", known), "");
}

TEST(DidYouMean, SearchesNoMoreThanAThousandNames) {
    std::vector<std::string_view> known(1000, "alice");
    EXPECT_EQ(did_you_mean("alcie", known), ", did you mean alice?");
    known.emplace_back("bob");
    EXPECT_EQ(did_you_mean("alcie", known), "");
}

}  // namespace
}  // namespace sluicegate::config
