#include "sluicegate/config/changes.hpp"

#include "config/entity.hpp"
#include "config/units.hpp"

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sluicegate::config {
namespace {

std::string level_text(log::Level level) {
    switch (level) {
        case log::Level::debug: return "debug";
        case log::Level::info: return "info";
        case log::Level::warn: return "warn";
        case log::Level::error: return "error";
    }
    return "";
}

std::string duration_or_off_text(Milliseconds value) {
    return value == Milliseconds(0) ? "off" : duration_text(value);
}

std::string count_or_off_text(std::size_t value) {
    return value == 0 ? "off" : std::to_string(value);
}

std::string threads_text(unsigned threads) {
    return threads == 0 ? "auto" : std::to_string(threads);
}

std::string address_text(const Listener& listener) {
    const bool is_v6 = listener.host.find(':') != std::string::npos;
    return (is_v6 ? '[' + listener.host + ']' : listener.host) + ':' +
           std::to_string(listener.port);
}

std::string listener_text(const Listener& listener) {
    std::string text = address_text(listener);
    if (listener.has_proxy_protocol) text += " proxy_protocol";
    if (!listener.tls) return text;
    text += " tls " + listener.tls->certificate_file + ' ' + listener.tls->private_key_file;
    if (!listener.tls->client_ca_file.empty()) {
        text += " client_ca " + listener.tls->client_ca_file;
    }
    return text;
}

std::string ranges_text(const std::vector<AddressRange>& ranges) {
    return joined(ranges, [](const AddressRange& range) { return range.text(); });
}

void add_limits(Entity& entity, const std::string& prefix, const Limits& limits) {
    for (const LimitName name : limit_names) {
        const auto& value = value_of(limits, name);
        if (value) entity.add(prefix + std::string(name_of(name)), std::to_string(*value));
    }
    if (limits.dry_run) entity.add(prefix + "dry_run", dry_run_text(*limits.dry_run));
}

void add_limits_by_model(Entity& entity, const LimitsByModel& limits) {
    for (const auto& [model, entry] : limits) {
        add_limits(entity, "limits." + model + '.', entry);
    }
}

Entity fixed_sections(const Config& config) {
    Entity entity;
    const Server& server = config.server;
    entity.add("server.listen", joined(server.listen, listener_text));
    entity.add("server.threads", threads_text(server.threads));
    entity.add("server.max_body", size_text(static_cast<std::int64_t>(server.body_bytes_max)));
    entity.add("server.max_header", size_text(static_cast<std::int64_t>(server.header_bytes_max)));
    entity.add("server.memory", size_text(static_cast<std::int64_t>(server.memory_bytes_max)));
    entity.add("server.max_connections", std::to_string(server.connections_max));
    entity.add("server.max_connections_per_address",
               count_or_off_text(server.connections_per_address_max));
    entity.add("server.max_in_flight", count_or_off_text(server.in_flight_max));
    entity.add("server.auth_failures_per_minute",
               count_or_off_text(server.auth_failures_per_minute));
    if (!server.trusted_proxies.empty()) {
        entity.add("server.trusted_proxies", ranges_text(server.trusted_proxies));
    }
    if (server.cors) {
        entity.add("server.cors.origins",
                   joined(server.cors->origins,
                          [](const OriginPattern& origin) { return origin.text(); }));
        entity.add("server.cors.max_age", duration_text(server.cors->max_age));
    }
    entity.add("server.tell_upstream", bool_text(server.tells_upstream));
    entity.add("server.timeouts.header", duration_text(server.timeouts.header));
    entity.add("server.timeouts.body", duration_text(server.timeouts.body));
    entity.add("server.timeouts.idle", duration_text(server.timeouts.idle));
    entity.add("server.timeouts.drain", duration_text(server.timeouts.drain));
    if (config.admin.listen) entity.add("admin.listen", listener_text(*config.admin.listen));
    if (!config.admin.hosts.empty()) {
        entity.add("admin.hosts",
                   joined(config.admin.hosts, [](const std::string& name) { return name; }));
    }
    entity.add("admin.show_users", bool_text(config.admin.show_users));
    entity.add("admin.user_metrics", bool_text(config.admin.user_metrics));
    entity.add("limiter.window", duration_text(config.limiter.window));
    entity.add("limiter.slots", std::to_string(config.limiter.slots));
    if (!config.limiter.state_file.empty()) {
        entity.add("limiter.state_file", config.limiter.state_file);
    }
    entity.add("limiter.ietf_fields", bool_text(config.limiter.ietf_fields));
    const bool has_text_code = config.limiter.rejection_code == RejectionCode::text;
    entity.add("limiter.rejection_code", has_text_code ? "rate_limit_exceeded" : "429");
    entity.add("streams.keep_alive", duration_or_off_text(config.streams.keep_alive));
    entity.add("streams.commit_after", duration_or_off_text(config.streams.commit_after));
    entity.add("streams.buffer", size_text(static_cast<std::int64_t>(config.streams.buffer)));
    entity.add("streams.end_grace", duration_text(config.streams.end_grace));
    entity.add("streams.add_done", bool_text(config.streams.adds_done));
    const Retries& retries = config.retries;
    entity.add("retries.budget", percent_text(retries.budget_percent));
    entity.add("retries.minimum", std::to_string(retries.minimum));
    entity.add("retries.max_attempts", std::to_string(retries.attempts_max));
    entity.add("retries.repeat_started", bool_text(retries.repeats_started));
    entity.add("retries.repeat_timeouts", bool_text(retries.repeats_timeouts));
    entity.add("log.level", level_text(config.log.level));
    entity.add("log.access", bool_text(config.log.access));
    if (!config.defaults.moderations.empty()) {
        entity.add("defaults.moderations", config.defaults.moderations);
    }
    return entity;
}

Entity entity_of(const Model& model, const std::vector<Upstream>& upstreams) {
    Entity entity = make_entity("models", model.name);
    add_limits(entity, "limits.", model.limits);
    entity.add("route", joined(model.route, [&](const RouteEntry& entry) {
                   std::string text =
                       upstreams[entry.upstream].name + " weight " + std::to_string(entry.weight);
                   if (!entry.model.empty()) text += " as " + entry.model;
                   return text;
               }));
    if (!model.fallback.empty()) {
        entity.add("fallback", joined(model.fallback, [&](const RouteEntry& entry) {
                       const std::string& name = upstreams[entry.upstream].name;
                       return entry.model.empty() ? name : name + " as " + entry.model;
                   }));
    }
    entity.add("sticky", model.is_sticky ? "user" : "off");
    entity.add("answer_model", model.answer_model == AnswerModel::asked ? "asked" : "upstream");
    if (model.fallback_on != FallbackOn()) {
        const FallbackOn& on = model.fallback_on;
        entity.add("fallback_on", std::string(on.context_length ? "context_length" : "") +
                                      (on.context_length && on.unsupported_parameter ? ", " : "") +
                                      (on.unsupported_parameter ? "unsupported_parameter" : ""));
    }
    std::string info = model.info.members;
    if (model.info.created) info += ",\"created\":" + std::to_string(*model.info.created);
    if (!info.empty()) entity.add("info", '{' + info.substr(1) + '}');
    const ModelTimeouts& timeouts = model.timeouts;
    if (timeouts.first_byte) {
        entity.add("timeouts.first_byte", duration_text(*timeouts.first_byte));
    }
    if (timeouts.between_bytes) {
        entity.add("timeouts.between_bytes", duration_text(*timeouts.between_bytes));
    }
    if (timeouts.total) entity.add("timeouts.total", duration_text(*timeouts.total));
    add_body(entity, model.body);
    return entity;
}

Entity entity_of(const ApiKey& key, const Entity& user) {
    Entity entity{.path = user.path + ".keys." + key.id,
                  .id = user.id + '\n' + key.id,
                  .parent = user.id,
                  .leaves = {}};
    entity.add_hidden("sha256", std::string(key.sha256.begin(), key.sha256.end()));
    if (key.expires) entity.add("expires", time_text(*key.expires));
    if (!key.models.empty()) {
        entity.add("models", joined(key.models, [](const std::string& name) { return name; }));
    }
    if (!key.allow_ips.empty()) {
        entity.add("allow_ips", ranges_text(key.allow_ips));
    }
    entity.add("disabled", key.is_disabled ? "true" : "false");
    return entity;
}

}  // namespace

std::vector<Entity> entities_of(const Config& config) {
    std::vector<Entity> list{fixed_sections(config)};
    const Entity admin{.path = "admin", .id = "admin", .parent = "", .leaves = {}};
    list.push_back(admin);
    for (const ApiKey& key : config.admin.keys) list.push_back(entity_of(key, admin));
    for (const Upstream& upstream : config.upstreams) list.push_back(entity_of(upstream));
    for (const Model& model : config.models) list.push_back(entity_of(model, config.upstreams));
    for (const Group& group : config.groups) {
        Entity& entity = list.emplace_back(make_entity("groups", group.name));
        add_limits_by_model(entity, group.limits);
    }
    for (const User& user : config.users) {
        Entity entity = make_entity("users", user.name);
        entity.add("group", user.group);
        add_limits_by_model(entity, user.limits);
        entity.add("disabled", user.is_disabled ? "true" : "false");
        const std::size_t index = list.size();
        list.push_back(std::move(entity));
        for (const ApiKey& key : user.keys) list.push_back(entity_of(key, list[index]));
    }
    return list;
}

namespace {

using EntityIndex = std::unordered_map<std::string_view, const Entity*>;

EntityIndex index_of(const std::vector<Entity>& list) {
    EntityIndex index;
    for (const Entity& entity : list) index.emplace(entity.id, &entity);
    return index;
}

const Leaf* find_leaf(const Entity& entity, std::string_view path) {
    for (const Leaf& leaf : entity.leaves) {
        if (leaf.path == path) return &leaf;
    }
    return nullptr;
}

void describe_leaves(const Entity& before, const Entity& after, std::vector<std::string>& into) {
    for (const Leaf& leaf : before.leaves) {
        const Leaf* next = find_leaf(after, leaf.path);
        if (next == nullptr) {
            into.push_back(leaf.path +
                           (leaf.shown.empty() ? " removed" : " " + leaf.shown + " -> none"));
        } else if (!(leaf.hidden == next->hidden)) {
            into.push_back(leaf.path + " changed");
        } else if (leaf.shown != next->shown) {
            into.push_back(leaf.path + ' ' + leaf.shown + " -> " + next->shown);
        }
    }
    for (const Leaf& leaf : after.leaves) {
        if (find_leaf(before, leaf.path) != nullptr) continue;
        into.push_back(leaf.path + (leaf.shown.empty() ? " added" : " none -> " + leaf.shown));
    }
}

}  // namespace

std::vector<std::string> describe_changes(const Config& running, const Config& next) {
    const std::vector<Entity> before = entities_of(running);
    const std::vector<Entity> after = entities_of(next);
    const EntityIndex before_index = index_of(before);
    const EntityIndex after_index = index_of(after);
    std::vector<std::string> changes;
    for (const Entity& entity : before) {
        const auto found = after_index.find(entity.id);
        if (found != after_index.end()) {
            describe_leaves(entity, *found->second, changes);
        } else if (entity.parent.empty() || after_index.contains(entity.parent)) {
            changes.push_back(entity.path + " removed");
        }
    }
    for (const Entity& entity : after) {
        if (before_index.contains(entity.id)) continue;
        if (!entity.parent.empty() && !before_index.contains(entity.parent)) continue;
        changes.push_back(entity.path + " added");
    }
    return changes;
}

std::vector<Problem> restart_only_changes(const Config& running, const Config& next) {
    const auto admin_text = [](const Config& config) {
        if (!config.admin.listen) return std::string("none");
        return address_text(*config.admin.listen) + (config.admin.listen->tls ? " tls" : "");
    };
    const auto state_file_text = [](const Config& config) {
        return config.limiter.state_file.empty() ? std::string("none") : config.limiter.state_file;
    };
    struct Row {
        std::string path;
        std::string before;
        std::string after;
    };
    const Row rows[] = {
        {"server.threads", threads_text(running.server.threads), threads_text(next.server.threads)},
        {"server.max_connections", std::to_string(running.server.connections_max),
         std::to_string(next.server.connections_max)},
        {"admin.listen", admin_text(running), admin_text(next)},
        {"limiter.window", duration_text(running.limiter.window),
         duration_text(next.limiter.window)},
        {"limiter.slots", std::to_string(running.limiter.slots),
         std::to_string(next.limiter.slots)},
        {"limiter.state_file", state_file_text(running), state_file_text(next)},
    };
    std::vector<Problem> problems;
    for (const Row& row : rows) {
        if (row.before == row.after) continue;
        problems.push_back(Problem{.file = "",
                                   .line = 0,
                                   .path = row.path,
                                   .message = "can only change with a restart: " + row.before +
                                              " is running, the file says " + row.after});
    }
    return problems;
}

}  // namespace sluicegate::config
