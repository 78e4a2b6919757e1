#include "sluicegate/route/weighted_round_robin.hpp"

#include <algorithm>
#include <cassert>

namespace sluicegate::route {

WeightedRoundRobin::WeightedRoundRobin(std::span<const std::uint32_t> weights) {
    assert(!weights.empty());
    const bool are_equal =
        std::ranges::all_of(weights, [](std::uint32_t weight) { return weight == 0; });
    for (const std::uint32_t weight : weights) {
        targets_.push_back({.weight = are_equal ? 1 : std::int64_t{weight}});
        sum_ += targets_.back().weight;
    }
}

std::size_t WeightedRoundRobin::pick() noexcept {
    const std::scoped_lock lock(mutex_);
    std::size_t best = 0;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        targets_[i].credit += targets_[i].weight;
        if (targets_[i].credit > targets_[best].credit) best = i;
    }
    targets_[best].credit -= sum_;
    return best;
}

}  // namespace sluicegate::route
