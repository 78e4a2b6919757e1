#include "sluicegate/route/weighted_choice.hpp"

#include <algorithm>
#include <cassert>
#include <mutex>
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

/// The best stride near circle / golden ratio that has no divisor in common with the circle.
std::uint64_t stride_for(std::uint64_t circle) noexcept {
    constexpr std::uint64_t candidates_each_way = 64;
    constexpr double inverse_golden_ratio = 0.618033988749894848;
    const auto middle =
        static_cast<std::uint64_t>(static_cast<double>(circle) * inverse_golden_ratio);
    const std::uint64_t first = middle > candidates_each_way ? middle - candidates_each_way : 1;
    const std::uint64_t last = std::min(middle + candidates_each_way, circle - 1);
    std::uint64_t best = 1;
    std::uint64_t best_sum = quotient_sum(1, circle);
    for (std::uint64_t stride = first; stride <= last; ++stride) {
        if (std::gcd(stride, circle) != 1) continue;
        const std::uint64_t sum = quotient_sum(stride, circle);
        if (sum < best_sum) {
            best = stride;
            best_sum = sum;
        }
    }
    return best;
}

/// Spreads `counts`, which add up to the number of places, evenly over the places: each time, of
/// those who are not ahead of their share the one who must come soonest. Nobody is then ever a
/// whole place before or behind (Tijdeman, "The chairman assignment problem").
void spread(std::span<const std::uint64_t> counts, std::span<std::uint32_t> places) {
    const std::uint64_t all = places.size();
    std::vector<std::uint64_t> given(counts.size(), 0);
    for (std::size_t place = 0; place < places.size(); ++place) {
        std::size_t best = counts.size();
        std::uint64_t best_deadline = 0;
        for (std::size_t i = 0; i < counts.size(); ++i) {
            const bool is_ahead = counts[i] * (place + 1) <= all * given[i];
            if (is_ahead) continue;
            const std::uint64_t deadline = (all * (given[i] + 1) + counts[i] - 1) / counts[i];
            if (best != counts.size() && deadline >= best_deadline) continue;
            best = i;
            best_deadline = deadline;
        }
        places[place] = static_cast<std::uint32_t>(best);
        ++given[best];
    }
}

}  // namespace

/// Who sits where: a target that has an open seat in two blocks in a row keeps its place, so that
/// no 100 picks that begin in one and end in the other hold it twice.
class WeightedChoice::Seating {
public:
    Seating(std::size_t seats, std::uint64_t first_block)
        : seats_(seats), targets_(rows * seats, nobody), begun_(first_block), next_(first_block) {}

    std::size_t at(const WeightedChoice& choice, std::size_t seat, std::uint64_t number) {
        const std::scoped_lock lock(mutex_);
        while (next_ <= number) seat_next(choice);
        // A thread that slept for more than a thousand picks finds its block gone.
        if (next_ - number > rows) return choice.owner_of(seat, number);
        return row_of(number)[seat];
    }

private:
    static constexpr std::uint64_t rows = 16;  ///< blocks that are remembered
    static constexpr std::size_t nobody = ~std::size_t{0};

    std::span<std::size_t> row_of(std::uint64_t number) {
        return std::span(targets_).subspan(number % rows * seats_, seats_);
    }

    void seat_next(const WeightedChoice& choice) {
        const std::span<std::size_t> row = row_of(next_);
        const std::span<std::size_t> last = row_of(next_ + rows - 1);
        std::ranges::fill(row, nobody);
        std::vector<std::size_t> newcomers;
        for (std::size_t seat = 0; seat < seats_; ++seat) {
            const std::size_t target = choice.owner_of(seat, next_);
            const auto kept = std::ranges::find(last, target);
            if (kept == last.end() || next_ == begun_) {
                newcomers.push_back(target);
            } else {
                row[static_cast<std::size_t>(kept - last.begin())] = target;
            }
        }
        auto newcomer = newcomers.begin();
        for (std::size_t& target : row) {
            if (target == nobody) target = *newcomer++;
        }
        ++next_;
    }

