#pragma once
/// Which choices of a stream have ended, and what each of them reported for itself.
///
/// Bounds  choices_max of them; what is beyond counts for nothing.

#include "sluicegate/openai/usage.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluicegate::openai {

class ChoiceTable {
public:
    static constexpr std::int64_t choices_max = 16 * 1024;

    /// `wanted`: as many were asked for.
    explicit ChoiceTable(std::int64_t wanted) noexcept : wanted_(wanted) {}

    void finish(std::int64_t index);
    [[nodiscard]] bool are_finished() const noexcept { return finished_ >= wanted_; }

    /// The sum of what the choices report, each for itself. The prompt is the same for all.
    [[nodiscard]] Usage report(std::int64_t index, const Usage& usage);

    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return choices_.capacity() * sizeof(Choice);
    }

private:
    struct Choice {
        bool is_finished = false;
        std::int64_t output = 0;
        std::int64_t reasoning = 0;
    };
    /// Null for an index that is beyond the bounds.
    [[nodiscard]] Choice* at(std::int64_t index);

    std::int64_t wanted_;
    std::int64_t finished_ = 0;
    std::vector<Choice> choices_;
    Usage sum_;
};

}  // namespace sluicegate::openai
