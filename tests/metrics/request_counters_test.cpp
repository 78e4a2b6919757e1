#include "sluicegate/metrics/request_counters.hpp"

#include "sluicegate/metrics/exposition.hpp"

#include "metrics/exposition_parser.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace sluicegate::metrics {
namespace {

TEST(RequestCounters, KeepModelsStatusesAndOutcomesApart) {
    Registry registry;
    RequestCounters counters(registry);
    RequestCounters other_worker(registry);
    struct Row {
        const char* name;
        RequestCounters::Finished finished;
        int times;
        std::map<std::string, std::string> labels;
    };
    const Row rows[] = {
        {"answered",
         {.model = ModelId{3}, .model_name = "gpt-4o", .status = 200, .error = {}},
         5,
         {{"model", "gpt-4o"}, {"status", "200"}, {"outcome", "ok"}}},
        {"another model",
         {.model = ModelId{0}, .model_name = "echo", .status = 200, .error = {}},
         2,
         {{"model", "echo"}, {"status", "200"}, {"outcome", "ok"}}},
        {"over the limit",
         {.model = ModelId{3},
          .model_name = "gpt-4o",
          .status = 429,
          .error = ErrorKind::rate_limited},
         3,
         {{"model", "gpt-4o"}, {"status", "429"}, {"outcome", "rate_limited"}}},
        {"the first kind is not ok",
         {.model = {}, .model_name = {}, .status = 400, .error = ErrorKind::bad_request},
         1,
         {{"model", "unknown"}, {"status", "400"}, {"outcome", "bad_request"}}},
        {"a model that is not configured is not named",
         {.model = {},
          .model_name = "what a client sent",
          .status = 404,
          .error = ErrorKind::model_not_found},
         1,
         {{"model", "unknown"}, {"status", "404"}, {"outcome", "model_not_found"}}},
    };
    for (const Row& row : rows) {
        for (int i = 0; i < row.times; ++i) counters.count(row.finished);
        other_worker.count(row.finished);
    }
    const auto families = test::parse_exposition(expose(registry));
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(test::value_of(families, "sluicegate_requests_total", row.labels),
                  std::to_string(row.times + 1));
    }
}

}  // namespace
}  // namespace sluicegate::metrics
