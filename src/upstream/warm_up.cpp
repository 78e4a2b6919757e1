#include "upstream/warm_up.hpp"

#include "sluicegate/net/spawn.hpp"

#include "upstream/connector.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::upstream {

void WarmUp::refill(const std::shared_ptr<Pool>& pool, Instant now) {
    const std::size_t wanted = pool->settings().pool.prewarm;
    while (!is_stopped_ && now >= next_at_ && running_count_ < at_once_max &&
           pool->idle_count() + running_count_ < wanted) {
        ++running_count_;
        net::spawn(pool->services().context, make_one(pool), "prewarming a connection");
    }
}

void WarmUp::stop() noexcept {
    is_stopped_ = true;
    for (Connector* connector : connectors_) connector->cancel();
}

void WarmUp::took_too_long(void* connector) noexcept {
    static_cast<Connector*>(connector)->cancel();
}

net::Task<void> WarmUp::make_one(std::shared_ptr<Pool> pool) {
    net::Deadlines& deadlines = pool->services().deadlines;
    Connector connector(*pool);
    net::Deadline deadline(deadlines, &connector, &WarmUp::took_too_long);
    deadline.arm_in(pool->settings().timeouts.connect);
    connectors_.push_back(&connector);
    if (is_stopped_) connector.cancel();
    auto made = co_await connector.run();
    std::erase(connectors_, &connector);
    --running_count_;

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
