#include "config/base_url.hpp"
#include "config/sections.hpp"
#include "config/upstream_parts.hpp"

#include <chrono>
#include <cstdint>

namespace sluicegate::config {
namespace {

using namespace std::chrono_literals;

constexpr Range<Milliseconds> every_range{100ms, 1h};
constexpr Range<Milliseconds> check_timeout_range{1ms, 5min};
constexpr Range<std::int64_t> in_a_row_range{1, 100};

constexpr Range<Milliseconds> breaker_window_range{100ms, 10min};
constexpr Range<std::int64_t> requests_range{1, 100'000};
constexpr Range<std::int64_t> error_rate_range{1, 100};
constexpr Range<std::int64_t> connect_failures_range{1, 1000};
constexpr Range<Milliseconds> open_range{10ms, 24h};

void parse_path(Context& context, const Value& at, std::string& into) {
    const auto text = read_text(context, at);
    if (!text) return;
    if (is_target(text->text)) {
        into = text->text;
    } else {
        add_problem(context, at, "must be a path of the server, such as /health" + got(*text));
    }
}

HealthCheck parse_check(Context& context, const Value& at) {
    const MapReader map(context, at, Section::upstream_health);
    HealthCheck check;
    const auto path = map.find("path");
    const auto model = map.find("model");
    if (map.is_map() && path.has_value() == model.has_value()) {
        add_problem(context, at, "needs either path or model");
    }
    if (path) parse_path(context, *path, check.path);
    if (model) check.model = parse_upstream_model(context, *model);
    map.duration("every", every_range, check.every);
    map.duration("timeout", check_timeout_range, check.timeout);
    map.count("unhealthy_after", in_a_row_range, check.unhealthy_after);
    map.count("healthy_after", in_a_row_range, check.healthy_after);
    return check;
}

void parse_breaker(Context& context, const Value& at, BreakerSettings& breaker) {
    const MapReader map(context, at, Section::upstream_breaker);
    map.duration("window", breaker_window_range, breaker.window);
    map.count("min_requests", requests_range, breaker.requests_min);
    map.percent("error_rate", error_rate_range, breaker.error_percent);
    map.count("connect_failures", connect_failures_range, breaker.connect_failures);
    map.duration("open_for", open_range, breaker.open_for);
    map.duration("open_max", open_range, breaker.open_max);
    if (breaker.open_for > breaker.open_max) {
        add_problem(context, at, "open_for may not be longer than open_max");
    }
}

}  // namespace

void parse_health(Context& context, const MapReader& map, Upstream& upstream) {
    if (const auto health = map.find("health")) upstream.health = parse_check(context, *health);
    if (const auto breaker = map.find("breaker")) {
        parse_breaker(context, *breaker, upstream.breaker);
    }
}

}  // namespace sluicegate::config