    std::mutex mutex_;
    std::size_t seats_;
    std::vector<std::size_t> targets_;  ///< row after row, by block number modulo `rows`
    std::uint64_t begun_;               ///< the first block; nobody sat before
    std::uint64_t next_;                ///< the first block that is not seated yet
};

WeightedChoice::WeightedChoice(std::span<const std::uint32_t> weights, std::uint64_t first_pick)
    : targets_(weights.size()), next_(first_pick) {
    assert(!weights.empty());
    std::vector<std::uint64_t> parts(weights.begin(), weights.end());
    if (std::ranges::all_of(parts, [](std::uint64_t part) { return part == 0; })) {
        std::ranges::fill(parts, 1);
    }
    const std::uint64_t sum = std::accumulate(parts.begin(), parts.end(), std::uint64_t{0});

    // Of each block a target gets the whole part of its share for certain. The rest is a number of
    // open seats, dealt out block by block.
    std::vector<std::uint64_t> whole;
    std::vector<std::uint64_t> rest;
    std::uint64_t divisor = sum;
    for (const std::uint64_t part : parts) {
        whole.push_back(part * block / sum);
        rest.push_back(part * block % sum);
        divisor = std::gcd(divisor, rest.back());
    }
    const std::uint64_t seats =
        block - std::accumulate(whole.begin(), whole.end(), std::uint64_t{0});
    whole.push_back(seats);
    spread(whole, places_);
    std::uint32_t seat = 0;
    for (std::uint32_t& place : places_) {
        if (place == targets_) place += seat++;
    }

    if (seats == 0) {
        period_ = block / std::accumulate(whole.begin(), whole.end(), std::uint64_t{block},
                                          [](auto a, auto b) { return std::gcd(a, b); });
        return;
    }
    circle_ = sum / divisor;
    period_ = block * circle_;
    std::uint64_t end = 0;
    for (const std::uint64_t part : rest) ends_.push_back(end += part / divisor);
    const auto sharers = std::ranges::count_if(rest, [](std::uint64_t part) { return part != 0; });
    // Between two, steps of the first one's part are the most even there can be.
    stride_ = sharers == 2 ? *std::ranges::find_if(ends_, [](auto at) { return at != 0; })
                           : stride_for(circle_);
    if (seats > 1) seating_ = std::make_unique<Seating>(seats, first_pick / block);
}

WeightedChoice::WeightedChoice(WeightedChoice&& other) noexcept
    : places_(other.places_),
      targets_(other.targets_),
      ends_(std::move(other.ends_)),
      circle_(other.circle_),
      stride_(other.stride_),
      period_(other.period_),
      seating_(std::move(other.seating_)),
      next_(other.position()) {
}

WeightedChoice::~WeightedChoice() = default;

std::size_t WeightedChoice::pick() noexcept {
    const std::uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    const std::size_t place = places_[number % block];
    if (place < targets_) return place;
    const std::size_t seat = place - targets_;
    if (seating_ != nullptr) return seating_->at(*this, seat, number / block);
    return owner_of(seat, number / block);
}

std::size_t WeightedChoice::owner_of(std::size_t seat, std::uint64_t block_number) const noexcept {
    // One point on each circle's length of the line, all moved on by the stride with each block:
    // a target, whose part is shorter than a circle, never owns two of them.
    const auto moved = static_cast<std::uint64_t>(
        static_cast<unsigned __int128>(block_number % circle_) * stride_ % circle_);
    const auto owner = std::upper_bound(ends_.begin(), ends_.end(), seat * circle_ + moved);
    return static_cast<std::size_t>(owner - ends_.begin());
}

std::uint64_t WeightedChoice::position() const noexcept {
    return next_.load(std::memory_order_relaxed);
}

}  // namespace sluicegate::route
