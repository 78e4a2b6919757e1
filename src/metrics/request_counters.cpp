#include "sluicegate/metrics/request_counters.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

namespace sluicegate::metrics {

void RequestCounters::count(const Finished& finished) {
    const std::size_t row = finished.model ? static_cast<std::size_t>(*finished.model) + 1 : 0;
    if (row >= models_.size()) models_.resize(row + 1);
    auto& entries = models_[row];
    const std::uint32_t outcome =
        finished.error ? static_cast<std::uint32_t>(*finished.error) + 1 : 0;
    const std::uint32_t key = finished.status << 8 | outcome;
    const auto entry = std::find_if(entries.begin(), entries.end(),
                                    [key](const Entry& candidate) { return candidate.key == key; });
    if (entry != entries.end()) {
        entry->counter.add();
        return;
    }
    Counter counter = registry_.counter(
        Metric::requests_total,
        {finished.model ? finished.model_name : unknown_model, std::to_string(finished.status),
         finished.error ? name_of(*finished.error) : std::string_view("ok")});
    counter.add();
    entries.push_back({.key = key, .counter = counter});
}

}  // namespace sluicegate::metrics
