#include "gateway/queue_wait.hpp"

#include "sluicegate/net/wakeup.hpp"

#include <boost/asio/post.hpp>

#include <memory>
#include <string_view>
#include <utility>

namespace sluicegate::gateway {
namespace {

using route::CandidateIterator;

/// Ends with a grant from any thread, with the deadline, or when the client leaves.
class Wait final : public ClientConnection::Watched {
public:
    explicit Wait(Worker& worker)
        : context_(worker.context()),
          wakeup_(std::make_shared<net::Wakeup>(context_)),
          deadline_(worker.deadlines(), this, &Wait::expired) {}

    bool goes_on_alone() noexcept override { return false; }
    void cancel() noexcept override { wakeup_->wake(); }

    /// For the one who grants, on any thread: the wait may be over when its worker gets to it.
    [[nodiscard]] route::WaitQueue::Wake wake() const {
        return [context = &context_, wakeup = std::weak_ptr<net::Wakeup>(wakeup_)] {
            net::asio::post(*context, [wakeup] {
                if (const auto waiting = wakeup.lock()) waiting->wake();
            });
        };
    }
    net::Task<void> until(Instant give_up_at) {
        deadline_.arm(give_up_at);
        co_await wakeup_->wait();
        deadline_.disarm();
    }

private:
    static void expired(void* self) noexcept { static_cast<Wait*>(self)->cancel(); }

    net::asio::io_context& context_;
    std::shared_ptr<net::Wakeup> wakeup_;
    net::Deadline deadline_;
};

void count(Request& request, std::size_t upstream, std::string_view outcome) {
    request.worker.registry()
        .counter(metrics::Metric::upstream_queue_total,
                 {request.config().config.upstreams[upstream].name, outcome})
        .add();
}

}  // namespace

net::Task<CandidateIterator::Step> wait_in_queue(Request& request, const Routed& routed,
                                                 CandidateIterator& candidates) {
    const route::RouteEntry& entry = routed.model->route->entries()[candidates.entry()];
    Worker& worker = request.worker;
    const Instant began = worker.clock().now();
    Wait wait(worker);
    route::QueueTicket ticket = candidates.join_queue(wait.wake(), began);
    if (!ticket) {
        count(request, entry.upstream, "full");
        co_return candidates.after_wait(std::move(ticket), began);
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
        co_return CandidateIterator::Step();
    }
    const std::size_t upstream = entry.upstream;
    CandidateIterator::Step step = candidates.after_wait(std::move(ticket), now);
    const bool is_granted = step.kind == CandidateIterator::Step::send &&
                            routed.model->route->entries()[step.entry].upstream == upstream;
    count(request, upstream, is_granted ? "granted" : "timeout");
    co_return step;
}

}  // namespace sluicegate::gateway
