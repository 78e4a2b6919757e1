#include "sluicegate/route/balance.hpp"

#include "route/mix.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace sluicegate::route {
namespace {

constexpr std::size_t loads_max = 64;

/// `count` evenly spread values from 16 random bits.
std::size_t scale(std::uint32_t bits, std::size_t count) noexcept {
    return (std::size_t{bits & 0xffffU} * count) >> 16U;
}

std::size_t less_loaded_of_two(std::span<const Load> loads, std::span<const std::size_t> offered,
                               std::uint32_t random) noexcept {
    const std::size_t first = scale(random, offered.size());
    std::size_t second = scale(random >> 16U, offered.size() - 1);
    if (second >= first) ++second;
    const std::size_t a = offered[first];
    const std::size_t b = offered[second];
    return loads[b].in_flight < loads[a].in_flight ? b : a;
}

/// The first endpoint with room, in the order of the affinity value. One always has room, because
/// the least loaded is not above the mean.
std::size_t preferred(std::span<const Load> loads, std::span<const std::size_t> offered,
                      std::uint64_t affinity) noexcept {
    std::uint64_t sum = 1;
    for (const std::size_t i : offered) sum += loads[i].in_flight;
    const std::uint64_t quarters = 4 * offered.size();
    const std::uint64_t most = (5 * sum + quarters - 1) / quarters + 1;
    std::size_t best = offered.front();
    std::uint64_t best_score = 0;
    bool is_found = false;
    for (const std::size_t i : offered) {
        if (loads[i].in_flight + std::uint64_t{1} > most) continue;
        const std::uint64_t score = mix(affinity, loads[i].id);
        if (is_found && score <= best_score) continue;
        best = i;
        best_score = score;
        is_found = true;
    }
    return best;
}

}  // namespace

std::optional<std::size_t> pick_endpoint(std::span<const Load> loads, std::uint32_t random,
                                         std::optional<std::uint64_t> affinity) noexcept {
    assert(loads.size() <= loads_max);
    std::array<std::size_t, loads_max> indexes;
    std::size_t count = 0;
    for (std::size_t i = 0; i < std::min(loads.size(), loads_max); ++i) {
        if (loads[i].is_offered) indexes[count++] = i;
    }
    const std::span<const std::size_t> offered(indexes.data(), count);
    if (offered.empty()) return std::nullopt;
    if (offered.size() == 1) return offered.front();
    return affinity ? preferred(loads, offered, *affinity)
                    : less_loaded_of_two(loads, offered, random);
}

}  // namespace sluicegate::route
