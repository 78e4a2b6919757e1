#include "config/sections.hpp"

namespace sluicegate::config {
namespace {

constexpr Range<std::int64_t> budget_range{0, 100};
constexpr Range<std::int64_t> minimum_range{0, 100'000};
constexpr Range<std::int64_t> attempts_range{1, 20};

}  // namespace

Retries parse_retries(Context& context, const Value& at) {
    const MapReader map(context, at, Section::retries);
    Retries retries;
    map.percent("budget", budget_range, retries.budget_percent);
    map.count("minimum", minimum_range, retries.minimum);
    map.count("max_attempts", attempts_range, retries.attempts_max);
    map.boolean("repeat_started", retries.repeats_started);
    map.boolean("repeat_timeouts", retries.repeats_timeouts);
    return retries;
}

}  // namespace sluicegate::config
