#include "sluicegate/openai/plausible_usage.hpp"

#include <algorithm>

namespace sluicegate::openai {
namespace {

/// The figure for one of several differs from the sum by half at least; estimates differ by less.
bool is_of_one_alone(std::int64_t reported, std::int64_t counted, std::int64_t count) noexcept {
    return count > 1 && reported * 4 < counted * 3;
}

bool is_untrue(std::int64_t reported, std::int64_t counted, std::int64_t count) noexcept {
    return (reported == 0 && counted > 0) || is_of_one_alone(reported, counted, count);
}

}  // namespace

PlausibleUsage plausible_usage(const Usage& reported, const SeenTokens& seen) noexcept {
    PlausibleUsage out{.usage = reported};
    if (reported.audio_ms > 0) return out;
    Usage& usage = out.usage;
    if (usage.is_input_derived && usage.output == 0 && seen.output > 0) {
        // The total holds both, however they are divided.
        usage.output = std::min(seen.output, usage.total);
        usage.input = std::max<std::int64_t>(usage.total - usage.output, 0);
        return out;
    }
    if (is_untrue(usage.output, seen.output, seen.answers)) {
        usage.output = seen.output;
        out.is_replaced = true;
    }
    if (is_untrue(usage.input, seen.prompt, seen.prompts)) {
        usage.input = seen.prompt;
        out.is_replaced = true;
    }
    usage.total = std::min(std::max(usage.total, usage.input + usage.output), usage_max);
    return out;
}

Usage larger_parts(const Usage& a, const Usage& b) noexcept {
    // What only fills a total up gives way to what was reported as such.
    const bool is_a_better = b.is_input_derived && !a.is_input_derived;
    const bool is_b_better = a.is_input_derived && !b.is_input_derived;
    Usage out{.input = is_a_better   ? a.input
                       : is_b_better ? b.input
                                     : std::max(a.input, b.input),
              .output = std::max(a.output, b.output),
              .total = std::max(a.total, b.total),
              .cached_input = std::max(a.cached_input, b.cached_input),
              .cache_write = std::max(a.cache_write, b.cache_write),
              .reasoning = std::max(a.reasoning, b.reasoning),
              .audio_ms = std::max(a.audio_ms, b.audio_ms),
              .is_input_derived = a.is_input_derived && b.is_input_derived};
    out.total = std::min(std::max(out.total, out.input + out.output), usage_max);
    return out;
}

}  // namespace sluicegate::openai
