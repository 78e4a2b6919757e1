#include "sluicegate/route/weighted_choice.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

namespace sluicegate::route {
namespace {

/// Sum of the partial quotients of the continued fraction of a / b: the smaller it is, the more
/// evenly the multiples of a / b spread (the discrepancy of any N of them is at most this sum / N).
std::uint64_t quotient_sum(std::uint64_t a, std::uint64_t b) noexcept {
    std::uint64_t sum = 0;
    while (b != 0) {
        sum += a / b;
        a = std::exchange(b, a % b);
    }
    return sum;
}

/// The best stride near period / golden ratio that has no divisor in common with the period.
std::uint64_t stride_for(std::uint64_t period) noexcept {
    constexpr std::uint64_t candidates_each_way = 64;
    constexpr double inverse_golden_ratio = 0.618033988749894848;
    const auto middle =
        static_cast<std::uint64_t>(static_cast<double>(period) * inverse_golden_ratio);
    const std::uint64_t first = middle > candidates_each_way ? middle - candidates_each_way : 1;
    const std::uint64_t last = std::min(middle + candidates_each_way, period - 1);
    std::uint64_t best = 1;
    std::uint64_t best_sum = quotient_sum(1, period);
    for (std::uint64_t stride = first; stride <= last; ++stride) {
        if (std::gcd(stride, period) != 1) continue;
        const std::uint64_t sum = quotient_sum(stride, period);
        if (sum < best_sum) {
            best = stride;
            best_sum = sum;
        }
    }
    return best;
}

}  // namespace

WeightedChoice::WeightedChoice(std::span<const std::uint32_t> weights, std::uint64_t first_pick)
    : next_(first_pick) {
    assert(!weights.empty());
    std::uint64_t divisor = 0;
    for (const std::uint32_t weight : weights) {
        divisor = std::gcd(divisor, std::uint64_t{weight});
    }
    std::uint64_t end = 0;
    for (const std::uint32_t weight : weights) {
        end += divisor == 0 ? 1 : weight / divisor;
        ends_.push_back(end);
    }
    period_ = end;
    stride_ = stride_for(period_);
}

WeightedChoice::WeightedChoice(WeightedChoice&& other) noexcept
    : ends_(std::move(other.ends_)),
      period_(other.period_),
      stride_(other.stride_),
      next_(other.position()) {
}

std::size_t WeightedChoice::pick() noexcept {
    if (ends_.size() == 1) return 0;
    const std::uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    // Sums beyond 32 bits make the product need more than 64.
    const auto position = static_cast<std::uint64_t>(
        static_cast<unsigned __int128>(number % period_) * stride_ % period_);
    const auto owner = std::upper_bound(ends_.begin(), ends_.end(), position);
    return static_cast<std::size_t>(owner - ends_.begin());
}

std::uint64_t WeightedChoice::position() const noexcept {
    return next_.load(std::memory_order_relaxed);
}

}  // namespace sluicegate::route
