#include "sluicegate/config/changes.hpp"

#include "config/node.hpp"
#include "config/problems.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace sluicegate::config {
namespace {

/// Those of restart_only_changes(). Of admin.tls only whether it is there: what its files hold is
/// read again.
constexpr std::string_view restart_paths[] = {
    "server.threads", "server.max_connections", "admin.listen",      "admin.tls",
    "limiter.window", "limiter.slots",          "limiter.state_file"};

bool holds_maps(const Node& list) {
    return std::ranges::any_of(list.items,
                               [](const Node& item) { return item.kind == Node::Kind::map; });
}

std::string text_of_value(const Node& node) {
    switch (node.kind) {
        case Node::Kind::null: return "none";
        case Node::Kind::scalar: return std::string(node.text);
        case Node::Kind::list: break;
        case Node::Kind::map: return "a map";
    }
    std::string text;
    for (const Node& item : node.items) text += (text.empty() ? "" : ", ") + text_of_value(item);
    return text;
}

class Comparison {
public:
    explicit Comparison(EffectiveChanges& changes) : changes_(changes) {}

    void of_maps(const std::string& path, const Node& before, const Node& after) {
        for (std::size_t i = 0; i < before.keys.size(); ++i) {
            const std::string inner = inside(path, before.keys[i].text);
            const auto now = find_member(after, before.keys[i].text);
            now ? of_values(inner, before.items[i], *now->value) : note(inner, "removed");
        }
        for (std::size_t i = 0; i < after.keys.size(); ++i) {
            if (find_member(before, after.keys[i].text)) continue;
            const Node& added = after.items[i];
            const bool is_value = added.kind == Node::Kind::scalar;
            note(inside(path, after.keys[i].text),
                 is_value ? "none -> " + text_of_value(added) : "added");
        }
    }

private:
    static std::string inside(const std::string& path, std::string_view name) {
        return path.empty() ? std::string(name) : path + '.' + std::string(name);
    }
    void note(const std::string& path, const std::string& what) {
        changes_.lines.push_back(path + ' ' + what);
        const bool needs_restart =
            std::ranges::any_of(restart_paths, [&](std::string_view one) { return path == one; });
        if (needs_restart) changes_.refused.push_back(path);
    }
    void of_values(const std::string& path, const Node& before, const Node& after) {
        if (before.kind == Node::Kind::map && after.kind == Node::Kind::map) {
            return of_maps(path, before, after);
        }
        if (holds_maps(before) && holds_maps(after)) return of_lists(path, before, after);
        const std::string was = text_of_value(before);
        const std::string is = text_of_value(after);
        if (was != is) note(path, was + " -> " + is);
    }
    /// Elements with an id are found by it, others by their place.
    static std::string name_of(const Node& list, std::size_t index) {
        const auto id = find_member(list.items[index], "id");
        return id ? std::string(id->value->text) : std::to_string(index);
    }
    static const Node* element(const Node& list, const std::string& name) {
        for (std::size_t i = 0; i < list.items.size(); ++i) {
            if (name_of(list, i) == name) return &list.items[i];
        }
        return nullptr;
    }
    void of_lists(const std::string& path, const Node& before, const Node& after) {
        for (std::size_t i = 0; i < before.items.size(); ++i) {
            const std::string name = name_of(before, i);
            const Node* const now = element(after, name);
            now == nullptr ? note(inside(path, name), "removed")
                           : of_values(inside(path, name), before.items[i], *now);
        }
        for (std::size_t i = 0; i < after.items.size(); ++i) {
            const std::string name = name_of(after, i);
            if (element(before, name) == nullptr) note(inside(path, name), "added");
        }
    }

    EffectiveChanges& changes_;
};

}  // namespace

std::optional<EffectiveChanges> changes_of_texts(const std::string& running,
                                                 const std::string& next) {
    Problems problems;
    NodeStore before_store;
    NodeStore after_store;
    const std::uint32_t file = problems.add_file("the running configuration");
    const auto before = parse_yaml(running, file, before_store, problems);
    const auto after = parse_yaml(next, file, after_store, problems);
    const bool is_one =
        before && before->kind == Node::Kind::map && after && find_member(*before, "models");
    if (!is_one) return std::nullopt;
    EffectiveChanges changes;
    Comparison(changes).of_maps("", *before, *after);
    return changes;
}

}  // namespace sluicegate::config
