#include "config/units.hpp"
#include "config/upstream_parts.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace sluicegate::config {
namespace {

using namespace std::chrono_literals;

constexpr Range<std::int64_t> in_flight_range{1, 1'000'000};
constexpr Range<std::int64_t> waiting_range{1, 100'000};
constexpr Range<Milliseconds> waiting_time_range{1ms, 10min};
constexpr Range<std::int64_t> prefix_range{64, 64 << 10};

void parse_queue(Context& context, const Value& at, QueueSettings& queue) {
    const MapReader map(context, at, Section::upstream_queue);
    map.count("max_waiting", waiting_range, queue.waiting_max);
    map.duration("timeout", waiting_time_range, queue.timeout);
}

std::optional<OnFull> parse_on_full(Context& context, const Value& at) {
    static constexpr std::array<std::string_view, 2> words{"spill", "queue"};
    const auto word = read_word(context, at, words);
    if (!word) return std::nullopt;
    return *word == 0 ? OnFull::spill : OnFull::queue;
}

/// 0 for `off`; both may be written.
void parse_prefix_affinity(Context& context, const Value& at, std::size_t& into) {
    const auto text = read_text(context, at);
    if (!text) return;
    const auto bytes = says_off(*text) ? std::int64_t{0} : parse_size(text->text);
    if (!bytes) {
        add_problem(context, at, "must be off or a size with a unit, such as 1KiB" + got(*text));
        return;
    }
    if (*bytes != 0 && (*bytes < prefix_range.smallest || *bytes > prefix_range.largest)) {
        add_problem(context, at,
                    "must be off or " + size_text(prefix_range.smallest) + " … " +
                        size_text(prefix_range.largest) + got(*text));
        return;
    }
    into = static_cast<std::size_t>(*bytes);
}

}  // namespace

void parse_capacity(Context& context, const MapReader& map, Upstream& upstream) {
    std::optional<std::int64_t> in_flight;
    map.count("max_in_flight", in_flight_range, in_flight);
    if (in_flight) upstream.in_flight_max = static_cast<std::uint32_t>(*in_flight);
    if (const auto affinity = map.find("prefix_affinity")) {
        parse_prefix_affinity(context, *affinity, upstream.prefix_affinity);
    }
    const auto on_full = map.find("on_full");
    const auto queue = map.find("queue");
    if (on_full) {
        const auto choice = parse_on_full(context, *on_full);
        upstream.on_full = choice.value_or(OnFull::spill);
    }
    if (queue) parse_queue(context, *queue, upstream.queue);
    if (!map.has("max_in_flight")) {
        constexpr std::string_view message = "has no meaning without max_in_flight";
        if (on_full) add_problem(context, *on_full, std::string(message));
        if (queue) add_problem(context, *queue, std::string(message));
    }
}

}  // namespace sluicegate::config
