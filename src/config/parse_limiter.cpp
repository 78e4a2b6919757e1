#include "config/sections.hpp"

#include <array>
#include <chrono>
#include <string_view>

namespace sluicegate::config {
namespace {

using namespace std::chrono_literals;

constexpr Range<Milliseconds> window_range{100ms, 60s};
constexpr Range<std::int64_t> slots_range{1024, 12'000'000};

}  // namespace

LimiterSettings parse_limiter(Context& context, const Value& at) {
    const MapReader map(context, at, Section::limiter);
    LimiterSettings limiter;
    map.duration("window", window_range, limiter.window);
    map.count("slots", slots_range, limiter.slots);
    map.output_path("state_file", limiter.state_file);
    map.boolean("ietf_fields", limiter.ietf_fields);
    if (const auto code = map.find("rejection_code")) {
        static constexpr std::array<std::string_view, 2> words{"429", "rate_limit_exceeded"};
        if (const auto word = read_word(context, *code, words)) {
            limiter.rejection_code = *word == 0 ? RejectionCode::number : RejectionCode::text;
        }
    }
    return limiter;
}

}  // namespace sluicegate::config
