#pragma once
/// How the workers end: they drain; what still runs at the deadline, or at a second signal, is
/// closed; when a worker takes no order, the process ends by force.
///
/// Threads  the control thread alone.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/client/connection_places.hpp"
#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/net/types.hpp"
#include "sluicegate/worker/worker.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace sluicegate::app {

class Shutdown {
public:
    struct Parts {
        net::asio::io_context& control;
        const std::vector<std::unique_ptr<worker::Worker>>& workers;
        const metrics::Registry& registry;
        const client::ConnectionPlaces& places;
        std::function<void()> save;  ///< what must outlive a forced end
    };
    explicit Shutdown(Parts parts);

    void drain(Milliseconds timeout);
    /// Closes what still runs.
    void stop();
    /// The last worker has ended.
    void end();

    [[nodiscard]] bool is_draining() const noexcept { return is_draining_; }
    /// Requests that ran when what still ran was closed.
    [[nodiscard]] std::int64_t dropped() const noexcept { return dropped_; }

private:
    net::Task<void> stop_at_deadline(Milliseconds timeout);
    net::Task<void> force_unless_ended();

    Parts parts_;
    net::Timer drain_timer_;
    net::Timer force_timer_;
    std::int64_t dropped_ = 0;
    bool is_draining_ = false;
    bool is_stopping_ = false;
    bool has_ended_ = false;
};

}  // namespace sluicegate::app
