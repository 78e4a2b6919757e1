#pragma once
/// How long answers are when a request states no cap: a figure learned per user and model.
///
/// The figure follows the 90th percentile of the completions seen. It moves up by nine parts when
/// a completion was longer and down by one part when it was not, so it rests where one in ten is
/// longer. The parts are of the figure itself, so it crosses four orders of magnitude in some
/// hundred completions, either way.
///
/// Units      model tokens of one completion.
/// Threads    any number may call everything at once.
/// Memory     bounded: 64 Ki pairs and 1 Ki models. When more are in use, all are forgotten, and
///            learning begins anew.
/// Errors     a guess that is wrong is corrected when the request is settled (law L5).

#include "sluicegate/base/ids.hpp"

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace sluicegate::limit {

/// One learned percentile: a step of it is a pure function.
struct OutputEstimate {
    std::int64_t scaled = 0;   ///< the figure, in thousandths of a token
    std::uint8_t samples = 0;  ///< completions seen; stays at its maximum
    std::uint8_t below = 0;    ///< completions in a row that were not longer; stays at its maximum

    [[nodiscard]] OutputEstimate after(std::int64_t completion_tokens) const noexcept;
    /// At least 1 once there is a sample.
    [[nodiscard]] std::int64_t tokens() const noexcept;
};

class OutputEstimates {
public:
    /// What is guessed while nothing is known.
    static constexpr std::int64_t unknown = 1024;
    /// Completions after which a figure is taken for knowledge.
    static constexpr std::uint8_t samples_min = 8;

    /// The pair's figure, else the model's (over all users), else `unknown`: 1 … Plan::value_max.
    [[nodiscard]] std::int64_t guess(UserId user, ModelId model) const;
    /// A completion of so many tokens; out of 1 … Plan::value_max it counts as the nearest bound.
    void learn(UserId user, ModelId model, std::int64_t completion_tokens);

private:
    using Figures = std::unordered_map<std::uint64_t, OutputEstimate>;

    mutable std::mutex mutex_;
    Figures pairs_;
    Figures models_;
};

}  // namespace sluicegate::limit
