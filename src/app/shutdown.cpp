#include "app/shutdown.hpp"

#include "sluicegate/base/log.hpp"
#include "sluicegate/net/spawn.hpp"

#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>

namespace sluicegate::app {
namespace {

/// After an order to stop, for the workers; then for the log.
constexpr Milliseconds stop_patience{3'000};
constexpr Milliseconds log_patience{500};
constexpr int forced_end_status = 1;

}  // namespace

Shutdown::Shutdown(Parts parts)
    : parts_(std::move(parts)), drain_timer_(parts_.control), force_timer_(parts_.control) {
}

void Shutdown::drain(Milliseconds timeout) {
    is_draining_ = true;
    log::info("draining", "no new connections; running requests may end",
              {{"deadline_ms", timeout.count()}});
    for (const auto& worker : parts_.workers) worker->drain();
    net::spawn(parts_.control, stop_at_deadline(timeout), "drain deadline");
}

net::Task<void> Shutdown::stop_at_deadline(Milliseconds timeout) {
    // The last worker may have ended before this began: its cancel has come already.
    if (has_ended_) co_return;
    drain_timer_.expires_after(timeout);
    auto [cancelled] = co_await drain_timer_.async_wait(net::use_result);
    if (cancelled) co_return;
    log::warn("drain", "the deadline has passed: closing what still runs");
    stop();
}

void Shutdown::stop() {
    if (!is_stopping_) {
        const auto samples = parts_.registry.collect(metrics::Metric::requests_in_flight);
        if (!samples.empty()) dropped_ = samples.front().values.front();
    }
    for (const auto& worker : parts_.workers) worker->stop();
    if (std::exchange(is_stopping_, true)) return;
    net::spawn_vital(parts_.control, force_unless_ended(), "forced end");
}

/// A worker that hangs takes no order. SignalGuard does the same a little later, should this
/// thread hang too.
net::Task<void> Shutdown::force_unless_ended() {
    if (has_ended_) co_return;
    force_timer_.expires_after(stop_patience);
    auto [cancelled] = co_await force_timer_.async_wait(net::use_result);
    if (cancelled) co_return;
    std::string workers;
    for (std::size_t i = 0; i < parts_.workers.size(); ++i) {
        if (!parts_.workers[i]->ticks()) continue;
        workers += (workers.empty() ? "" : ", ") + std::to_string(i);
    }
    parts_.save();
    log::error("forced_end", "workers that did not stop: " + workers + "; the process ends",
               {{"workers", workers},
                {"client_connections", parts_.places.taken()},
                {"status", forced_end_status}});
    log::flush(log_patience);
    std::string words = "sluicegate: forced end: workers that did not stop: " + workers;
    words += "; client connections cut: " + std::to_string(parts_.places.taken());
    words += "; entries of the log not written: " + std::to_string(log::unwritten_count());
    log::write_last_words(std::move(words));
    std::_Exit(forced_end_status);
}

void Shutdown::end() {
    has_ended_ = true;
    drain_timer_.cancel();
    force_timer_.cancel();
}

}  // namespace sluicegate::app
