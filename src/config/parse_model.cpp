#include "config/sections.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <utility>

namespace sluicegate::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t models_max = 10'000;
constexpr std::size_t route_entries_max = 64;
constexpr std::size_t upstream_model_bytes_max = 256;
constexpr Range<std::int64_t> weight_range{0, 1'000'000};
constexpr Range<Milliseconds> model_timeout_range{1ms, 24h};

/// A server would take such a name for a step in a path, encoded or not (WHATWG URL, 4.3).
bool is_dot_segment(std::string_view name) noexcept {
    return name == "." || name == "..";
}

/// The entries of a route or a fallback that are on.
struct Entries {
    std::vector<RouteEntry> list;
    std::vector<std::string> unset_variables;  ///< one for each entry that is off
};

/// The index of the upstream that the entry names. Nothing if there is none, which is reported.
std::optional<std::size_t> find_upstream(Context& context, const Value& at,
                                         const Upstreams& upstreams, Entries& entries) {
    const auto text = read_text(context, at);
    if (!text) return std::nullopt;
    const auto found = upstreams.index_by_name.find(text->text);
    if (found == upstreams.index_by_name.end()) {
        std::vector<std::string_view> known;
        known.reserve(upstreams.index_by_name.size());
        for (const auto& [name, index] : upstreams.index_by_name) known.push_back(name);
        add_problem(context, at, "no such upstream" + got(*text) + did_you_mean(text->text, known));
        return std::nullopt;
    }
    if (!found->second) entries.unset_variables.push_back(upstreams.off_because_of.at(text->text));
    return found->second;
}

/// The keys that routes and fallbacks share. Nothing if the entry is wrong or off.
std::optional<RouteEntry> parse_entry(Context& context, const MapReader& map,
                                      const Upstreams& upstreams, Entries& entries) {
    RouteEntry entry;
    if (const auto model = map.find("model")) entry.model = parse_upstream_model(context, *model);
    const auto upstream = map.require("upstream");
    if (!upstream) return std::nullopt;
    const auto index = find_upstream(context, *upstream, upstreams, entries);
    if (!index) return std::nullopt;
    entry.upstream = *index;
    return entry;
}

/// True if the list has an entry with the same upstream and model as `entry`.
bool holds(const std::vector<RouteEntry>& list, const RouteEntry& entry, const std::string& model) {
    const auto name_at = [&](const RouteEntry& one) -> const std::string& {
        return one.model.empty() ? model : one.model;
    };
    return std::ranges::any_of(list, [&](const RouteEntry& other) {
        return other.upstream == entry.upstream && name_at(other) == name_at(entry);
    });
}

Entries parse_route(Context& context, const Value& at, const Upstreams& upstreams,
                    const std::string& model) {
    Entries route;
    bool has_weight = false;
    for_each_element(context, at, route_entries_max, "one upstream", [&](const Value& element) {
        const MapReader map(context, element, Section::route_entry);
        std::uint32_t weight = RouteEntry().weight;
        map.count("weight", weight_range, weight);
        has_weight = has_weight || weight > 0;
        auto entry = parse_entry(context, map, upstreams, route);
        if (!entry) return;
        if (holds(route.list, *entry, model)) {
            add_problem(context, element, "names an upstream and model that are listed already");
        }
        entry->weight = weight;
        route.list.push_back(*std::move(entry));
    });
    if (!has_weight && at.node->kind == Node::Kind::list && !at.node->items.empty()) {
        add_problem(context, at, "needs an upstream with a weight above 0");
    }
    return route;
}

Entries parse_fallback(Context& context, const Value& at, const Upstreams& upstreams,
                       const std::string& model) {
    Entries fallback;
    for_each_element(context, at, route_entries_max, "one upstream", [&](const Value& element) {
        const MapReader map(context, element, Section::fallback_entry);
        auto entry = parse_entry(context, map, upstreams, fallback);
        if (!entry) return;
        if (holds(fallback.list, *entry, model)) {
            add_problem(context, element, "names an upstream and model that are listed already");
        }
        fallback.list.push_back(*std::move(entry));
    });
    return fallback;
}

ModelTimeouts parse_timeouts(Context& context, const Value& at) {
    const MapReader map(context, at, Section::model_timeouts);
    ModelTimeouts timeouts;
    map.duration("first_byte", model_timeout_range, timeouts.first_byte);
    map.duration("between_bytes", model_timeout_range, timeouts.between_bytes);
    map.duration("total", model_timeout_range, timeouts.total);
    return timeouts;
}

bool parse_sticky(Context& context, const Value& at) {
    const auto text = read_text(context, at);
    if (!text || says_off(*text)) return false;
    if (text->text != "user") add_problem(context, at, "must be user or off" + got(*text));
    return true;
}

std::string join_variables(std::vector<std::string> names) {
    std::ranges::sort(names);
    const auto repeated = std::ranges::unique(names);
    names.erase(repeated.begin(), repeated.end());
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text + (names.size() == 1 ? " is not set" : " are not set");
}

