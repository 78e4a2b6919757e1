#include "app/stall_watch.hpp"

#include <algorithm>

namespace sluicegate::app {

std::vector<StallWatch::Change> StallWatch::look(
    Instant now, std::span<const std::optional<std::uint64_t>> ticks) {
    const auto since = std::chrono::duration_cast<Milliseconds>(now - looked_at_.value_or(now));
    const Milliseconds counted = std::clamp(since, Milliseconds(0), 2 * look_every);
    looked_at_ = now;
    workers_.resize(ticks.size());
    std::vector<Change> changes;
    for (std::size_t i = 0; i < ticks.size(); ++i) {
        Watched& worker = workers_[i];
        const bool is_silent = ticks[i] && ticks[i] == worker.ticks;
        const Milliseconds lasted = worker.silent + counted;
        worker.ticks = ticks[i];
        worker.silent = is_silent ? lasted : Milliseconds(0);
        const bool is_stalled = worker.silent >= threshold;
        if (is_stalled != worker.is_stalled) changes.push_back({i, is_stalled, lasted});
        worker.is_stalled = is_stalled;
    }
    return changes;
}

std::vector<StallWatch::Stall> StallWatch::stalls() const {
    std::vector<Stall> found;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        if (workers_[i].is_stalled) found.push_back({i, workers_[i].silent});
    }
    return found;
}

}  // namespace sluicegate::app
