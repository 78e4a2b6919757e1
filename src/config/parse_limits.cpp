#include "config/sections.hpp"

namespace sluicegate::config {
namespace {

constexpr Range<std::int64_t> rpm_range{0, 1'000'000'000};

}  // namespace

Limits parse_limits(Context& context, const Value& at, Section section) {
    const MapReader map(context, at, section);
    Limits limits;
    map.count("rpm", rpm_range, limits.rpm);
    return limits;
}

LimitsByModel parse_limits_by_model(Context& context, const Value& at, Section section,
                                    const Models& models) {
    LimitsByModel limits;
    for (const NamedEntry& entry : named_entries(context, at)) {
        if (entry.name != "*") {
            const Text name{.text = entry.name, .is_from_environment = false, .is_quoted = false};
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
