#include "sluicegate/route/state_registry.hpp"

#include "sluicegate/config/account_key.hpp"

#include "route/mix.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::route {
namespace {

std::vector<std::string> addresses_of(const config::Upstream& upstream) {
    std::vector<std::string> addresses;
    for (const config::Endpoint& endpoint : upstream.endpoints) {
        addresses.push_back(config::url_of(endpoint));
    }
    if (addresses.empty()) addresses.emplace_back("echo");
    return addresses;
}

/// Of the entries that share the requests.
std::vector<std::uint32_t> weights_of(const config::Model& model) {
    std::vector<std::uint32_t> weights;
    for (const config::RouteEntry& entry : model.route) {
        if (entry.weight != 0) weights.push_back(entry.weight);
    }
    // Where no entry has a weight, all count as equal.
    if (weights.empty()) weights.assign(model.route.size(), 0);
    return weights;
}

std::string quota_key(const std::string& account, const std::string& model) {
    return account + '\n' + model;
}

template <class Key, class State>
std::shared_ptr<State> find(const std::unordered_map<Key, std::weak_ptr<State>>& table,
                            const Key& key) {
    const auto found = table.find(key);
    return found == table.end() ? nullptr : found->second.lock();
}

}  // namespace

StateRegistry::StateRegistry()
    : retry_budget_(std::make_shared<RetryBudget>(config::Retries())),
      response_owners_(std::make_shared<ResponseOwners>()) {
}

RoutePlan StateRegistry::plan(const config::Config& config) const {
    RoutePlan plan;
    plan.retry_budget = retry_budget_;
    plan.response_owners = response_owners_;
    for (const config::Upstream& upstream : config.upstreams) {
        plan.upstreams.push_back(plan_upstream(upstream));
        plan.accounts.push_back(config::account_key(upstream));
    }
    Quotas quotas;
    for (const config::Model& model : config.models) {
        plan.models.push_back(std::make_shared<const ModelRoute>(
            plan_entries(model, config, plan, quotas), model.is_sticky, plan_turns(model)));
    }
    return plan;
}

std::shared_ptr<const UpstreamHandle> StateRegistry::plan_upstream(
    const config::Upstream& upstream) const {
    const auto found = upstreams_.find(upstream.name);
    const Upstream* known = found == upstreams_.end() ? nullptr : &found->second;
    UpstreamHandle::Live live;
    if (known != nullptr) live.queue = known->queue.lock();
    if (live.queue == nullptr) live.queue = std::make_shared<WaitQueue>(upstream.queue.waiting_max);
    if (known != nullptr && known->settings == upstream) live.memory = known->memory.lock();
    if (live.memory == nullptr) live.memory = std::make_shared<UpstreamMemory>();

    // An address that is listed twice is one endpoint.
    std::unordered_map<std::string, std::shared_ptr<EndpointState>> own;
    for (const std::string& address : addresses_of(upstream)) {
        std::shared_ptr<EndpointState>& state = own[address];
        if (state == nullptr && known != nullptr) state = find(known->endpoints, address);
        if (state == nullptr) state = std::make_shared<EndpointState>(address, upstream);
        live.endpoints.push_back(state);
    }
    return std::make_shared<const UpstreamHandle>(upstream, std::move(live));
}

std::vector<RouteEntry> StateRegistry::plan_entries(const config::Model& model,
                                                    const config::Config& config,
                                                    const RoutePlan& plan, Quotas& quotas) const {
    std::vector<RouteEntry> entries;
    const auto add = [&](const config::RouteEntry& entry, bool is_fallback) {
        const std::string& name = entry.model.empty() ? model.name : entry.model;
        const std::string key = quota_key(plan.accounts[entry.upstream], name);
        std::shared_ptr<Quota>& quota = quotas[key];
        if (quota == nullptr) quota = find(quotas_, key);
        if (quota == nullptr) quota = std::make_shared<Quota>();
        entries.push_back({.upstream = entry.upstream,
                           .handle = plan.upstreams[entry.upstream],
                           .quota = quota,
                           .weight = entry.weight,
                           .upstream_model = name,
                           .is_fallback = is_fallback,
                           .id = hash_text(config.upstreams[entry.upstream].name + '\n' + name)});
    };
    for (const config::RouteEntry& entry : model.route) add(entry, false);
    for (const config::RouteEntry& entry : model.fallback) add(entry, true);
    return entries;
}

std::shared_ptr<WeightedRoundRobin> StateRegistry::plan_turns(const config::Model& model) const {
    std::vector<std::uint32_t> weights = weights_of(model);
    const auto found = turns_.find(model.name);
    if (found != turns_.end() && found->second.weights == weights) {
        if (auto turns = found->second.turns.lock()) return turns;
    }
    return std::make_shared<WeightedRoundRobin>(weights);
}

void StateRegistry::apply(const config::Config& config, const RoutePlan& plan, Instant now) {
    retry_budget_->configure(config.retries);
    for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
        apply_upstream(config.upstreams[i], *plan.upstreams[i]);
    }
    for (std::size_t i = 0; i < config.models.size(); ++i) {
        apply_model(config.models[i], *plan.models[i], plan);
    }
    in_force_ = plan;
    drop_unused();
    // A higher bound, or a check that is no longer made, frees slots without any other event.
    for (const auto& upstream : plan.upstreams) {
        if (upstream->queue().length() > 0) upstream->serve_all(now);
    }
}

void StateRegistry::apply_upstream(const config::Upstream& upstream, const UpstreamHandle& handle) {
    Upstream& known = upstreams_[upstream.name];
    known.settings = upstream;
    known.queue = handle.live().queue;
    known.memory = handle.live().memory;
    handle.queue().set_waiting_max(upstream.queue.waiting_max);
    for (const auto& endpoint : handle.endpoints()) {
        known.endpoints[endpoint->label()] = endpoint;
        endpoint->configure(upstream);
    }
}

void StateRegistry::apply_model(const config::Model& model, const ModelRoute& route,
                                const RoutePlan& plan) {
    turns_[model.name] = {.weights = weights_of(model), .turns = route.turns()};
    for (const RouteEntry& entry : route.entries()) {
        quotas_[quota_key(plan.accounts[entry.upstream], entry.upstream_model)] = entry.quota;
    }
}

void StateRegistry::drop_unused() {
    const auto is_unused = [](const auto& item) { return item.second.expired(); };
    for (auto& [name, upstream] : upstreams_) std::erase_if(upstream.endpoints, is_unused);
    std::erase_if(upstreams_, [](const auto& item) {
        return item.second.endpoints.empty() && item.second.queue.expired();
    });
    std::erase_if(turns_, [](const auto& item) { return item.second.turns.expired(); });
    std::erase_if(quotas_, is_unused);
}

StateRegistry::Sizes StateRegistry::sizes() const noexcept {
    Sizes sizes{.upstreams = upstreams_.size(),
                .endpoints = 0,
                .quotas = quotas_.size(),
                .turns = turns_.size()};
    for (const auto& [name, upstream] : upstreams_) sizes.endpoints += upstream.endpoints.size();
    return sizes;
}

}  // namespace sluicegate::route
