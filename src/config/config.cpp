#include "sluicegate/config/config.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace sluicegate::config {
namespace {

const Limits* find_entry(const LimitsByModel& limits, const std::string& name) {
    const auto entry = limits.find(name);
    return entry == limits.end() ? nullptr : &entry->second;
}

template <class T>
void take_first(std::optional<Resolved<T>>& into, const std::optional<T>& field, LimitOrigin origin,
                SourceLocation location) {
    if (!into && field) into = Resolved<T>{.value = *field, .origin = origin, .location = location};
}

}  // namespace

const Group* find_group(const Config& config, std::string_view name) noexcept {
    const auto found = std::ranges::find_if(
        config.groups, [name](const Group& group) { return group.name == name; });
    return found == config.groups.end() ? nullptr : &*found;
}

Limits resolve_limits(const Config& config, const User& user, const Model& model) {
    return resolve_limits(find_group(config, user.group), user, model);
}

Limits resolve_limits(const Group* group, const User& user, const Model& model) {
    const ResolvedLimits resolved = resolve_limits_with_origins(group, user, model);
    Limits limits;
    for (const LimitName name : limit_names) {
        if (const auto& field = resolved.of(name)) value_of(limits, name) = field->value;
    }
    if (resolved.dry_run) limits.dry_run = resolved.dry_run->value;
    return limits;
}

ResolvedLimits resolve_limits_with_origins(const Group* group, const User& user,
                                           const Model& model) {
    static const std::string any_model = "*";
    struct Entry {
        LimitOrigin origin;
        const Limits* limits;
    };
    const std::array<Entry, 5> entries{{
        {LimitOrigin::user_model, find_entry(user.limits, model.name)},
        {LimitOrigin::user_any, find_entry(user.limits, any_model)},
        {LimitOrigin::group_model,
         group == nullptr ? nullptr : find_entry(group->limits, model.name)},
        {LimitOrigin::group_any, group == nullptr ? nullptr : find_entry(group->limits, any_model)},
        {LimitOrigin::model, &model.limits},
    }};
    ResolvedLimits resolved;
    for (const Entry& entry : entries) {
        if (entry.limits == nullptr) continue;
        for (const LimitName name : limit_names) {
            auto& field = resolved.values[static_cast<std::size_t>(name)];
            take_first(field, value_of(*entry.limits, name), entry.origin, entry.limits->location);
        }
        take_first(resolved.dry_run, entry.limits->dry_run, entry.origin, entry.limits->location);
    }
    return resolved;
}

std::string origin_text(LimitOrigin origin, const User& user, const Model& model) {
    switch (origin) {
        case LimitOrigin::user_model: return "user " + user.name + ", " + model.name;
        case LimitOrigin::user_any: return "user " + user.name + ", \"*\"";
        case LimitOrigin::group_model: return "group " + user.group + ", " + model.name;
        case LimitOrigin::group_any: return "group " + user.group + ", \"*\"";
        case LimitOrigin::model: break;
    }
    return "model " + model.name;
}

}  // namespace sluicegate::config
