#pragma once
/// Chooses the endpoint of an upstream that takes a request.
///
/// Without affinity, it draws two endpoints at random and takes the one with less in flight. With
/// affinity, it goes through the endpoints in the order of the affinity value (rendezvous hashing)
/// and takes the first that then has at most ceil(1.25 * mean) + 1 in flight. The mean is over the
/// offered endpoints, this request included. If an endpoint goes away, only the values that
/// preferred it move.
///
/// Source  Mitzenmacher, "The power of two choices in randomized load balancing"; Mirrokni et al.,
///         "Consistent hashing with bounded loads"; docs/routing.md

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sluicegate::route {

struct Load {
    std::uint64_t id = 0;  ///< of the endpoint, the same after a reload
    std::uint32_t in_flight = 0;
    bool is_offered = false;  ///< may take the request
};

/// An index of `loads`; nothing if none is offered. At most 64 loads. `random`: evenly distributed.
[[nodiscard]] std::optional<std::size_t> pick_endpoint(
    std::span<const Load> loads, std::uint32_t random,
    std::optional<std::uint64_t> affinity) noexcept;

}  // namespace sluicegate::route
