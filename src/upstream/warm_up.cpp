#include "upstream/warm_up.hpp"

#include "sluicegate/net/spawn.hpp"

#include "upstream/connector.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::upstream {

std::size_t WarmUp::running_count() noexcept {
    std::erase_if(connectors_, [](const auto& connector) { return connector.expired(); });
    return connectors_.size();
}

void WarmUp::refill(const std::shared_ptr<Pool>& pool, Instant now) {
    const OpenConnections* const open = pool->services().open;
    if (open != nullptr && open->excess() > 0) return;
    const std::size_t wanted = pool->settings().pool.prewarm;
    while (!is_stopped_ && now >= next_at_ && running_count() < at_once_max &&
           pool->idle_count() + running_count() < wanted) {
        auto connector = std::make_shared<Connector>(*pool);
        connectors_.push_back(connector);
        net::spawn(pool->services().context, make_one(pool, std::move(connector)),
                   "prewarming a connection");
    }
}

void WarmUp::stop() noexcept {
    is_stopped_ = true;
    for (const auto& running : connectors_) {
        if (const auto connector = running.lock()) connector->cancel();
    }
}

net::Task<void> WarmUp::make_one(std::shared_ptr<Pool> pool, std::shared_ptr<Connector> connector) {
    net::Deadlines& deadlines = pool->services().deadlines;
    const Milliseconds timeout = pool->settings().timeouts.connect;
    auto made = co_await connector->run(deadlines.now() + net::Deadlines::tick_length + timeout);
    connector.reset();

    if (made) {
        pause_ = pause_min;
        pool->give_back(std::move(*made));
        refill(pool, deadlines.now());
    } else if (deadlines.now() >= next_at_) {
        // Of several that fail together, the first decides about the pause.
        next_at_ = deadlines.now() + pause_;
        pause_ = std::min(pause_ * 2, pause_max);
    }
}

}  // namespace sluicegate::upstream
