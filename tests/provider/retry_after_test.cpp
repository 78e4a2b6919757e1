#include "sluicegate/provider/retry_after.hpp"

#include "provider/now.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace sluicegate::provider {
namespace {

using namespace std::chrono_literals;

using test::now;

TEST(RetryAfter, ReadsTheWaitInAllItsSpellings) {
    struct Row {
        const char* name;
        std::vector<std::pair<const char*, const char*>> fields;
        Milliseconds wait;
    };
    const std::vector<Row> rows{
        {"nothing", {}, 0ms},
        {"seconds", {{"retry-after", "7"}}, 7s},
        {"fraction of a second", {{"Retry-After", "0.5"}}, 500ms},
        {"milliseconds", {{"retry-after-ms", "250"}}, 250ms},
        {"fraction of a millisecond", {{"retry-after-ms", "250.9"}}, 250ms},
        {"Azure's", {{"x-ms-retry-after-ms", "1500"}}, 1500ms},
        {"milliseconds before seconds", {{"retry-after", "9"}, {"retry-after-ms", "8500"}}, 8500ms},
        {"garbage before seconds", {{"retry-after-ms", "soon"}, {"retry-after", "9"}}, 9s},
        {"zero", {{"retry-after", "0"}}, 0ms},
        {"negative", {{"retry-after", "-5"}}, 0ms},
        {"empty", {{"retry-after", ""}}, 0ms},
        {"a word", {{"retry-after", "soon"}}, 0ms},
        {"a unit", {{"retry-after", "5s"}}, 5s},
        {"a plus", {{"retry-after", "+5"}}, 0ms},
        {"a list", {{"retry-after", "5, 6"}}, 0ms},
        {"a date", {{"retry-after", "Sat, 21 Nov 2026 20:45:53 GMT"}}, 30s},
        {"a date that is over", {{"retry-after", "Sat, 21 Nov 2026 20:45:22 GMT"}}, 0ms},
        {"a date beyond an hour", {{"retry-after", "Sun, 22 Nov 2026 20:45:23 GMT"}}, 1h},
        {"no such date", {{"retry-after", "Sat, 31 Nov 2026 20:45:23 GMT"}}, 0ms},
        {"a date before milliseconds",
         {{"retry-after", "Sat, 21 Nov 2026 20:45:53 GMT"}, {"retry-after-ms", "29500"}},
         29'500ms},
        {"RFC 3339", {{"retry-after", "2026-11-21T20:45:24Z"}}, 1s},
        {"seconds since 1970", {{"retry-after", "1795293925"}}, 2s},
        {"not a number", {{"retry-after", "nan"}}, 0ms},
        {"infinity", {{"retry-after", "inf"}}, 0ms},
        {"beyond any number", {{"retry-after", "1e999"}}, 0ms},
        {"an hour", {{"retry-after", "3600"}}, 1h},
        {"more than an hour", {{"retry-after", "3601"}}, 1h},
        {"a day", {{"retry-after", "86400"}}, 1h},
        {"thirty days in milliseconds", {{"retry-after-ms", "2592000000"}}, 1h},
        {"more than an integer holds", {{"retry-after", "99999999999999999999"}}, 1h},
        {"more milliseconds than an integer holds", {{"retry-after-ms", "1e300"}}, 1h},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        http::FieldTable fields;
        for (const auto& [name, value] : row.fields) ASSERT_TRUE(fields.add(name, value));
        EXPECT_EQ(retry_after_of(fields, now), row.wait);
    }
}

}  // namespace
}  // namespace sluicegate::provider
