#include "sluicegate/limit/output_estimates.hpp"

#include "sluicegate/limit/plan.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sluicegate::limit {
namespace {

/// The figure is kept in thousandths of a token, so that small steps of a small figure count.
constexpr std::int64_t scale = 1000;

/// Where one completion in ten is longer, nine steps down make up for one step up:
/// (1 - 0.0172)^9 * 1.169 = 1. In ten-thousandths of the figure.
constexpr std::int64_t step_up = 1690;
constexpr std::int64_t step_down = 172;
constexpr std::int64_t whole = 10'000;
/// So many shorter completions in a row are rare (3 %) while the figure is right. After them it
/// falls faster: otherwise a shift downwards would take ten times as long as one upwards.
constexpr std::uint8_t below_many = 33;
constexpr std::int64_t hurry = 8;

/// The first completions move the figure further.
constexpr std::int64_t gain_of(std::uint8_t samples) noexcept {
    return samples < 16 ? 4 : samples < 32 ? 2 : 1;
}

constexpr std::size_t pairs_max = 64 * 1024;
constexpr std::size_t models_max = 1024;

std::uint64_t pair_of(UserId user, ModelId model) noexcept {
    return std::uint64_t{static_cast<std::uint32_t>(user)} << 32U |
           static_cast<std::uint32_t>(model);
}

template <class Figures>
std::optional<std::int64_t> known(const Figures& figures, std::uint64_t key) {
    const auto at = figures.find(key);
    if (at == figures.end() || at->second.samples < OutputEstimates::samples_min) {
        return std::nullopt;
    }
    return at->second.tokens();
}

template <class Figures>
void learn_in(Figures& figures, std::uint64_t key, std::size_t keys_max, std::int64_t tokens,
              Figures& forgotten) {
    if (figures.size() >= keys_max && !figures.contains(key))
        forgotten = std::exchange(figures, {});
    OutputEstimate& estimate = figures[key];
    estimate = estimate.after(tokens);
}

}  // namespace

OutputEstimate OutputEstimate::after(std::int64_t completion_tokens) const noexcept {
    constexpr std::int64_t most = Plan::value_max * scale;
    const std::int64_t seen =
        std::clamp<std::int64_t>(completion_tokens, 1, Plan::value_max) * scale;
    OutputEstimate next = *this;
    if (samples < 0xFF) ++next.samples;
    if (samples == 0) {
        next.scaled = seen;
    } else if (seen > scaled) {
        next.scaled = std::min(scaled + scaled * step_up * gain_of(samples) / whole, most);
        next.below = 0;
    } else {
        const std::int64_t step = step_down * gain_of(samples) * (below >= below_many ? hurry : 1);
        next.scaled = std::max(scaled - scaled * step / whole, scale);
        if (below < 0xFF) ++next.below;
    }
    return next;
}

/// Rounded up.
std::int64_t OutputEstimate::tokens() const noexcept {
    return (scaled + scale - 1) / scale;
}

std::int64_t OutputEstimates::guess(UserId user, ModelId model) const {
    const std::lock_guard guard(mutex_);
    if (const auto own = known(pairs_, pair_of(user, model))) return *own;
    return known(models_, static_cast<std::uint32_t>(model)).value_or(unknown);
}

void OutputEstimates::learn(UserId user, ModelId model, std::int64_t completion_tokens) {
    Figures forgotten;  // its memory is given back without the mutex
    const std::lock_guard guard(mutex_);
    learn_in(pairs_, pair_of(user, model), pairs_max, completion_tokens, forgotten);
    learn_in(models_, static_cast<std::uint32_t>(model), models_max, completion_tokens, forgotten);
}

}  // namespace sluicegate::limit
