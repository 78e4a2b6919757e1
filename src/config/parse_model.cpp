#include "config/sections.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sluicegate::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t models_max = 10'000;
constexpr std::size_t route_entries_max = 64;
constexpr std::size_t upstream_model_bytes_max = 256;
constexpr Range<std::int64_t> weight_range{0, 1'000'000};
constexpr Range<Milliseconds> timeout_range{1ms, 24h};

/// What the upstream calls the model: its own words, so only what JSON text can always carry.
std::string parse_upstream_model(Context& context, const Value& at) {
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
    return text->text;
}

/// A route as written, before the entries that are off leave it.
struct Route {
    std::vector<RouteEntry> entries;
    std::vector<std::string> unset_variables;  ///< one for each entry that left
};

/// The index of the upstream that the entry names, or nothing; says why.
std::optional<std::size_t> find_upstream(Context& context, const Value& at,
                                         const Upstreams& upstreams, Route& route) {
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
    if (!found->second) route.unset_variables.push_back(upstreams.off_because_of.at(text->text));
    return found->second;
}

Route parse_route(Context& context, const Value& at, const Upstreams& upstreams) {
    Route route;
    bool has_weight = false;
    for_each_element(context, at, route_entries_max, "one upstream", [&](const Value& element) {
        const MapReader map(context, element, Section::route_entry);
        RouteEntry entry;
        map.count("weight", weight_range, entry.weight);
        has_weight = has_weight || entry.weight > 0;
        if (const auto model = map.find("model")) {
            entry.model = parse_upstream_model(context, *model);
        }
        const auto upstream = map.require("upstream");
        if (!upstream) return;
        const auto index = find_upstream(context, *upstream, upstreams, route);
        if (!index) return;
        entry.upstream = *index;
        route.entries.push_back(std::move(entry));
    });
    if (!has_weight && at.node->kind == Node::Kind::list && !at.node->items.empty()) {
        add_problem(context, at, "needs an upstream with a weight above 0");
    }
    return route;
}

ModelTimeouts parse_timeouts(Context& context, const Value& at) {
    const MapReader map(context, at, Section::model_timeouts);
    ModelTimeouts timeouts;
    map.duration("first_byte", timeout_range, timeouts.first_byte);
    map.duration("between_bytes", timeout_range, timeouts.between_bytes);
    map.duration("total", timeout_range, timeouts.total);
    return timeouts;
}

std::string join_variables(std::vector<std::string> names) {
    std::ranges::sort(names);
    const auto repeated = std::ranges::unique(names);
    names.erase(repeated.begin(), repeated.end());
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text + (names.size() == 1 ? " is not set" : " are not set");
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
    const auto route_value = map.require("route");
    if (!route_value) return;
    Route route = parse_route(context, *route_value, upstreams);
    // What is left may all have weight 0 (a standby): it then shares the traffic evenly.
    const bool has_weight =
        std::ranges::any_of(route.entries, [](const RouteEntry& e) { return e.weight > 0; });
    if (!has_weight) {
        for (RouteEntry& e : route.entries) e.weight = 1;
    }
    if (route.entries.empty()) {
        if (!route.unset_variables.empty()) {
            models.notes.push_back("model " + entry.name +
                                   " is off: " + join_variables(route.unset_variables));
        }
        return;
    }
    model.route = std::move(route.entries);
    models.list.push_back(std::move(model));
}

}  // namespace

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
        parse_model(context, entry, upstreams, models);
    }
    return models;
}

}  // namespace sluicegate::config
