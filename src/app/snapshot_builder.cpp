#include "sluicegate/app/snapshot_builder.hpp"

#include "sluicegate/auth/key_hash.hpp"
#include "sluicegate/config/account_key.hpp"
#include "sluicegate/config/secrets.hpp"
#include "sluicegate/route/user_key.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluicegate::app {
namespace {

using worker::Snapshot;

/// Tells whether a TLS context made of these files would be the same as before.
std::string fingerprint_of(std::string_view kind, std::initializer_list<std::string> files) {
    std::string text(kind);
    for (const std::string& name : files) {
        std::ifstream file(name, std::ios::binary);
        text += '\0';
        text += name;
        text += '\0';
        text.append(std::istreambuf_iterator<char>(file), {});
    }
    return auth::to_hex(auth::hash_key(text));
}

/// The error with the path of the key that it is about.
Failure at(const std::string& path, const Error& error) {
    return fail(error.kind, path + ": " + error.detail);
}

limit::Resource resource_of(config::LimitName name) {
    switch (name) {
        case config::LimitName::rpm: return limit::Resource::requests;
        case config::LimitName::tpm: return limit::Resource::tokens;
        case config::LimitName::rpd: return limit::Resource::requests_per_day;
        case config::LimitName::tpd: return limit::Resource::tokens_per_day;
        case config::LimitName::concurrency: return limit::Resource::concurrency;
    }
    return limit::Resource::none;
}

limit::Plan plan_of(const config::Limits& limits) {
    limit::Plan plan{.rpm = limits.rpm,
                     .tpm = limits.tpm,
                     .rpd = limits.rpd,
                     .tpd = limits.tpd,
                     .concurrency = limits.concurrency};
    for (const config::LimitName name : config::limit_names) {
        if (!limits.dry_run || !limits.dry_run->contains(name)) continue;
        plan.dry_run =
            static_cast<std::uint8_t>(plan.dry_run | limit::dry_run_bit(resource_of(name)));
    }
    return plan;
}

/// Of the first upstream of the model that has one.
std::size_t affinity_bytes_of(const config::Config& config, const config::Model& model) {
    for (const auto* entries : {&model.route, &model.fallback}) {
        for (const config::RouteEntry& entry : *entries) {
            const std::size_t bytes = config.upstreams[entry.upstream].prefix_affinity;
            if (bytes > 0) return bytes;
        }
    }
    return 0;
}

/// `background` and `service_tier` are denied by default with some values only.
std::size_t denied_by_default(const openai::FieldNames& names, std::string_view name) {
    using openai::Field;
    const std::size_t number = names.number_of(name);
    if (number == openai::number_of(Field::background)) {
        return openai::number_of(Field::running_in_background);
    }
    if (number == openai::number_of(Field::service_tier)) {
        return openai::number_of(Field::other_service_tier);
    }
    return number;
}

void name_fields(openai::FieldNames& names, const config::Config& config) {
    for (const std::string_view name : config::default_denied_fields()) names.add(name);
    const auto add_all = [&](const config::BodyPolicy& policy) {
        for (const std::string& name : policy.deny) names.add(name);
    };
    for (const config::Upstream& upstream : config.upstreams) add_all(upstream.body);
    for (const config::Model& model : config.models) add_all(model.body);
}

/// A default is taken back by the model, or by every upstream that it may go to; a `deny` of the
/// model or of one such upstream counts always.
openai::FieldSet denied_fields_of(const openai::FieldNames& names, const config::Config& config,
                                  const config::Model& model) {
    const auto allows = [](const config::BodyPolicy& policy, std::string_view name) {
        return std::ranges::find(policy.allow, name) != policy.allow.end();
    };
    std::vector<const config::BodyPolicy*> policies;
    for (const auto* entries : {&model.route, &model.fallback}) {
        for (const config::RouteEntry& entry : *entries) {
            policies.push_back(&config.upstreams[entry.upstream].body);
        }
    }
    openai::FieldSet denied;
    for (const std::string_view name : config::default_denied_fields()) {
        const bool is_allowed =
            allows(model.body, name) ||
            std::ranges::all_of(
                policies, [&](const config::BodyPolicy* policy) { return allows(*policy, name); });
        if (!is_allowed) denied[denied_by_default(names, name)] = true;
    }
    policies.push_back(&model.body);
    for (const config::BodyPolicy* policy : policies) {
        for (const std::string& name : policy->deny) denied[names.number_of(name)] = true;
    }
    return denied;
}

}  // namespace

limit::StateNames SnapshotBuilder::names() const {
    limit::StateNames names;
    names.users.resize(users_.size());
    names.models.resize(models_.size());
    for (const auto& [name, id] : users_) names.users[static_cast<std::size_t>(id)] = name;
    for (const auto& [name, id] : models_) names.models[static_cast<std::size_t>(id)] = name;
    return names;
}

