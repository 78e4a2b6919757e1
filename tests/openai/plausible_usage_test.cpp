#include "sluicegate/openai/plausible_usage.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace sluicegate::openai {
namespace {

TEST(PlausibleUsage, ReplacesThePartsThatCannotBeTrue) {
    struct Row {
        std::string_view name;
        Usage reported;
        SeenTokens seen;
        Usage plausible;
        bool is_replaced;
    };
    const SeenTokens seen{.prompt = 40, .output = 60};
    const SeenTokens no_output{.prompt = 40, .output = 0};
    const SeenTokens three{.prompt = 40, .output = 60, .prompts = 1, .answers = 3};
    const SeenTokens three_prompts{.prompt = 90, .output = 60, .prompts = 3, .answers = 3};
    const Row rows[] = {
        {"true",
         {.input = 50, .output = 70, .total = 120},
         seen,
         {.input = 50, .output = 70, .total = 120},
         false},
        {"less than was counted",
         {.input = 20, .output = 30, .total = 50},
         seen,
         {.input = 20, .output = 30, .total = 50},
         false},
        {"nothing", {}, seen, {.input = 40, .output = 60, .total = 100}, true},
        {"no prompt",
         {.output = 70, .total = 70},
         seen,
         {.input = 40, .output = 70, .total = 110},
         true},
        {"no output",
         {.input = 50, .total = 50},
         seen,
         {.input = 50, .output = 60, .total = 110},
         true},
        {"no output, and there was none",
         {.input = 50, .total = 50},
         no_output,
         {.input = 50, .total = 50},
         false},
        {"thoughts in the total",
         {.input = 50, .output = 7, .total = 200},
         seen,
         {.input = 50, .output = 7, .total = 200},
         false},
        {"the total alone",
         {.input = 100, .total = 100, .is_input_derived = true},
         seen,
         {.input = 40, .output = 60, .total = 100, .is_input_derived = true},
         false},
        {"one of three answers",
         {.input = 50, .output = 20, .total = 70},
         three,
         {.input = 50, .output = 60, .total = 110},
         true},
        {"all of three answers",
         {.input = 50, .output = 55, .total = 105},
         three,
         {.input = 50, .output = 55, .total = 105},
         false},
        {"one of three prompts",
         {.input = 30, .output = 60, .total = 90},
         three_prompts,
         {.input = 90, .output = 60, .total = 150},
         true},
        {"seconds", {.audio_ms = 2500}, seen, {.audio_ms = 2500}, false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const PlausibleUsage found = plausible_usage(row.reported, row.seen);
        EXPECT_EQ(found.usage, row.plausible);
        EXPECT_EQ(found.is_replaced, row.is_replaced);
    }
}

TEST(PlausibleUsage, OfTwoReportsTakesTheLargerOfEachPart) {
    const Usage full{.input = 50, .output = 70, .total = 120, .cached_input = 9};
    EXPECT_EQ(larger_parts(full, {}), full);
    EXPECT_EQ(larger_parts({.input = 60, .output = 1, .total = 61}, full),
              (Usage{.input = 60, .output = 70, .total = 130, .cached_input = 9}));
    const Usage total_alone{.input = 120, .total = 120, .is_input_derived = true};
    EXPECT_EQ(larger_parts(total_alone, full), full);
    EXPECT_EQ(larger_parts(full, total_alone), full);
}

}  // namespace
}  // namespace sluicegate::openai
