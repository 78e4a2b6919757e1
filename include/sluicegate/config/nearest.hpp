#pragma once
/// Finds the known name that is nearest to a misspelled one.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluicegate::config {

/// The candidate with the smallest edit distance (a swap of neighbours counts 1). The distance must
/// be at most a third of the longer name's length, or 1. Nothing if no candidate is near.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view name,
                                                      std::span<const std::string_view> candidates);

/// ", did you mean X?" for the end of a message, or "". Many candidates are not searched.
[[nodiscard]] std::string did_you_mean(std::string_view name,
                                       std::span<const std::string_view> candidates);

}  // namespace sluicegate::config
