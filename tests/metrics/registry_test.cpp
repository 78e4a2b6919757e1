#include "sluicegate/metrics/registry.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sluicegate::metrics {
namespace {

using namespace std::chrono_literals;

std::int64_t only_value(const Registry& registry, Metric metric) {
    const auto samples = registry.collect(metric);
    EXPECT_EQ(samples.size(), 1U);
    return samples.empty() ? -1 : samples.front().values.front();
}

TEST(Registry, AddsUpWhatAllThreadsCounted) {
    constexpr int threads = 4;
    constexpr int each = 10'000;
    Registry registry;
    std::vector<std::thread> writers;
    std::atomic<bool> is_done{false};
    std::thread reader([&] {
        std::int64_t last = 0;
        while (!is_done) {
            for (const auto& sample : registry.collect(Metric::config_reloads_total)) {
                EXPECT_GE(sample.values.front(), last) << "a counter never falls";
                last = sample.values.front();
            }
        }
    });
    for (int i = 0; i < threads; ++i) {
        writers.emplace_back([&] {
            Counter counter = registry.counter(Metric::config_reloads_total, {"success"});
            Histogram histogram =
                registry.histogram(Metric::upstream_request_duration_seconds, {"gpu"});
            for (int n = 0; n < each; ++n) {
                counter.add();
                histogram.observe(3ms);
            }
        });
    }
    for (auto& writer : writers) writer.join();
    is_done = true;
    reader.join();
    EXPECT_EQ(only_value(registry, Metric::config_reloads_total), threads * each);
    const auto durations = registry.collect(Metric::upstream_request_duration_seconds);
    ASSERT_EQ(durations.size(), 1U);
    EXPECT_EQ(durations[0].values[2], threads * each) << "the bucket up to 5 ms";
    EXPECT_EQ(durations[0].values.back(), std::int64_t{threads} * each * 3'000'000);
}

TEST(Registry, AGaugeMayFallOnAnotherThreadThanItRoseOn) {
    Registry registry;
    Gauge in_flight = registry.gauge(Metric::requests_in_flight);
    in_flight.add(3);
    std::thread([&] { in_flight.subtract(2); }).join();
    EXPECT_EQ(only_value(registry, Metric::requests_in_flight), 1);
}

TEST(Registry, TheSameLabelsAreTheSameSeries) {
    Registry registry;
    registry.counter(Metric::limiter_decisions_total, {"gpt-4o", "admitted"}).add();
    registry.counter(Metric::limiter_decisions_total, {"gpt-4o", "admitted"}).add(2);
    registry.counter(Metric::limiter_decisions_total, {"gpt-4o", "rejected"}).add(5);
    const auto samples = registry.collect(Metric::limiter_decisions_total);
    ASSERT_EQ(samples.size(), 2U);
    EXPECT_EQ(samples[0].labels, (std::vector<std::string>{"gpt-4o", "admitted"}));
    EXPECT_EQ(samples[0].values.front(), 3);
    EXPECT_EQ(samples[1].values.front(), 5);
}

TEST(Registry, RegistriesDoNotShareCells) {
    Registry one;
    auto two = std::make_unique<Registry>();
    Counter of_one = one.counter(Metric::config_reloads_total, {"success"});
    Counter of_two = two->counter(Metric::config_reloads_total, {"success"});
    for (int i = 0; i < 10; ++i) {
        of_one.add();
        of_two.add(100);
    }
    EXPECT_EQ(only_value(one, Metric::config_reloads_total), 10);
    EXPECT_EQ(only_value(*two, Metric::config_reloads_total), 1000);
    two = std::make_unique<Registry>();  // often at the address of the one before
    two->counter(Metric::config_reloads_total, {"success"}).add();
    EXPECT_EQ(only_value(*two, Metric::config_reloads_total), 1);
    of_one.add();
    EXPECT_EQ(only_value(one, Metric::config_reloads_total), 11);
}

TEST(Registry, PutsADurationIntoTheFirstBucketThatHoldsIt) {
    const auto bounds = bucket_bounds();
    struct Row {
        const char* name;
        std::chrono::nanoseconds duration;
        std::size_t bucket;
        std::int64_t sum;
    };
    const Row rows[] = {
        {"zero", 0ns, 0, 0},
        {"negative counts as zero", -5s, 0, 0},
        {"a bound is inside its bucket", 1ms, 0, 1'000'000},
        {"just beyond a bound", 1ms + 1ns, 1, 1'000'001},
        {"the last bound", 500s, bounds.size() - 1, 500'000'000'000},
        {"beyond every bound", 501s, bounds.size(), 501'000'000'000},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        Registry registry;
        registry.histogram(Metric::request_duration_seconds, {"m"}).observe(row.duration);
        std::vector<std::int64_t> expected(bounds.size() + 2);
        expected[row.bucket] = 1;
        expected.back() = row.sum;
        EXPECT_EQ(registry.collect(Metric::request_duration_seconds).at(0).values, expected);
    }
}

TEST(Registry, SetOnlyLeavesOneSeriesHoweverOftenItIsCalled) {
    Registry registry;
    for (std::size_t i = 0; i < Registry::series_cells_max + 10; ++i) {
        registry.set_only(Metric::config_info, 1, {std::to_string(i)});
    }
    const auto samples = registry.collect(Metric::config_info);
    ASSERT_EQ(samples.size(), 1U);
    EXPECT_EQ(samples[0].labels[0], std::to_string(Registry::series_cells_max + 9));
    EXPECT_EQ(only_value(registry, Metric::metrics_series_refused_total), 0);
}

TEST(Registry, SetAllRemovesTheSeriesThatItDoesNotName) {
    Registry registry;
    registry.set_all(Metric::upstream_endpoint_up,
                     {{{"gpu", "http://a"}, {1}}, {{"gpu", "http://b"}, {0}}});
    registry.set_all(Metric::upstream_endpoint_in_flight, {{{"gpu", "http://a"}, {7}}});
    registry.set_all(Metric::upstream_endpoint_up,
                     {{{"gpu", "http://c"}, {1}}, {{"gpu", "http://b"}, {1}}});
    const auto samples = registry.collect(Metric::upstream_endpoint_up);
    ASSERT_EQ(samples.size(), 2U);
    EXPECT_EQ(samples[0].labels[1], "http://b");
    EXPECT_EQ(samples[0].values.front(), 1);
    EXPECT_EQ(samples[1].labels[1], "http://c");
    EXPECT_EQ(only_value(registry, Metric::upstream_endpoint_in_flight), 7)
        << "other metrics stay as they are";
    registry.set_all(Metric::upstream_endpoint_up, {});
    EXPECT_TRUE(registry.collect(Metric::upstream_endpoint_up).empty());
}

TEST(Registry, RefusesSeriesBeyondItsBoundAndSaysSo) {
    Registry registry;
    std::size_t made = 0;
    while (only_value(registry, Metric::metrics_series_refused_total) == 0) {
        for (int i = 0; i < 1000; ++i) {
            registry.counter(Metric::upstream_errors_total, {std::to_string(made++), "x"}).add();
        }
    }
    const auto kept = registry.collect(Metric::upstream_errors_total);
    EXPECT_LT(kept.size(), made);
    EXPECT_LT(kept.size(), Registry::series_cells_max);
    EXPECT_GT(kept.size(), Registry::series_cells_max - detail::cells_per_chunk);
    EXPECT_TRUE(std::all_of(kept.begin(), kept.end(), [](const Registry::Sample& sample) {
        return sample.values.front() == 1;
    })) << "refused handles write nowhere that is shown";

    registry.histogram(Metric::request_duration_seconds, {"refused"}).observe(1s);
    EXPECT_TRUE(registry.collect(Metric::request_duration_seconds).empty());
    registry.counter(Metric::upstream_errors_total, {"0", "x"}).add();
    EXPECT_EQ(registry.collect(Metric::upstream_errors_total).at(0).values.front(), 2)
        << "known series go on";
    static_cast<void>(registry.gauge(Metric::requests_in_flight));
    EXPECT_EQ(registry.collect(Metric::requests_in_flight).size(), 1U) << "still shown, at 0";
}

}  // namespace
}  // namespace sluicegate::metrics
