#include "sluicegate/metrics/exposition.hpp"

#include "metrics/exposition_parser.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>

namespace sluicegate::metrics {
namespace {

using namespace std::chrono_literals;
using test::parse_exposition;
using test::value_of;

TEST(Exposition, AnEmptyRegistryShowsEveryFamilyInTheOrderOfTheCatalogue) {
    const Registry registry;
    const auto families = parse_exposition(expose(registry));
    ASSERT_EQ(families.size(), catalogue().size());
    for (std::size_t i = 0; i < families.size(); ++i) {
        const Definition& definition = catalogue()[i];
        SCOPED_TRACE(definition.name);
        EXPECT_EQ(families[i].name, definition.name);
        EXPECT_EQ(families[i].help, definition.help);
        EXPECT_EQ(families[i].type, name_of(definition.type));
        EXPECT_EQ(families[i].samples.size(), definition.labels.empty() ? 1U : 0U);
    }
}

TEST(Exposition, WritesLinesLikeThese) {
    Registry registry;
    registry.counter(Metric::requests_total, {"gpt-4o", "429", "rate_limited"}).add(7);
    registry.counter(Metric::requests_total, {"gpt-4o", "200", "ok"}).add(3);
    const std::string text = expose(registry);
    EXPECT_NE(text.find("# HELP sluicegate_requests_total Requests answered or given up, by model, "
                        "HTTP status and outcome.\n"
                        "# TYPE sluicegate_requests_total counter\n"
                        "sluicegate_requests_total{model=\"gpt-4o\",status=\"200\",outcome=\"ok\"} "
                        "3\n"
                        "sluicegate_requests_total{model=\"gpt-4o\",status=\"429\","
                        "outcome=\"rate_limited\"} 7\n"
                        "# HELP "),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("\nsluicegate_requests_in_flight 0\n"), std::string::npos) << text;
}

TEST(Exposition, DoesNotDependOnTheOrderInWhichSeriesWereMade) {
    Registry one;
    Registry two;
    for (const char* model : {"a", "b", "c"}) {
        one.counter(Metric::limiter_decisions_total, {model, "admitted"}).add();
    }
    for (const char* model : {"c", "a", "b"}) {
        two.counter(Metric::limiter_decisions_total, {model, "admitted"}).add();
    }
    EXPECT_EQ(expose(one), expose(two));
}

TEST(Exposition, EscapesLabelValues) {
    struct Row {
        const char* name;
        std::string value;
        const char* written;
    };
    const Row rows[] = {
        {"plain", "gpt-4o", R"(model="gpt-4o")"},
        {"quote", "a\"b", R"(model="a\"b")"},
        {"backslash", "a\\n", R"(model="a\\n")"},
        {"newline", "a\nb", R"(model="a\nb")"},
        {"what looks like more labels", "x\",status=\"200", R"(model="x\",status=\"200")"},
        {"UTF-8", "modèle", "model=\"modèle\""},
        {"empty", "", R"(model="")"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Registry registry;
        registry.counter(Metric::limiter_decisions_total, {row.value, "admitted"}).add();
        const std::string text = expose(registry);
        EXPECT_NE(text.find(row.written), std::string::npos) << text;
        EXPECT_EQ(value_of(parse_exposition(text), "sluicegate_limiter_decisions_total",
                           {{"model", row.value}, {"decision", "admitted"}}),
                  "1");
    }
}

TEST(Exposition, WritesNanosecondsAsExactSeconds) {
    struct Row {
        const char* name;
        std::int64_t nanoseconds;
        const char* written;
    };
    const Row rows[] = {
        {"zero", 0, "0"},
        {"whole", 3'000'000'000, "3"},
        {"one nanosecond", 1, "0.000000001"},
        {"no trailing zeros", 1'250'000'000, "1.25"},
        {"a time of day beyond a double's digits", 1'795'294'800'123'456'789,
         "1795294800.123456789"},
        {"negative", -1'500'000'000, "-1.5"},
        {"negative below a second", -5, "-0.000000005"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Registry registry;
        registry.set(Metric::config_last_reload_success_timestamp_seconds, row.nanoseconds);
        EXPECT_EQ(value_of(parse_exposition(expose(registry)),
                           "sluicegate_config_last_reload_success_timestamp_seconds"),
                  row.written);
    }
}

TEST(Exposition, HistogramsAreCumulative) {
    Registry registry;
    Histogram histogram = registry.histogram(Metric::request_duration_seconds, {"m"});
    for (const auto duration : {1ms, 2ms, 2ms, 40ms}) histogram.observe(duration);
    histogram.observe(3600s);
    const auto families = parse_exposition(expose(registry));
    const auto bucket = [&](const char* bound) {
        return value_of(families, "sluicegate_request_duration_seconds_bucket",
                        {{"model", "m"}, {"le", bound}});
    };
    EXPECT_EQ(bucket("0.001"), "1");
    EXPECT_EQ(bucket("0.0025"), "3");
    EXPECT_EQ(bucket("0.025"), "3");
    EXPECT_EQ(bucket("0.05"), "4");
    EXPECT_EQ(bucket("500"), "4");
    EXPECT_EQ(bucket("+Inf"), "5");
    EXPECT_EQ(value_of(families, "sluicegate_request_duration_seconds_count", {{"model", "m"}}),
              "5");
    EXPECT_EQ(value_of(families, "sluicegate_request_duration_seconds_sum", {{"model", "m"}}),
              "3600.045");
}

/// The other tests rely on the parser, so it must refuse what the format forbids.
TEST(ExpositionParser, RefusesWhatTheFormatDoesNotAllow) {
    const std::string head = "# HELP a_total Text.\n# TYPE a_total counter\n";
    const std::string histogram = "# HELP h Text.\n# TYPE h histogram\n";
    struct Row {
        const char* name;
        std::string text;
    };
    const Row rows[] = {
        {"no newline at the end", head + "a_total 1"},
        {"sample without a family", "a_total 1\n"},
        {"sample of another family", head + "b_total 1\n"},
        {"sample twice", head + "a_total{x=\"1\"} 1\na_total{x=\"1\"} 2\n"},
        {"family twice", head + head},
        {"no value", head + "a_total \n"},
        {"not a number", head + "a_total one\n"},
        {"unknown escape", head + "a_total{x=\"\\t\"} 1\n"},
        {"quote that is not escaped", head + "a_total{x=\"a\"b\"} 1\n"},
        {"no quotes", head + "a_total{x=1} 1\n"},
        {"bad label name", head + "a_total{1x=\"1\"} 1\n"},
        {"unknown type", "# HELP a Text.\n# TYPE a number\n"},
        {"empty line", head + "\n"},
        {"histogram without +Inf", histogram + "h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n"},
        {"histogram whose buckets fall",
         histogram + "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"},
        {"histogram whose count differs",
         histogram + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n"},
        {"histogram without a sum", histogram + "h_bucket{le=\"+Inf\"} 1\nh_count 1\n"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_THROW(static_cast<void>(parse_exposition(row.text)), std::runtime_error);
    }
    EXPECT_EQ(parse_exposition(head + "a_total{x=\"1\",y=\"\\\\\"} 1.5\n").at(0).samples.size(),
              1U);
}

}  // namespace
}  // namespace sluicegate::metrics
