#include "config/sections.hpp"

#include <algorithm>

namespace sluicegate::config {
namespace {

constexpr std::size_t names_max = 64;
constexpr std::size_t name_bytes_max = 64;

bool is_field_name(std::string_view text) {
    const auto is_word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return text.size() <= name_bytes_max && std::ranges::any_of(text, is_word) &&
           std::ranges::all_of(
               text, [&](char c) { return is_word(c) || c == '_' || c == '-' || c == '.'; });
}

/// Adds the name to the list. Nothing if it is none, or stands there already.
std::optional<Text> parse_name(Context& context, const Value& at, std::vector<std::string>& names) {
    auto text = read_text(context, at);
    if (!text) return std::nullopt;
    if (!is_field_name(text->text)) {
        add_problem(context, at,
                    "must be the name of a field: 1 … " + std::to_string(name_bytes_max) +
                        " letters, digits, '_', '-' and '.'" + got(*text));
        return std::nullopt;
    }
    if (std::ranges::find(names, text->text) != names.end()) {
        add_problem(context, at, "is listed already" + got(*text));
        return std::nullopt;
    }
    names.push_back(text->text);
    return text;
}

void parse_denied(Context& context, const Value& at, BodyPolicy& policy) {
    for_each_element(context, at, names_max, "one name", [&](const Value& element) {
        const auto name = parse_name(context, element, policy.deny);
        if (!name || name->text != "model") return;
        add_problem(context, element, "cannot be denied: every request has a model");
    });
}

void parse_allowed(Context& context, const Value& at, BodyPolicy& policy) {
    const auto defaults = default_denied_fields();
    for_each_element(context, at, names_max, "one name", [&](const Value& element) {
        const auto name = parse_name(context, element, policy.allow);
        if (!name) return;
        if (std::ranges::find(policy.deny, name->text) != policy.deny.end()) {
            add_problem(context, element, "is in deny as well" + got(*name));
        } else if (std::ranges::find(defaults, name->text) == defaults.end()) {
            add_problem(context, element,
                        "is not denied, so it need not be allowed" + got(*name) +
                            did_you_mean(name->text, defaults));
        }
    });
}

}  // namespace

BodyPolicy parse_body(Context& context, const Value& at, Section section) {
    const MapReader map(context, at, section);
    BodyPolicy policy;
    if (const auto deny = map.find("deny")) parse_denied(context, *deny, policy);
    if (const auto allow = map.find("allow")) parse_allowed(context, *allow, policy);
    return policy;
}

}  // namespace sluicegate::config
