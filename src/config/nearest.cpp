#include "sluicegate/config/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace sluicegate::config {
namespace {

/// Longer names are not compared: the time grows with the product of the lengths.
constexpr std::size_t compared_bytes_max = 128;

/// Larger sets are not searched: it would take too long for a hint.
constexpr std::size_t searched_names_max = 1000;

/// Optimal string alignment: insert, delete, replace, or swap two neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> previous(b.size() + 1);
    std::vector<std::size_t> current(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                current[j] = std::min(current[j], before[j - 2] + 1);
            }
        }
        std::swap(before, previous);
        std::swap(previous, current);
    }
    return previous[b.size()];
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view name,
                                        std::span<const std::string_view> candidates) {
    std::optional<std::string_view> best;
    std::size_t best_distance = 0;
    if (name.size() > compared_bytes_max) return best;
    for (const std::string_view candidate : candidates) {
        if (candidate.size() > compared_bytes_max) continue;
        const std::size_t distance = edit_distance(name, candidate);
        const std::size_t allowed =
            std::max<std::size_t>(1, std::max(name.size(), candidate.size()) / 3);
        if (distance <= allowed && (!best || distance < best_distance)) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates) {
    if (candidates.size() > searched_names_max) return "";
    const auto near = nearest(name, candidates);
    return near ? ", did you mean " + std::string(*near) + "?" : "";
}

}  // namespace sluicegate::config
