#include "gateway/line_wait.hpp"

#include <boost/asio/post.hpp>

#include <memory>
#include <string_view>
#include <utility>

namespace sluicegate::gateway {
namespace {

using route::Walk;

/// Ends the wait on a timer that nothing else ever ends: a grant from any thread, the deadline, or
/// the client's leaving.
class Wait final : public ClientConnection::Watched {
public:
    explicit Wait(Worker& worker)
        : context_(worker.context()),
          timer_(std::make_shared<net::Timer>(context_.get_executor(), Instant::max())),
          deadline_(worker.deadlines(), this, &Wait::expired) {}

    bool goes_on_alone() noexcept override { return false; }
    void cancel() noexcept override { end(); }

    /// For the one who grants, on any thread: the timer may be gone when its worker gets to it.
    [[nodiscard]] route::WaitingLine::Wake wake() const {
        return [context = &context_, timer = std::weak_ptr<net::Timer>(timer_)] {
            net::asio::post(*context, [timer] {
                if (const auto waiting = timer.lock()) waiting->expires_at(Instant::min());
            });
        };
    }
    net::Task<void> until(Instant give_up_at) {
        deadline_.arm(give_up_at);
        co_await timer_->async_wait(net::use_result);
        deadline_.disarm();
    }

private:
    static void expired(void* self) noexcept { static_cast<Wait*>(self)->end(); }
    /// Whether or not the timer is waited for already.
    void end() noexcept { timer_->expires_at(Instant::min()); }

    net::asio::io_context& context_;
    std::shared_ptr<net::Timer> timer_;
    net::Deadline deadline_;
};

void count(Request& request, std::size_t upstream, std::string_view outcome) {
    request.worker.registry()
        .counter(metrics::Metric::upstream_queue_total,
                 {request.config().config.upstreams[upstream].name, outcome})
        .add();
}

}  // namespace

net::Task<Walk::Step> wait_in_line(Request& request, const Routed& routed, Walk& walk) {
    const route::Entry& entry = routed.model->route->entries()[walk.entry()];
    Worker& worker = request.worker;
    const Instant began = worker.clock().now();
    Wait wait(worker);
    route::Place place = walk.line_up(wait.wake(), began);
    if (!place) {
        count(request, entry.upstream, "full");
        co_return walk.waited(std::move(place), began);
    }
    {
        const ClientConnection::DepartureWatch watch(request.client, wait);
        co_await wait.until(began + entry.state->queue_timeout());
    }
    const Instant now = worker.clock().now();
    request.record.queued += std::chrono::duration_cast<Milliseconds>(now - began);
    request.snapshot->upstream_counters[entry.upstream].queued.observe(now - began);
    if (request.client.has_gone()) {
        count(request, entry.upstream, "left");
        co_return Walk::Step();
    }
    const std::size_t upstream = entry.upstream;
    Walk::Step step = walk.waited(std::move(place), now);
    const bool is_granted = step.kind == Walk::Step::send &&
                            routed.model->route->entries()[step.entry].upstream == upstream;
    count(request, upstream, is_granted ? "granted" : "timeout");
    co_return step;
}

}  // namespace sluicegate::gateway
