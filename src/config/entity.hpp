#pragma once
/// A configuration as a list of named values in text form, to compare two configurations.

#include "sluicegate/base/secret.hpp"
#include "sluicegate/config/config.hpp"
#include "sluicegate/config/upstream.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluicegate::config {

/// One value of a configuration, in text form.
struct Leaf {
    std::string path;
    std::string shown;  ///< "" if the value is hidden
    Secret hidden;      ///< compared, never shown
};

/// A part with its own name. If it is added or removed, that is one change, not one for each value.
struct Entity {
    std::string path;    ///< "users.alice.keys.laptop"; "" for the sections with fixed keys
    std::string id;      ///< like the path, but unique: names hold no newline
    std::string parent;  ///< id of the entity it belongs to, or ""
    std::vector<Leaf> leaves;

    void add(std::string_view key, std::string shown) {
        leaves.push_back({path.empty() ? std::string(key) : path + '.' + std::string(key),
                          std::move(shown), Secret()});
    }
    void add_hidden(std::string_view key, std::string_view text) {
        leaves.push_back({path + '.' + std::string(key), "", Secret(std::string(text))});
    }
};

[[nodiscard]] inline Entity make_entity(const std::string& section, const std::string& name) {
    return Entity{
        .path = section + '.' + name, .id = section + '\n' + name, .parent = "", .leaves = {}};
}

[[nodiscard]] inline std::string bool_text(bool value) {
    return value ? "true" : "false";
}

template <class List, class TextOf>
[[nodiscard]] std::string joined(const List& list, TextOf text_of) {
    std::string text;
    for (const auto& element : list) text += (text.empty() ? "" : ", ") + text_of(element);
    return text;
}

inline void add_body(Entity& entity, const BodyPolicy& policy) {
    const auto itself = [](const std::string& name) { return name; };
    if (!policy.deny.empty()) entity.add("body.deny", joined(policy.deny, itself));
    if (!policy.allow.empty()) entity.add("body.allow", joined(policy.allow, itself));
}

[[nodiscard]] Entity entity_of(const Upstream& upstream);
/// The sections with fixed keys first, then one for each named part.
[[nodiscard]] std::vector<Entity> entities_of(const Config& config);

}  // namespace sluicegate::config
