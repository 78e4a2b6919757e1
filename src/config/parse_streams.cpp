#include "config/sections.hpp"
#include "config/units.hpp"

#include <chrono>

namespace sluicegate::config {
namespace {

using namespace std::chrono_literals;

constexpr Range<Milliseconds> keep_alive_range{1s, 5min};
constexpr Range<Milliseconds> commit_after_range{1s, 1h};
constexpr Range<std::int64_t> buffer_range{16 << 10, 1 << 20};
constexpr Range<Milliseconds> end_grace_range{0ms, 60s};

/// A duration, or `off`, which is the same as 0.
void parse_duration_or_off(Context& context, const Value& at, const Range<Milliseconds>& range,
                           Milliseconds& into) {
    const auto text = read_text(context, at);
    if (!text) return;
    const auto value = says_off(*text) ? Milliseconds(0) : parse_duration(text->text);
    if (!value) {
        add_problem(context, at, "must be off or a duration with a unit, such as 15s" + got(*text));
        return;
    }
    if (*value != Milliseconds(0) && (*value < range.smallest || *value > range.largest)) {
        add_problem(context, at,
                    "must be off or " + duration_text(range.smallest) + " … " +
                        duration_text(range.largest) + got(*text));
        return;
    }
    into = *value;
}

}  // namespace

Streams parse_streams(Context& context, const Value& at) {
    const MapReader map(context, at, Section::streams);
    Streams streams;
    if (const auto keep_alive = map.find("keep_alive")) {
        parse_duration_or_off(context, *keep_alive, keep_alive_range, streams.keep_alive);
    }
    if (const auto commit_after = map.find("commit_after")) {
        parse_duration_or_off(context, *commit_after, commit_after_range, streams.commit_after);
    }
    map.size("buffer", buffer_range, streams.buffer);
    map.duration("end_grace", end_grace_range, streams.end_grace);
    map.boolean("add_done", streams.adds_done);
    return streams;
}

}  // namespace sluicegate::config
