#include "config/warnings.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <vector>

namespace sluicegate::config {
namespace {

/// A chat request of one word costs more tokens than this.
constexpr std::int64_t useless_tokens_max = 10;
/// Descriptors that are not for clients: listeners, the log, upstreams, files.
constexpr std::size_t other_descriptors = 64;

const NamedEntry* entry_of(const std::vector<NamedEntry>& entries, std::string_view name) {
    const auto found = std::ranges::find(entries, name, &NamedEntry::name);
    return found == entries.end() ? nullptr : &*found;
}

void warn_at(Context& context, const NamedEntry* entry, std::string message) {
    if (entry == nullptr) return;
    add_warning(context, Value{entry->key, entry->value.path}, std::move(message));
}

void warn_of_unused_upstreams(Context& context, const WrittenEntries& written,
                              const Config& config) {
    std::vector<bool> is_used(config.upstreams.size());
    for (const Model& model : config.models) {
        for (const auto* entries : {&model.route, &model.fallback}) {
            for (const RouteEntry& entry : *entries) is_used[entry.upstream] = true;
        }
    }
    for (std::size_t i = 0; i < is_used.size(); ++i) {
        if (is_used[i]) continue;
        warn_at(context, entry_of(written.upstreams, config.upstreams[i].name),
                "no model uses this upstream");
    }
}

bool forbids(const Limits& limits) {
    return std::ranges::any_of(limit_names, [&](LimitName name) {
        const bool is_reported = limits.dry_run && limits.dry_run->contains(name);
        return value_of(limits, name) == 0 && !is_reported;
    });
}

bool works(const User& user, const ApiKey& key) {
    if (user.is_disabled || key.is_disabled) return false;
    return !key.expires || *key.expires > std::chrono::system_clock::now();
}

bool has_key_that_works(const User& user) {
    return std::ranges::any_of(user.keys, [&user](const ApiKey& key) { return works(user, key); });
}

bool may_use(const Config& config, const User& user, const Model& model) {
    const bool has_key = std::ranges::any_of(user.keys, [&](const ApiKey& key) {
        if (!works(user, key)) return false;
        return key.models.empty() || std::ranges::find(key.models, model.name) != key.models.end();
    });
    return has_key && !forbids(resolve_limits(config, user, model));
}

void warn_of_unreachable_models(Context& context, const WrittenEntries& written,
                                const Config& config) {
    const bool has_keys =
        std::ranges::any_of(config.users, [](const User& user) { return !user.keys.empty(); });
    if (!has_keys) return;
    for (const Model& model : config.models) {
        const bool is_used = std::ranges::any_of(
            config.users, [&](const User& user) { return may_use(config, user, model); });
        if (is_used) continue;
        warn_at(context, entry_of(written.models, model.name),
                "no key of a user may be used for this model: none allows it, or its limits are 0");
    }
}

void warn_of_users_without_keys(Context& context, const WrittenEntries& written,
                                const Config& config) {
    for (std::size_t i = 0; i < config.users.size() && i < written.users.size(); ++i) {
        if (has_key_that_works(config.users[i])) continue;
        warn_at(context, &written.users[i], "has no key that works");
    }
}

/// The value of `limits: {"*": …}` of a user or group.
Value any_model_of(const NamedEntry& entry) {
    return Value{entry.key, entry.value.path + ".limits.*"};
}

void warn_of_disarmed(Context& context, const NamedEntry* entry, const LimitsByModel& limits) {
    const auto any = limits.find("*");
    if (entry == nullptr || any == limits.end() || !any->second.dry_run) return;
    for (const auto& [name, named] : limits) {
        if (name == "*" || named.dry_run) continue;
        const bool is_disarmed = std::ranges::any_of(limit_names, [&](LimitName limit) {
            return value_of(named, limit) && any->second.dry_run->contains(limit);
        });
        if (!is_disarmed) continue;
        add_warning(context, any_model_of(*entry),
                    "its dry_run holds for the limits of " + shown_name(name) +
                        " too, which then only report; give " + shown_name(name) +
                        " dry_run: false to keep them");
    }
}

void warn_of_useless(Context& context, const NamedEntry* entry, const std::string& where,
                     const Limits& limits) {
    for (const LimitName name : {LimitName::tpm, LimitName::tpd}) {
        const auto& value = value_of(limits, name);
        if (!value || *value < 1 || *value > useless_tokens_max || entry == nullptr) continue;
        add_warning(context,
                    Value{entry->key, entry->value.path + where + '.' + std::string(name_of(name))},
                    "no request is so small that " + std::to_string(*value) +
                        " tokens are enough: all are refused");
    }
}

bool has_limits(const Limits& limits) {
    return std::ranges::any_of(limit_names,
                               [&](LimitName name) { return value_of(limits, name).has_value(); });
}

bool has_limits(const LimitsByModel& limits) {
    return std::ranges::any_of(limits, [](const auto& entry) { return has_limits(entry.second); });
}

void warn_of_limits(Context& context, const Node& main, const WrittenEntries& written,
                    const Config& config) {
    bool has_any = false;
    for (const Model& model : config.models) {
        has_any = has_any || has_limits(model.limits);
        warn_of_useless(context, entry_of(written.models, model.name), ".limits", model.limits);
    }
    const auto look_at = [&](const NamedEntry* entry, const LimitsByModel& limits) {
        has_any = has_any || has_limits(limits);
        warn_of_disarmed(context, entry, limits);
        for (const auto& [name, named] : limits) {
            warn_of_useless(context, entry, ".limits." + shown_name(name), named);
        }
    };
    for (const Group& group : config.groups) {
        look_at(entry_of(written.groups, group.name), group.limits);
    }
    for (std::size_t i = 0; i < config.users.size() && i < written.users.size(); ++i) {
        look_at(&written.users[i], config.users[i].limits);
    }
    if (!has_any) {
        add_warning(context, Value{&main, "models"},
                    "there are no limits at all: every key may ask for as much as it likes");
    }
}

bool is_private(const std::string& host) {
    static constexpr std::array<std::string_view, 8> ranges{
        "127.0.0.0/8",    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
        "169.254.0.0/16", "::1/128",    "fc00::/7",      "fe80::/10"};
    const auto address = IpAddress::parse(host);
    return address && std::ranges::any_of(ranges, [&](std::string_view text) {
               const auto range = AddressRange::parse(text);
               return range && range->contains(*address);
           });
}

void warn_of_descriptors(Context& context, const Value& server, const Config& config) {
    rlimit descriptors{};
    if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return;
    const std::size_t wanted = config.server.connections_max + other_descriptors;
    if (descriptors.rlim_max == RLIM_INFINITY || descriptors.rlim_max >= wanted) return;
    add_warning(context, Value{server.node, "server.max_connections"},
                std::to_string(config.server.connections_max) +
                    " connections need more descriptors than the " +
                    std::to_string(descriptors.rlim_max) +
                    " of this process: raise nofile (LimitNOFILE=, ulimit -n)");
}

}  // namespace

void warn_of_doubts(Context& context, const Node& main, const WrittenEntries& written,
                    const Config& config) {
    const MapReader root(context, Value{&main, ""}, Section::root);
    if (const auto server = root.find("server")) warn_of_descriptors(context, *server, config);
    const auto& admin = config.admin;
    if (admin.listen && admin.keys.empty() && !is_private(admin.listen->host)) {
        if (const auto at = root.find("admin")) {
            add_warning(context, Value{at->node, "admin.listen"},
                        "others than this machine may reach " + admin.listen->host +
                            ": set admin.keys, or listen on 127.0.0.1");
        }
    }
    warn_of_unused_upstreams(context, written, config);
    warn_of_limits(context, main, written, config);
    warn_of_unreachable_models(context, written, config);
    warn_of_users_without_keys(context, written, config);
}

}  // namespace sluicegate::config
