#pragma once
/// Deals out the turns of weighted targets: smooth weighted round robin, as nginx does it.
///
/// Each pick credits every target with its weight, takes the target with the most credit, and
/// charges that one with the sum of the weights.
///
/// Law       a period is the sum of the weights divided by their greatest common divisor. In any
///           period of picks in a row, each target is picked exactly as often as its weight says.
/// Weights   any 32-bit value. A target of weight 0 is never picked, except when all weights are
///           0: then all targets count as equal.
/// Threads   pick() from any thread; a mutex is held for one pass over the targets.
/// Source    docs/routing.md, law R1

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

namespace sluicegate::route {

class WeightedRoundRobin {
public:
    /// There must be at least one weight.
    explicit WeightedRoundRobin(std::span<const std::uint32_t> weights);

    /// The index of a weight.
    [[nodiscard]] std::size_t pick() noexcept;

private:
    struct Target {
        std::int64_t weight = 0;
        std::int64_t credit = 0;
    };

    std::mutex mutex_;
    std::vector<Target> targets_;
    std::int64_t sum_ = 0;  ///< of the weights
};

}  // namespace sluicegate::route
