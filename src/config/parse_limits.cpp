#include "config/sections.hpp"

#include <algorithm>
#include <array>

namespace sluicegate::config {
namespace {

constexpr Range<std::int64_t> count_range{0, 1'000'000'000};
constexpr Range<std::int64_t> concurrency_range{0, 65'535};

void add_dry_run_name(Context& context, const Value& at, LimitNames& into) {
    const auto text = read_text(context, at);
    if (!text) return;
    const auto name = limit_named(text->text);
    if (!name) {
        std::array<std::string_view, limit_names.size()> known{};
        std::ranges::transform(limit_names, known.begin(), name_of);
        add_problem(context, at, "no such limit" + got(*text) + did_you_mean(text->text, known));
        return;
    }
    if (into.contains(*name)) add_problem(context, at, "comes twice" + got(*text));
    into.insert(*name);
}

/// `true`, `false`, or the limits that only report.
std::optional<LimitNames> parse_dry_run(Context& context, const Value& at) {
    LimitNames names;
    if (at.node->kind == Node::Kind::list) {
        for_each_element(context, at, limit_names.size(), "one limit",
                         [&](const Value& element) { add_dry_run_name(context, element, names); });
        return names;
    }
    if (at.node->kind == Node::Kind::map) {
        add_problem(context, at, "must be true, false or a list of limits" + got_kind(*at.node));
        return std::nullopt;
    }
    const auto text = read_text(context, at);
    if (!text) return std::nullopt;
    if (limit_named(text->text)) {
        add_problem(context, at, "must be true, false or a list: [" + text->text + "]");
        return std::nullopt;
    }
    const auto reports_only = read_bool(context, at);
    if (!reports_only) return std::nullopt;
    return *reports_only ? LimitNames::all() : LimitNames();
}

}  // namespace

Limits parse_limits(Context& context, const Value& at, Section section) {
    const MapReader map(context, at, section);
    Limits limits;
    for (const LimitName name : limit_names) {
        const bool is_concurrency = name == LimitName::concurrency;
        map.count(name_of(name), is_concurrency ? concurrency_range : count_range,
                  value_of(limits, name));
    }
    if (const auto dry_run = map.find("dry_run")) limits.dry_run = parse_dry_run(context, *dry_run);
    limits.location = SourceLocation{.file = at.node->file, .line = at.node->line};
    return limits;
}

LimitsByModel parse_limits_by_model(Context& context, const Value& at, Section section,
                                    const Models& models) {
    LimitsByModel limits;
    for (const NamedEntry& entry : named_entries(context, at)) {
        if (entry.name != "*") {
            const Text name{.text = entry.name};
            check_model_name(context, *entry.key, entry.value.path, name, models);
        }
        limits.emplace(entry.name, parse_limits(context, entry.value, section));
    }
    return limits;
}

void check_model_name(Context& context, const Node& at, const std::string& path, const Text& name,
                      const Models& models) {
    if (models.names.contains(name.text)) return;
    const std::vector<std::string_view> known(models.names.begin(), models.names.end());
    context.problems.add(at, path, "no such model" + got(name) + did_you_mean(name.text, known));
}

}  // namespace sluicegate::config
