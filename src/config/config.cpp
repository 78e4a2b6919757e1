#include "sluicegate/config/config.hpp"

#include <algorithm>
#include <array>

namespace sluicegate::config {
namespace {

const Limits* find_entry(const LimitsByModel& limits, const std::string& name) {
    const auto entry = limits.find(name);
    return entry == limits.end() ? nullptr : &entry->second;
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
    static const std::string any_model = "*";
    const std::array<const Limits*, 5> entries{
        find_entry(user.limits, model.name),
        find_entry(user.limits, any_model),
        group == nullptr ? nullptr : find_entry(group->limits, model.name),
        group == nullptr ? nullptr : find_entry(group->limits, any_model),
        &model.limits,
    };
    Limits resolved;
    for (const Limits* entry : entries) {
        if (entry != nullptr && !resolved.rpm) resolved.rpm = entry->rpm;
    }
    return resolved;
}

}  // namespace sluicegate::config
