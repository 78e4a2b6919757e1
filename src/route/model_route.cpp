#include "sluicegate/route/model_route.hpp"

#include "route/mix.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>
#include <utility>

namespace sluicegate::route {
namespace {

/// The group of an entry: 0 with a weight, 1 without, 2 in the fallback.
int rank_of(const RouteEntry& entry) {
    if (entry.is_fallback) return 2;
    return entry.weight == 0 ? 1 : 0;
}

std::vector<RouteEntry> sort(const std::vector<RouteEntry>& entries) {
    std::vector<RouteEntry> sorted;
    for (int rank = 0; rank <= 2; ++rank) {
        std::ranges::copy_if(entries, std::back_inserter(sorted),
                             [rank](const RouteEntry& entry) { return rank_of(entry) == rank; });
    }
    return sorted;
}

std::size_t count_weighted(const std::vector<RouteEntry>& entries) {
    const auto with = [&](int rank) {
        return static_cast<std::size_t>(
            std::count_if(entries.begin(), entries.end(),
                          [rank](const RouteEntry& entry) { return rank_of(entry) == rank; }));
    };
    // Where no entry has a weight, all count as equal.
    return with(0) != 0 ? with(0) : with(1);
}

std::vector<std::uint32_t> weights_of(std::span<const RouteEntry> entries) {
    std::vector<std::uint32_t> weights;
    for (const RouteEntry& entry : entries) weights.push_back(entry.weight);
    return weights;
}

}  // namespace

ModelRoute::ModelRoute(const std::vector<RouteEntry>& entries, bool is_sticky,
                       std::shared_ptr<WeightedRoundRobin> turns)
    : entries_(sort(entries)),
      weighted_(count_weighted(entries_)),
      is_sticky_(is_sticky),
      turns_(std::move(turns)) {
    if (turns_ != nullptr) return;
    turns_ = std::make_shared<WeightedRoundRobin>(weights_of(std::span(entries_).first(weighted_)));
}

std::size_t ModelRoute::pick(std::uint64_t user) const noexcept {
    if (weighted_ == 1) return 0;
    if (!is_sticky_) return turns_->pick();
    // Each entry draws an exponentially distributed time with its weight as the rate; the earliest
    // wins, which is entry i with probability weight i / sum. A weight moves only its own draw.
    std::size_t best = 0;
    double earliest = 0;
    for (std::size_t i = 0; i < weighted_; ++i) {
        const std::uint64_t bits = mix(user, entries_[i].id) >> 11U;
        const double uniform = (static_cast<double>(bits) + 0.5) * 0x1p-53;
        const double weight = entries_[i].weight == 0 ? 1.0 : entries_[i].weight;
        const double time = -std::log(uniform) / weight;
        if (i != 0 && time >= earliest) continue;
        best = i;
        earliest = time;
    }
    return best;
}

bool ModelRoute::reaches(std::uint64_t pin) const noexcept {
    return std::ranges::any_of(
        entries_, [pin](const RouteEntry& entry) { return entry.handle->endpoints_of(pin) != 0; });
}

}  // namespace sluicegate::route
