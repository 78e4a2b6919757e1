#include "sluicegate/base/hex.hpp"

#include "config/sections.hpp"
#include "config/units.hpp"

#include <array>
#include <cstddef>
#include <set>
#include <utility>

namespace sluicegate::config {
namespace {

constexpr std::size_t keys_of_user_max = 1000;
constexpr std::size_t keys_of_admin_max = 1000;
constexpr std::size_t models_of_key_max = 10'000;

std::optional<std::array<std::uint8_t, 32>> parse_hash(std::string_view text) {
    std::array<std::uint8_t, 32> hash{};
    if (text.size() != hash.size() * 2) return std::nullopt;
    for (std::size_t i = 0; i < hash.size(); ++i) {
        const auto high = hex_value(text[2 * i]);
        const auto low = hex_value(text[2 * i + 1]);
        if (!high || !low) return std::nullopt;
        hash[i] = static_cast<std::uint8_t>(*high << 4 | *low);
    }
    return hash;
}

/// The message never shows the value: it may be the key, pasted here by mistake.
void parse_hash_of(Context& context, const Value& at, KeyPlaces& places, ApiKey& key) {
    const auto text = read_text(context, at);
    if (!text) return;
    const auto hash = parse_hash(text->text);
    if (!hash) {
        add_problem(context, at,
                    "must be 64 hexadecimal digits, as `sluicegate key hash` prints them");
        return;
    }
    key.sha256 = *hash;
    const auto [earlier, is_new] = places.emplace(*hash, at.path);
    if (!is_new) add_problem(context, at, "is the same key as " + earlier->second);
}

void parse_id(Context& context, const Value& at, std::set<std::string>& ids, ApiKey& key) {
    const auto text = read_text(context, at);
    if (!text) return;
    const std::string reason = why_not_a_name(text->text);
    if (!reason.empty()) {
        add_problem(context, at, reason);
        return;
    }
    key.id = text->text;
    if (!ids.insert(key.id).second) {
        add_problem(context, at, "another key of this list has the same id" + got(*text));
    }
}

void parse_expires(Context& context, const Value& at, ApiKey& key) {
    const auto text = read_text(context, at);
    if (!text) return;
    key.expires = parse_time(text->text);
    if (!key.expires) {
        add_problem(
            context, at,
            "must be a date or a time, such as 2027-01-01 or 2027-01-01T09:30:00Z" + got(*text));
        return;
    }
    const std::string end = expiry_text(*key.expires);
    if (!end.empty()) add_warning(context, at, "the key " + end);
}

void parse_key_models(Context& context, const Value& at, const Models& models, ApiKey& key) {
    for_each_element(context, at, models_of_key_max, "one model (leave it out to allow all)",
                     [&](const Value& element) {
                         const auto text = read_text(context, element);
                         if (!text) return;
                         check_model_name(context, *element.node, element.path, *text, models);
                         key.models.push_back(text->text);
                     });
}

}  // namespace

std::vector<ApiKey> parse_admin_keys(Context& context, const Value& at, KeyPlaces& places) {
    std::vector<ApiKey> keys;
    std::set<std::string> ids;
    for_each_element(context, at, keys_of_admin_max, "one key (leave it out to need none)",
                     [&](const Value& element) {
                         const MapReader map(context, element, Section::admin_key);
                         ApiKey key;
                         if (const auto id = map.require("id")) parse_id(context, *id, ids, key);
                         if (const auto hash = map.require("sha256")) {
                             parse_hash_of(context, *hash, places, key);
                         }
                         keys.push_back(std::move(key));
                     });
    return keys;
}

std::vector<ApiKey> parse_api_keys(Context& context, const Value& at, const Models& models,
                                   KeyPlaces& places) {
    std::vector<ApiKey> keys;
    std::set<std::string> ids;
    // After the last key of a user was removed, its list is empty.
    if (at.node->kind == Node::Kind::list && at.node->items.empty()) return keys;
    for_each_element(context, at, keys_of_user_max, "one key", [&](const Value& element) {
        const MapReader map(context, element, Section::api_key);
        ApiKey key;
        if (const auto id = map.require("id")) parse_id(context, *id, ids, key);
        if (const auto hash = map.require("sha256")) {
            parse_hash_of(context, *hash, places, key);
        }
        if (const auto expires = map.find("expires")) parse_expires(context, *expires, key);
        if (const auto names = map.find("models")) {
            parse_key_models(context, *names, models, key);
        }
        if (const auto ranges = map.find("allow_ips")) {
            parse_ranges(context, *ranges, "one range (leave it out to allow all)", key.allow_ips);
        }
        map.boolean("disabled", key.is_disabled);
        keys.push_back(std::move(key));
    });
    return keys;
}

}  // namespace sluicegate::config
