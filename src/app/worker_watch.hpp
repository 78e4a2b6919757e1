#pragma once
/// Looks at the workers while they run, and says which of them are stalled: in the log, in the
/// metrics, and to the pages of the admin port.
///
/// Threads  the control thread alone.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/net/types.hpp"
#include "sluicegate/worker/worker.hpp"

#include "app/stall_watch.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluicegate::app {

class WorkerWatch {
public:
    /// All of them must outlive it.
    WorkerWatch(net::asio::io_context& control, const SystemClock& clock,
                const std::vector<std::unique_ptr<worker::Worker>>& workers);

    /// Looks until stop().
    net::Task<void> run();
    void stop();
    /// One line for each worker that is stalled, with its number and since when; nothing if none
    /// is.
    [[nodiscard]] std::optional<std::string> why_stalled() const;
    void update_metrics(metrics::Registry& registry) const;

private:
    const SystemClock& clock_;
    const std::vector<std::unique_ptr<worker::Worker>>& workers_;
    net::Timer timer_;
    StallWatch stalls_;
    bool is_stopped_ = false;
};

}  // namespace sluicegate::app
