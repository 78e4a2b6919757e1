#include "config/sections.hpp"

#include <utility>

namespace sluicegate::config {
namespace {

constexpr std::size_t users_max = 100'000;

using GroupNames = std::vector<std::string_view>;

void parse_group_name(Context& context, const Value& at, const GroupNames& groups,
                      std::string& into) {
    const auto text = read_text(context, at);
    if (!text) return;
    for (const std::string_view group : groups) {
        if (group != text->text) continue;
        into = text->text;
        return;
    }
    add_problem(context, at, "no such group" + got(*text) + did_you_mean(text->text, groups));
}

}  // namespace

std::vector<User> parse_users(Context& context, const std::vector<NamedEntry>& entries,
                              const std::vector<Group>& groups, const Models& models,
                              KeyPlaces& places) {
    std::vector<User> users;
    if (entries.size() > users_max) {
        context.problems.add(*entries[users_max].key, "users",
                             "may have at most " + std::to_string(users_max) + " entries");
        return users;
    }
    GroupNames group_names;
    for (const Group& group : groups) group_names.push_back(group.name);
    users.reserve(entries.size());
    places.reserve(places.size() + 2 * entries.size());
    for (const NamedEntry& entry : entries) {
        const MapReader map(context, entry.value, Section::user);
        User user;
        user.name = entry.name;
        if (const auto group = map.find("group")) {
            parse_group_name(context, *group, group_names, user.group);
        }
        if (const auto limits = map.find("limits")) {
            user.limits = parse_limits_by_model(context, *limits, Section::user_limits, models);
        }
        if (const auto keys = map.find("keys")) {
            user.keys = parse_api_keys(context, *keys, models, places);
        }
        map.boolean("disabled", user.is_disabled);
        users.push_back(std::move(user));
    }
    return users;
}

}  // namespace sluicegate::config
