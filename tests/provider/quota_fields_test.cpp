#include "sluicegate/provider/quota_fields.hpp"

#include "provider/now.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace sluicegate::provider {
namespace {

using namespace std::chrono_literals;
using Fields = std::vector<std::pair<std::string_view, std::string_view>>;
using Allowance = route::QuotaReport::Allowance;

using test::now;

route::QuotaReport quota_in(const Fields& fields) {
    http::FieldTable table;
    for (const auto& [name, value] : fields) EXPECT_TRUE(table.add(name, value));
    return quota_of(table, now);
}

void expect_allowance(const std::optional<Allowance>& allowance,
                      const std::optional<Allowance>& wanted) {
    ASSERT_EQ(allowance.has_value(), wanted.has_value());
    if (!wanted) return;
    EXPECT_EQ(allowance->limit, wanted->limit);
    EXPECT_EQ(allowance->remaining, wanted->remaining);
    EXPECT_EQ(allowance->reset, wanted->reset);
}

TEST(QuotaFields, ReadsWhatEachProviderSends) {
    struct Row {
        const char* name;
        Fields fields;
        std::optional<Allowance> requests;
        std::optional<Allowance> tokens;
    };
    const std::vector<Row> rows{
        {"nothing", {{"content-type", "application/json"}}, std::nullopt, std::nullopt},
        {"OpenAI",
         {{"date", "Sat, 21 Nov 2026 20:45:23 GMT"},
          {"x-ratelimit-limit-requests", "10000"},
          {"x-ratelimit-limit-tokens", "2000000"},
          {"x-ratelimit-remaining-requests", "9999"},
          {"x-ratelimit-remaining-tokens", "1999900"},
          {"x-ratelimit-reset-requests", "6ms"},
          {"x-ratelimit-reset-tokens", "6m0s"}},
         Allowance{10'000, 9999, 6ms},
         Allowance{2'000'000, 1'999'900, 6min}},
        {"OpenAI with a project's limit",
         {{"x-ratelimit-limit-tokens", "150000"},
          {"x-ratelimit-remaining-tokens", "149984"},
          {"x-ratelimit-reset-tokens", "6ms"},
          {"x-ratelimit-limit-project-tokens", "60000"},
          {"x-ratelimit-remaining-project-tokens", "57000"},
          {"x-ratelimit-reset-project-tokens", "3s"}},
         std::nullopt,
         Allowance{60'000, 57'000, 3s}},
        {"a project with more left than its organisation",
         {{"x-ratelimit-limit-project-tokens", "60000"},
          {"x-ratelimit-remaining-project-tokens", "57000"},
          {"x-ratelimit-limit-tokens", "150000"},
          {"x-ratelimit-remaining-tokens", "100"}},
         std::nullopt,
         Allowance{150'000, 100, 0ms}},
        {"Azure",
         {{"X-RateLimit-Limit-Requests", "60"},
          {"X-RateLimit-Remaining-Requests", "0"},
          {"X-RateLimit-Reset-Requests", "60"}},
         Allowance{60, 0, 60s},
         std::nullopt},
        {"Azure without limits",
         {{"x-ratelimit-remaining-requests", "9"}, {"x-ratelimit-remaining-tokens", "960"}},
         Allowance{0, 9, 0ms},
         Allowance{0, 960, 0ms}},
        {"Groq",
         {{"x-ratelimit-limit-requests", "14400"},
          {"x-ratelimit-remaining-requests", "14370"},
          {"x-ratelimit-reset-requests", "2m59.56s"}},
         Allowance{14'400, 14'370, 179'560ms},
         std::nullopt},
        {"Anthropic",
         {{"anthropic-ratelimit-requests-limit", "1000"},
          {"anthropic-ratelimit-requests-remaining", "999"},
          {"anthropic-ratelimit-requests-reset", "2026-11-21T20:45:59Z"},
          {"anthropic-ratelimit-input-tokens-limit", "80000"},
          {"anthropic-ratelimit-input-tokens-remaining", "79000"},
          {"anthropic-ratelimit-input-tokens-reset", "2026-11-21T20:45:24Z"},
          {"anthropic-ratelimit-output-tokens-limit", "16000"},
          {"anthropic-ratelimit-output-tokens-remaining", "12000"},
          {"anthropic-ratelimit-output-tokens-reset", "2026-11-21T20:45:38Z"},
          {"anthropic-ratelimit-tokens-limit", "96000"},
          {"anthropic-ratelimit-tokens-remaining", "91000"},
          {"anthropic-ratelimit-tokens-reset", "2026-11-21T20:45:25Z"}},
         Allowance{1000, 999, 36s},
         Allowance{16'000, 12'000, 15s}},
        {"OpenRouter's reset",
         {{"x-ratelimit-limit-requests", "20"},
          {"x-ratelimit-remaining-requests", "0"},
          {"x-ratelimit-reset-requests", "1795293983000"}},
         Allowance{20, 0, 60s},
         std::nullopt},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const route::QuotaReport report = quota_in(row.fields);
        expect_allowance(report.requests, row.requests);
        expect_allowance(report.tokens, row.tokens);
    }
}

TEST(QuotaFields, BelievesNoNonsense) {
    struct Row {
        const char* name;
        Fields fields;
        std::optional<Allowance> requests;
    };
    const std::string_view limit = "x-ratelimit-limit-requests";
    const std::string_view remaining = "x-ratelimit-remaining-requests";
    const std::string_view reset = "x-ratelimit-reset-requests";
    const std::vector<Row> rows{
        {"no remaining", {{limit, "5"}, {reset, "1s"}}, std::nullopt},
        {"unlimited", {{limit, "-1"}, {remaining, "-1"}}, std::nullopt},
        {"a word", {{limit, "5"}, {remaining, "many"}}, std::nullopt},
        {"empty", {{limit, "5"}, {remaining, ""}}, std::nullopt},
        {"a fraction", {{limit, "5"}, {remaining, "1.5"}}, std::nullopt},
        {"a list", {{limit, "5"}, {remaining, "1, 2"}}, std::nullopt},
        {"more than an integer holds",
         {{limit, "5"}, {remaining, "99999999999999999999"}},
         std::nullopt},
        {"more than is believed", {{limit, "5"}, {remaining, "1000000000001"}}, std::nullopt},
        {"the most that is believed",
         {{limit, "1000000000000"}, {remaining, "1000000000000"}},
         Allowance{quota_max, quota_max, 0ms}},
        {"a limit beyond belief",
         {{limit, "1000000000001"}, {remaining, "3"}},
         Allowance{0, 3, 0ms}},
        {"more left than there is", {{limit, "5"}, {remaining, "7"}}, Allowance{5, 5, 0ms}},
        {"a reset in words",
         {{limit, "5"}, {remaining, "1"}, {reset, "soon"}},
         Allowance{5, 1, 0ms}},
        {"a reset in a thousand years",
         {{limit, "5"}, {remaining, "1"}, {reset, "3026-01-01T00:00:00Z"}},
         Allowance{5, 1, std::chrono::days(31)}},
        {"said twice", {{remaining, "1"}, {remaining, "2"}, {limit, "5"}}, Allowance{5, 1, 0ms}},
        {"names that only begin like these",
         {{"x-ratelimit-", "1"},
          {"x-ratelimit-remaining", "1"},
          {"x-ratelimit-remaining-", "1"},
          {"x-ratelimit-remaining-requests-", "1"},
          {"x-ratelimit-left-requests", "1"},
          {"x-ratelimit--requests", "1"},
          {"anthropic-ratelimit-", "1"},
          {"anthropic-ratelimit-remaining", "1"},
          {"anthropic-ratelimit-requests-", "1"},
          {"anthropic-ratelimit--remaining", "1"},
          {"anthropic-ratelimit-unified-remaining", "1"}},
         std::nullopt},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const route::QuotaReport report = quota_in(row.fields);
        expect_allowance(report.requests, row.requests);
        EXPECT_FALSE(report.tokens);
    }
}

}  // namespace
}  // namespace sluicegate::provider