std::optional<UserId> SnapshotBuilder::find_user(std::string_view name) const {
    const auto found = users_.find(name);
    return found == users_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<ModelId> SnapshotBuilder::find_model(std::string_view name) const {
    const auto found = models_.find(name);
    return found == models_.end() ? std::nullopt : std::optional(found->second);
}

UserId SnapshotBuilder::user_id(std::string_view name) {
    const auto found = users_.find(name);
    if (found != users_.end()) return found->second;
    const auto id = static_cast<UserId>(users_.size());
    users_.emplace(name, id);
    return id;
}

ModelId SnapshotBuilder::model_id(std::string_view name) {
    const auto found = models_.find(name);
    if (found != models_.end()) return found->second;
    const auto id = static_cast<ModelId>(models_.size());
    models_.emplace(name, id);
    return id;
}

std::optional<worker::Ceiling> SnapshotBuilder::ceiling_of(const config::Upstream& upstream) {
    if (!upstream.limits.rpm && !upstream.limits.tpm) return std::nullopt;
    // No user or model of a configuration has a name with a space in it.
    limit::Plan plan;
    plan.rpm = upstream.limits.rpm;
    plan.tpm = upstream.limits.tpm;
    return worker::Ceiling{.account = user_id("account " + config::account_key(upstream)),
                           .model = model_id("all models"),
                           .plan = plan};
}

net::TlsContext& SnapshotBuilder::context_for(const std::string& fingerprint) {
    net::TlsContext& kept = next_contexts_[fingerprint];
    const auto found = contexts_.find(fingerprint);
    if (!kept && found != contexts_.end()) kept = found->second;
    return kept;
}

Result<net::TlsContext> SnapshotBuilder::listener_tls(const config::TlsListener& tls,
                                                      const std::string& scope) {
    net::TlsContext& kept = context_for(
        fingerprint_of(scope, {tls.certificate_file, tls.private_key_file, tls.client_ca_file}));
    if (!kept) {
        auto made = net::make_server_tls({.certificate_file = tls.certificate_file,
                                          .private_key_file = tls.private_key_file,
                                          .client_ca_file = tls.client_ca_file,
                                          .session_scope = scope,
                                          .ticket_keys = ticket_keys_});
        if (!made) return made;
        kept = std::move(*made);
    }
    if (!net::has_subject_alternative_name(kept)) {
        std::string warning = "the certificate in " + tls.certificate_file +
                              " has no subject alternative name (DNS or IP): clients that verify "
                              "it, such as OpenAI SDKs, refuse it";
        if (std::ranges::find(warnings_, warning) == warnings_.end()) {
            warnings_.push_back(std::move(warning));
        }
    }
    return kept;
}

Result<net::TlsContext> SnapshotBuilder::upstream_tls(const config::UpstreamTls& tls) {
    net::TlsContext& kept = context_for(fingerprint_of(
        "upstream", {tls.ca_file, tls.client_certificate_file, tls.client_key_file}));
    if (!kept) {
        auto made = net::make_client_tls({.ca_file = tls.ca_file,
                                          .client_certificate_file = tls.client_certificate_file,
                                          .client_key_file = tls.client_key_file});
        if (!made) return made;
        kept = std::move(*made);
    }
    return kept;
}

Result<std::vector<net::TlsContext>> SnapshotBuilder::listener_contexts(
    const config::Config& config) {
    std::vector<net::TlsContext> contexts;
    for (std::size_t i = 0; i < config.server.listen.size(); ++i) {
        const config::Listener& listener = config.server.listen[i];
        net::TlsContext context;
        if (listener.tls) {
            // Tickets are good at the listener that gave them, whatever its certificate is later.
            const std::string scope =
                "listener " + listener.host + ' ' + std::to_string(listener.port);
            auto made = listener_tls(*listener.tls, scope);
            if (!made) return at("server.listen[" + std::to_string(i) + "].tls", made.error());
            context = std::move(*made);
        }
        contexts.push_back(std::move(context));
    }
    return contexts;
}

Result<std::vector<net::TlsContext>> SnapshotBuilder::upstream_contexts(
    const config::Config& config) {
    std::vector<net::TlsContext> contexts;
    for (const config::Upstream& upstream : config.upstreams) {
        net::TlsContext context;
        const bool has_tls = std::ranges::any_of(
            upstream.endpoints, [](const config::Endpoint& endpoint) { return endpoint.tls; });
        if (has_tls) {
            auto made = upstream_tls(upstream.tls);
            if (!made) return std::move(made).failure();
            context = std::move(*made);
        }
        contexts.push_back(std::move(context));
    }
    return contexts;
}

auth::KeyRing SnapshotBuilder::key_ring(const config::Config& config) {
    // A key may name a model that is off: that has no number here.
    std::unordered_map<std::string_view, ModelId> active;
    for (const config::Model& model : config.models) active[model.name] = model_id(model.name);
    const auth::KeyRing::Ids ids{.user = [this](std::string_view name) { return user_id(name); },
                                 .model = [&](std::string_view name) -> std::optional<ModelId> {
                                     const auto found = active.find(name);
                                     return found == active.end() ? std::nullopt
                                                                  : std::optional(found->second);
                                 }};
    return auth::KeyRing::build(config.users, ids);
}

void SnapshotBuilder::add_upstreams(Snapshot& snapshot) {
    for (const config::Upstream& upstream : snapshot.config.upstreams) {
        snapshot.ceilings.push_back(ceiling_of(upstream));
    }
}

void SnapshotBuilder::add_models(Snapshot& snapshot) {
    name_fields(snapshot.field_names, snapshot.config);
    for (std::size_t i = 0; i < snapshot.config.models.size(); ++i) {
        const config::Model& model = snapshot.config.models[i];
        snapshot.model_index.emplace(model.name, i);
        snapshot.models.push_back(
            {.id = model_id(model.name),
             .settings = &model,
             .route = snapshot.routes.models[i],
             .affinity_bytes = affinity_bytes_of(snapshot.config, model),
             .denied_fields = denied_fields_of(snapshot.field_names, snapshot.config, model)});
    }
}

MemoryShare& SnapshotBuilder::memory_share(UserId user) {
    const auto index = static_cast<std::size_t>(user);
    while (memory_shares_.size() <= index) memory_shares_.emplace_back();
    return memory_shares_[index];
}

void SnapshotBuilder::add_users(Snapshot& snapshot) {
    const config::Config& config = snapshot.config;
    const auto plans_of = [&config](const config::Group* group, const config::User& user) {
        std::vector<limit::Plan> plans;
        plans.reserve(config.models.size());
        for (const config::Model& model : config.models) {
            plans.push_back(plan_of(config::resolve_limits(group, user, model)));
        }
        return std::make_shared<const std::vector<limit::Plan>>(std::move(plans));
    };
    struct GroupPlans {
        const config::Group* group = nullptr;
        std::shared_ptr<const std::vector<limit::Plan>> plans;  // of users without limits
    };
    std::unordered_map<std::string_view, GroupPlans> groups;
    for (const config::Group& group : config.groups) {
        groups.emplace(group.name, GroupPlans{&group, plans_of(&group, config::User{})});
    }
    for (const config::User& user : config.users) {
        const GroupPlans& of_group = groups.at(user.group);
        snapshot.user_ids.push_back(user_id(user.name));
        snapshot.user_keys.push_back(route::user_key(user.name));
        snapshot.memory_shares.push_back(&memory_share(snapshot.user_ids.back()));
        snapshot.plans.push_back(user.limits.empty() ? of_group.plans
                                                     : plans_of(of_group.group, user));
    }
}

Result<std::shared_ptr<const Snapshot>> SnapshotBuilder::build(config::Config config) {
    next_contexts_.clear();
    warnings_ = config.warnings;
    auto listeners = listener_contexts(config);
    if (!listeners) return std::move(listeners).failure();
    net::TlsContext admin;
    if (config.admin.listen && config.admin.listen->tls) {
        auto made = listener_tls(*config.admin.listen->tls, "admin");
        if (!made) return at("admin.tls", made.error());
        admin = std::move(*made);
    }
    auto upstreams = upstream_contexts(config);
    if (!upstreams) return std::move(upstreams).failure();
    contexts_ = std::exchange(next_contexts_, {});

    auto keys = key_ring(config);
    auto redaction = config::redaction_of(config.upstreams);
    auto routes = states_.plan(config);
    auto snapshot = std::make_shared<Snapshot>(Snapshot{.config = std::move(config),
                                                        .warnings = warnings_,
                                                        .keys = std::move(keys),
                                                        .redaction = std::move(redaction),
                                                        .models = {},
                                                        .model_index = {},
                                                        .plans = {},
                                                        .user_ids = {},
                                                        .user_keys = {},
                                                        .memory_shares = {},
                                                        .listener_tls = std::move(*listeners),
                                                        .admin_tls = std::move(admin),
                                                        .upstream_tls = std::move(*upstreams),
                                                        .ceilings = {},
                                                        .routes = std::move(routes),
                                                        .field_names = {}});
    add_upstreams(*snapshot);
    add_models(*snapshot);
    add_users(*snapshot);
    return std::shared_ptr<const Snapshot>(std::move(snapshot));
}

}  // namespace sluicegate::app
