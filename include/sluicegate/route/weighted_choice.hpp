#pragma once
/// Which of several weighted targets takes the next request: in turn, not by chance.
///
/// Law        of any 100 picks in a row, each target gets its share or, where that is not a whole
///            number, one of the two whole numbers next to it. In the long run the shares are
///            exact: of the first period() picks, and of each period after that.
/// Weights    0 to 1,000,000 in the configuration; any 32-bit value works. 0 is never picked,
///            except where every weight is 0: then all count as equal.
/// Threads    pick() from any; picks are numbered by one relaxed atomic counter. With more than
///            two targets and shares that are no whole percents, one pick in a hundred for each of
///            them but one takes a mutex for some tens of nanoseconds.
/// Source     docs/routing.md has the construction and why the law holds.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
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
    ~WeightedChoice();

    /// The index of a weight.
    [[nodiscard]] std::size_t pick() noexcept;
    /// Number of the next pick.
    [[nodiscard]] std::uint64_t position() const noexcept;
    /// Picks after which the turn repeats.
    [[nodiscard]] std::uint64_t period() const noexcept { return period_; }

private:
    class Seating;
    /// Picks come in blocks of so many: this is where "any 100" comes from.
    static constexpr std::size_t block = 100;

    /// The target whose turn an open seat is in a block.
    [[nodiscard]] std::size_t owner_of(std::size_t seat, std::uint64_t block_number) const noexcept;

    /// By the place in a block: a target, or its number of targets + an open seat.
    std::array<std::uint32_t, block> places_{};
    std::size_t targets_;
    std::vector<std::uint64_t> ends_;  ///< target i owns the points before ends_[i]
    std::uint64_t circle_ = 1;         ///< points for each open seat
    std::uint64_t stride_ = 0;
    std::uint64_t period_ = 1;
    std::unique_ptr<Seating> seating_;  ///< with two open seats or more
    std::atomic<std::uint64_t> next_{0};
};

}  // namespace sluicegate::route
