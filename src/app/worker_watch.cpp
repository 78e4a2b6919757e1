#include "app/worker_watch.hpp"

#include "sluicegate/base/log.hpp"

#include "app/timestamp.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sluicegate::app {
namespace {

void report_stall(const StallWatch::Change& change) {
    const std::string name = "worker " + std::to_string(change.worker);
    const std::string span = std::to_string(change.lasted.count()) + " ms";
    if (change.is_stalled) {
        log::error("worker_stalled", name + " has done nothing for " + span,
                   {{"worker", change.worker}});
    } else {
        log::info("worker_resumed", name + " goes on after " + span, {{"worker", change.worker}});
    }
}

}  // namespace

WorkerWatch::WorkerWatch(net::asio::io_context& control, const SystemClock& clock,
                         const std::vector<std::unique_ptr<worker::Worker>>& workers)
    : clock_(clock), workers_(workers), timer_(control.get_executor()) {
}

net::Task<void> WorkerWatch::run() {
    std::vector<std::optional<std::uint64_t>> ticks(workers_.size());
    while (!is_stopped_) {
        timer_.expires_after(StallWatch::look_every);
        co_await timer_.async_wait(net::use_result);
        std::ranges::transform(workers_, ticks.begin(),
                               [](const auto& worker) { return worker->ticks(); });
        for (const StallWatch::Change& change : stalls_.look(clock_.now(), ticks)) {
            report_stall(change);
        }
    }
}

void WorkerWatch::stop() {
    is_stopped_ = true;
    timer_.cancel();
}

std::optional<std::string> WorkerWatch::why_stalled() const {
    std::string lines;
    for (const StallWatch::Stall& stall : stalls_.stalls()) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(stall.lasted).count();
        lines += "worker " + std::to_string(stall.worker) + " is stalled since ";
        lines += timestamp(clock_.wall_now() - stall.lasted);
        lines += " (" + std::to_string(seconds) + " s)\n";
    }
    if (lines.empty()) return std::nullopt;
    return lines;
}

void WorkerWatch::update_metrics(metrics::Registry& registry) const {
    std::vector<Milliseconds> lasted(workers_.size());
    for (const StallWatch::Stall& stall : stalls_.stalls()) lasted[stall.worker] = stall.lasted;
    for (std::size_t i = 0; i < lasted.size(); ++i) {
        registry.set(metrics::Metric::worker_stalled_seconds,
                     std::chrono::nanoseconds(lasted[i]).count(), {std::to_string(i)});
    }
}

}  // namespace sluicegate::app
