#pragma once
/// The live state of all routes, found by name: endpoints, queues, quotas, turns, what was learned,
/// the retry budget, and whose the responses are. It lives as long as the daemon; snapshots hold
/// handles to it.
///
/// plan() makes the handles that a configuration needs. It takes over the state that exists,
/// makes what is missing, and changes nothing. apply() puts a plan in force: it configures the live
/// state and wakes requests that wait where a bound was raised. State that no plan in force and no
/// older snapshot needs is then dropped.
///
/// Names     an endpoint is known by its upstream's name and its address; a queue by the upstream's
///           name; a quota by account and model; turns by the model's name, while the weights stay.
/// Threads   one calls it, the control thread. Requests use the state meanwhile.
/// Cost      linear in the configuration.
/// Source    docs/decisions/0010-live-state-registry.md

#include "sluicegate/base/clock.hpp"
#include "sluicegate/config/config.hpp"
#include "sluicegate/route/model_route.hpp"
#include "sluicegate/route/quota.hpp"
#include "sluicegate/route/response_owners.hpp"
#include "sluicegate/route/retry_budget.hpp"
#include "sluicegate/route/upstream_handle.hpp"
#include "sluicegate/route/weighted_round_robin.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluicegate::route {

/// The handles of one configuration.
struct RoutePlan {
    std::vector<std::shared_ptr<const UpstreamHandle>> upstreams;  ///< as config.upstreams
    std::vector<std::shared_ptr<const ModelRoute>> models;         ///< as config.models
    std::vector<std::string> accounts;  ///< by upstream: config::account_key()
    std::shared_ptr<RetryBudget> retry_budget;
    std::shared_ptr<ResponseOwners> response_owners;
};

class StateRegistry {
public:
    StateRegistry();

    [[nodiscard]] RoutePlan plan(const config::Config& config) const;
    /// `plan` was made of `config`.
    void apply(const config::Config& config, const RoutePlan& plan, Instant now);

    /// How much state it can find, for tests: what was dropped is not counted.
    struct Sizes {
        std::size_t upstreams = 0;
        std::size_t endpoints = 0;
        std::size_t quotas = 0;
        std::size_t turns = 0;
    };
    [[nodiscard]] Sizes sizes() const noexcept;

private:
    // The tables find state without owning it: the plan in force and older snapshots do. So state
    // that an older snapshot still uses is found again when its name comes back.
    struct Upstream {
        config::Upstream settings;
        std::weak_ptr<WaitQueue> queue;
        std::weak_ptr<UpstreamMemory> memory;
        std::unordered_map<std::string, std::weak_ptr<EndpointState>> endpoints;  ///< by address
    };
    struct Turns {
        std::vector<std::uint32_t> weights;
        std::weak_ptr<WeightedRoundRobin> turns;
    };
    using Quotas = std::unordered_map<std::string, std::shared_ptr<Quota>>;

    [[nodiscard]] std::shared_ptr<const UpstreamHandle> plan_upstream(
        const config::Upstream& upstream) const;
    [[nodiscard]] std::vector<RouteEntry> plan_entries(const config::Model& model,
                                                       const config::Config& config,
                                                       const RoutePlan& plan, Quotas& quotas) const;
    [[nodiscard]] std::shared_ptr<WeightedRoundRobin> plan_turns(const config::Model& model) const;
    void apply_upstream(const config::Upstream& upstream, const UpstreamHandle& handle);
    void apply_model(const config::Model& model, const ModelRoute& route, const RoutePlan& plan);
    void drop_unused();

    std::shared_ptr<RetryBudget> retry_budget_;
    std::shared_ptr<ResponseOwners> response_owners_;
    std::unordered_map<std::string, Upstream> upstreams_;
    std::unordered_map<std::string, Turns> turns_;                  ///< by model
    std::unordered_map<std::string, std::weak_ptr<Quota>> quotas_;  ///< by account and model
    RoutePlan in_force_;                                            ///< owns the state it names
};

}  // namespace sluicegate::route
