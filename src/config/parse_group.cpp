#include "config/sections.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::config {
namespace {

constexpr std::size_t groups_max = 1000;

}  // namespace

std::vector<Group> parse_groups(Context& context, const std::vector<NamedEntry>& entries,
                                const Models& models) {
    std::vector<Group> groups;
    if (entries.size() > groups_max) {
        context.problems.add(*entries[groups_max].key, "groups",
                             "may have at most " + std::to_string(groups_max) + " entries");
        return groups;
    }
    for (const NamedEntry& entry : entries) {
        const MapReader map(context, entry.value, Section::group);
        Group group;
        group.name = entry.name;
        if (const auto limits = map.find("limits")) {
            group.limits = parse_limits_by_model(context, *limits, Section::group_limits, models);
        }
        groups.push_back(std::move(group));
    }
    const bool has_default =
        std::ranges::any_of(groups, [](const Group& group) { return group.name == "default"; });
    if (!has_default) groups.push_back(Group{.name = "default", .limits = {}});
    return groups;
}

}  // namespace sluicegate::config