/// If all remaining entries of a route have weight 0 (standbys), they share the traffic evenly.
void share_evenly_without_weights(std::vector<RouteEntry>& route) {
    const bool has_weight =
        std::ranges::any_of(route, [](const RouteEntry& entry) { return entry.weight > 0; });
    if (has_weight) return;
    for (RouteEntry& entry : route) entry.weight = 1;
}

/// Gives the model the entries that are on. False if there are none: the model is off.
bool put_on(Entries route, Entries fallback, Model& model, std::vector<std::string>& notes) {
    if (route.list.empty() && fallback.list.empty()) {
        std::ranges::copy(fallback.unset_variables, std::back_inserter(route.unset_variables));
        if (!route.unset_variables.empty()) {
            notes.push_back("model " + model.name +
                            " is off: " + join_variables(route.unset_variables));
        }
        return false;
    }
    if (route.list.empty()) {
        notes.push_back("model " + model.name +
                        " has only its fallback: " + join_variables(route.unset_variables));
        route.list.push_back(std::move(fallback.list.front()));
        fallback.list.erase(fallback.list.begin());
    }
    share_evenly_without_weights(route.list);
    // An entry of the route need not be tried again as a fallback.
    std::erase_if(fallback.list,
                  [&](const RouteEntry& entry) { return holds(route.list, entry, model.name); });
    model.route = std::move(route.list);
    model.fallback = std::move(fallback.list);
    return true;
}

FallbackOn parse_fallback_on(Context& context, const Value& at) {
    static constexpr std::array<std::string_view, 2> words{"context_length",
                                                           "unsupported_parameter"};
    FallbackOn reasons;
    for_each_element(context, at, words.size(), "one reason", [&](const Value& element) {
        const auto word = read_word(context, element, words);
        if (!word) return;
        bool& is_listed = *word == 0 ? reasons.context_length : reasons.unsupported_parameter;
        if (is_listed) add_problem(context, element, "is listed already");
        is_listed = true;
    });
    return reasons;
}

void parse_model(Context& context, const NamedEntry& entry, const Upstreams& upstreams,
                 Models& models) {
    const MapReader map(context, entry.value, Section::model);
    Model model;
    model.name = entry.name;
    if (const auto limits = map.find("limits")) {
        model.limits = parse_limits(context, *limits, Section::model_limits);
    }
    if (const auto timeouts = map.find("timeouts")) {
        model.timeouts = parse_timeouts(context, *timeouts);
    }
    if (const auto body = map.find("body")) {
        model.body = parse_body(context, *body, Section::model_body);
    }
    if (const auto sticky = map.find("sticky")) {
        model.is_sticky = parse_sticky(context, *sticky);
    }
    if (const auto choice = map.find("answer_model")) {
        static constexpr std::array<std::string_view, 2> words{"asked", "upstream"};
        if (const auto word = read_word(context, *choice, words)) {
            model.answer_model = *word == 0 ? AnswerModel::asked : AnswerModel::upstream;
        }
    }
    if (const auto reasons = map.find("fallback_on")) {
        model.fallback_on = parse_fallback_on(context, *reasons);
    }
    if (const auto info = map.find("info")) model.info = parse_model_info(context, *info);
    const auto route_value = map.require("route");
    if (!route_value) return;
    Entries route = parse_route(context, *route_value, upstreams, model.name);
    Entries fallback;
    if (const auto value = map.find("fallback")) {
        fallback = parse_fallback(context, *value, upstreams, model.name);
    }
    if (!put_on(std::move(route), std::move(fallback), model, models.notes)) return;
    models.list.push_back(std::move(model));
}

}  // namespace

std::string parse_upstream_model(Context& context, const Value& at) {
    // The text goes into JSON as it is, so it must be valid there.
    const auto text = read_text(context, at);
    if (!text) return "";
    const bool is_printable =
        std::ranges::all_of(text->text, [](char c) { return c >= ' ' && c < '\x7f'; });
    if (text->text.empty() || text->text.size() > upstream_model_bytes_max || !is_printable) {
        add_problem(context, at,
                    "must be 1 … " + std::to_string(upstream_model_bytes_max) +
                        " printable ASCII characters" + got(*text));
        return "";
    }
    if (is_dot_segment(text->text)) {
        add_problem(context, at, "must not be a dot segment of a path" + got(*text));
        return "";
    }
    return text->text;
}

Models parse_models(Context& context, const std::vector<NamedEntry>& entries,
                    const Upstreams& upstreams) {
    Models models;
    if (entries.size() > models_max) {
        context.problems.add(*entries[models_max].key, "models",
                             "may have at most " + std::to_string(models_max) + " entries");
        return models;
    }
    for (const NamedEntry& entry : entries) {
        models.names.insert(entry.name);
        if (is_dot_segment(entry.name)) {
            context.problems.add(*entry.key, "models",
                                 "a name must not be a dot segment of a path, got " + entry.name);
        }
        parse_model(context, entry, upstreams, models);
    }
    return models;
}

}  // namespace sluicegate::config
