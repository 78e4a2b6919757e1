#pragma once
/// How long answers are when a request states no cap: a figure learned per user and model.
///
/// The figure follows the 90th percentile of the completions seen: it moves up by nine parts when
/// a completion was longer and down by one part when it was not, so that it rests where one in ten
/// is longer. The parts are of the figure itself, so that it crosses four orders of magnitude in
/// some hundred completions, either way.
///
/// Units      model tokens of one completion.
/// Threads    any number may call everything at once; no locks. A race loses one completion's
///            step, nothing else.
/// Memory     fixed: 64 Ki pairs and 1 Ki models, 8 bytes each. When more are in use, newcomers
///            take the place of others, which loses what was known, never more.
/// Errors     a guess that is wrong is corrected when the request is settled (law L5).

#include "sluicegate/base/ids.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace sluicegate::limit {

/// One learned percentile: a step of it is a pure function, and it fits into four bytes.
struct OutputEstimate {
    std::uint16_t level = 0;   ///< the figure in a fixed-point logarithm: 5 bits, 11 behind
    std::uint8_t samples = 0;  ///< completions seen; stays at its maximum
    std::uint8_t below = 0;    ///< completions in a row that were not longer; stays at its maximum

    [[nodiscard]] OutputEstimate after(std::int64_t completion_tokens) const noexcept;
    /// At least 1.
    [[nodiscard]] std::int64_t tokens() const noexcept;
};

class OutputEstimates {
public:
    /// What is guessed while nothing is known.
    static constexpr std::int64_t unknown = 1024;
    /// Completions after which a figure is taken for knowledge.
    static constexpr std::uint8_t samples_min = 8;

    OutputEstimates();

    /// The pair's figure, else the model's (over all users), else `unknown`: 1 … Plan::value_max.
    [[nodiscard]] std::int64_t guess(UserId user, ModelId model) const noexcept;
    /// A completion of so many tokens; out of 1 … Plan::value_max it counts as the nearest bound.
    void learn(UserId user, ModelId model, std::int64_t completion_tokens) noexcept;

private:
    /// A cache line of entries, each a tag and an estimate in one word; 0 is free.
    struct alignas(64) Bucket {
        std::array<std::atomic<std::uint64_t>, 8> entries{};
    };
    class Table {
    public:
        explicit Table(std::size_t buckets);  ///< a power of two
        [[nodiscard]] std::optional<std::int64_t> find(std::uint64_t hash) const noexcept;
        void learn(std::uint64_t hash, std::int64_t tokens) noexcept;

    private:
        [[nodiscard]] Bucket& bucket_of(std::uint64_t hash) const noexcept;

        std::size_t mask_;
        std::unique_ptr<Bucket[]> buckets_;
    };

    Table pairs_;
    Table models_;
};

}  // namespace sluicegate::limit
