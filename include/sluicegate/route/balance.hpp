#pragma once
/// Which endpoint of an upstream takes a request.
///
/// Without affinity: the one with less in flight of two drawn at random. With affinity: the first
/// in that value's own order of the endpoints (rendezvous hashing) which then has at most
/// ceil(1.25 * mean) + 1 in flight; the mean is that of the offered ones, this request included.
/// An endpoint that goes away moves only what preferred it.
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
