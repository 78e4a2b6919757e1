#pragma once
/// The entries of one model's route, and whose turn it is.
///
/// Shares     without `sticky`, requests are dealt out in turn (WeightedRoundRobin). With it, the
///            user's hash decides: the entry stays the same as long as the weights do. When a
///            weight changes, only those users move that the change itself moves (weighted
///            rendezvous hashing).
/// Threads    any number; immutable but for the turns, which several routes can share.
/// Source     docs/routing.md

#include "sluicegate/route/quota.hpp"
#include "sluicegate/route/upstream_handle.hpp"
#include "sluicegate/route/weighted_round_robin.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluicegate::route {

struct RouteEntry {
    std::size_t upstream = 0;  ///< index into Config::upstreams
    std::shared_ptr<const UpstreamHandle> handle;
    std::shared_ptr<Quota> quota;
    std::uint32_t weight = 1;
    std::string upstream_model;  ///< what the upstream calls the model; never empty
    bool is_fallback = false;
    std::uint64_t id = 0;  ///< of the upstream's name and model, the same after a reload
};

class ModelRoute {
public:
    /// `entries` come in any order. `turns`: those of another route of the same weights; null: new
    /// ones.
    ModelRoute(const std::vector<RouteEntry>& entries, bool is_sticky,
               std::shared_ptr<WeightedRoundRobin> turns = nullptr);

    /// Those with a weight, then those without, then the fallback, each in configured order.
    [[nodiscard]] const std::vector<RouteEntry>& entries() const noexcept { return entries_; }
    /// How many have a weight: these share the requests.
    [[nodiscard]] std::size_t weighted() const noexcept { return weighted_; }
    /// The entry whose turn it is, one of the weighted. `user`: evenly distributed.
    [[nodiscard]] std::size_t pick(std::uint64_t user) const noexcept;
    /// Whether an entry can reach the endpoint of UpstreamHandle::pin_of().
    [[nodiscard]] bool reaches(std::uint64_t pin) const noexcept;
    [[nodiscard]] const std::shared_ptr<WeightedRoundRobin>& turns() const noexcept {
        return turns_;
    }

private:
    std::vector<RouteEntry> entries_;
    std::size_t weighted_;
    bool is_sticky_;
    std::shared_ptr<WeightedRoundRobin> turns_;
};

}  // namespace sluicegate::route
