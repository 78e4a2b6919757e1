#pragma once
/// Usage that cannot be true: each part that contradicts what was seen is replaced by what was
/// counted, so that no limit fails to hold in silence.
///
/// Rules   nothing where a prompt or output was seen; of several answers or prompts, so little that
///         it is that of one of them. A part that is missing counts as nothing, unless the total
///         tells it. A report by seconds stays.
/// Source  docs/metering.md, "Usage that cannot be true".

#include "sluicegate/openai/usage.hpp"

#include <cstdint>

namespace sluicegate::openai {

/// What the gateway counted itself, in tokens.
struct SeenTokens {
    std::int64_t prompt = 0;  ///< estimated
    std::int64_t output = 0;  ///< 0 where the endpoint has none
    std::int64_t prompts = 1;
    std::int64_t answers = 1;  ///< choices times prompts
};

struct PlausibleUsage {
    Usage usage;
    bool is_replaced = false;  ///< at least one part of it
};

[[nodiscard]] PlausibleUsage plausible_usage(const Usage& reported,
                                             const SeenTokens& seen) noexcept;

/// A later report of the same answer: counts grow, so of each part the larger one is true.
[[nodiscard]] Usage larger_parts(const Usage& a, const Usage& b) noexcept;

}  // namespace sluicegate::openai
