#pragma once
/// Which of several weighted targets takes the next request: in turn, not by chance.
///
/// With S = sum of the weights / their greatest common divisor, any S picks in a row give each
/// target exactly its share, for every S, and shorter runs stay within a few picks of it. No
/// table: pick number n lands on position n * stride mod S, where stride has no divisor in
/// common with S (so S picks visit every position once) and stride / S is close to the golden
/// ratio and badly approximable (so that neighbouring picks lie far apart).
///
/// Weights  0 to 1,000,000 in the configuration; any 32-bit value works. 0 is never picked,
///          except where every weight is 0: then all count as equal.
/// Threads  pick() from any; picks are numbered by one relaxed atomic counter.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluicegate::route {

class WeightedChoice {
public:
    /// `weights` must not be empty. `first_pick` continues the turn of an earlier choice with
    /// the same weights, so that frequent reloads don't favour the targets that come first.
    explicit WeightedChoice(std::span<const std::uint32_t> weights, std::uint64_t first_pick = 0);
    /// Not while another thread picks.
    WeightedChoice(WeightedChoice&& other) noexcept;

    /// The index of a weight.
    [[nodiscard]] std::size_t pick() noexcept;
    /// Number of the next pick.
    [[nodiscard]] std::uint64_t position() const noexcept;
    /// S: picks after which the turn repeats.
    [[nodiscard]] std::uint64_t period() const noexcept { return period_; }

private:
    std::vector<std::uint64_t> ends_;  ///< target i owns the positions before ends_[i]
    std::uint64_t period_ = 1;
    std::uint64_t stride_ = 1;
    std::atomic<std::uint64_t> next_{0};
};

}  // namespace sluicegate::route
