#pragma once
/// Connections that are made before a request needs them.
///
/// Bounds   a few at a time. After a failure nothing is begun for a second, then for twice as long
///          each time in vain, up to a minute.
/// Threads  one: the worker's.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/net/types.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

namespace sluicegate::upstream {

class Connector;
class Pool;

class WarmUp {
public:
    static constexpr std::size_t at_once_max = 4;
    static constexpr Milliseconds pause_min = std::chrono::seconds(1);
    static constexpr Milliseconds pause_max = std::chrono::minutes(1);

    WarmUp() = default;
    WarmUp(const WarmUp&) = delete;
    WarmUp& operator=(const WarmUp&) = delete;

    /// Begins as many connections of the pool, whose part this is, as are missing.
    void refill(const std::shared_ptr<Pool>& pool, Instant now);
    /// Ends those that are being made, and begins no more.
    void stop() noexcept;

private:
    /// How many connections are being made.
    [[nodiscard]] std::size_t running_count() noexcept;
    /// The pool outlives the task, and with it this object.
    net::Task<void> make_one(std::shared_ptr<Pool> pool, std::shared_ptr<Connector> connector);

    std::vector<std::weak_ptr<Connector>> connectors_;  ///< each is owned by its task
    Milliseconds pause_ = pause_min;
    Instant next_at_ = Instant::min();
    bool is_stopped_ = false;
};

}  // namespace sluicegate::upstream
