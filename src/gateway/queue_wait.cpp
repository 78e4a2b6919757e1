#include "gateway/queue_wait.hpp"

#include "sluicegate/net/wait.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

namespace sluicegate::gateway {
namespace {

using route::CandidateIterator;

/// Ends with a grant from any thread, with the deadline, or when the client leaves.
class QueueWait final : public client::Connection::Watched {
public:
    explicit QueueWait(worker::Context& worker)
        : context_(worker.client.io),
          wait_(std::make_shared<net::Wait>(context_, worker.client.deadlines)) {}

    bool goes_on_alone() noexcept override { return false; }
    void cancel(ErrorKind /*reason*/) noexcept override { wait_->wake(); }

    /// For the one who grants, on any thread: the wait may be over when its worker gets to it.
    [[nodiscard]] route::WaitQueue::Wake wake() const {
        return [context = &context_, wait = std::weak_ptr<net::Wait>(wait_)] {
            net::asio::post(*context, [wait] {
                if (const auto waiting = wait.lock()) waiting->wake();
            });
        };
    }
    /// Until a slot is granted, the client has left, or `give_up_at`. It looks for a slot when a
    /// pause or an open breaker ends, because no event tells of that.
    net::Task<void> until_granted(route::QueueTicket& ticket, const client::Connection& client,
                                  const Clock& clock, Instant give_up_at) {
        for (Instant now = clock.now(); now < give_up_at; now = clock.now()) {
            if (client.has_gone() || client.is_cut_off() || ticket.look(now)) co_return;
            const Instant look_at = std::min(give_up_at, ticket.look_again_at(now));
            co_await wait_->until(look_at);
        }
    }

private:
    net::asio::io_context& context_;
    std::shared_ptr<net::Wait> wait_;
};

void count(Request& request, std::size_t upstream, std::string_view outcome) {
    request.worker.registry
        .counter(metrics::Metric::upstream_queue_total,
                 {request.config().config.upstreams[upstream].name, outcome})
        .add();
}

}  // namespace

net::Task<CandidateIterator::Step> wait_in_queue(Request& request, const Routed& routed,
                                                 CandidateIterator& candidates) {
    const route::RouteEntry& entry = routed.model->route->entries()[candidates.entry()];
    worker::Context& worker = request.worker;
    const Instant began = worker.clock().now();
    QueueWait wait(worker);
    route::QueueTicket ticket = candidates.join_queue(wait.wake(), began);
    if (!ticket) {
        count(request, entry.upstream, "full");
        co_return candidates.after_wait(std::move(ticket), began);
    }
    {
        const client::Connection::DepartureWatch watch(request.client.connection, wait);
        const Instant give_up_at = candidates.give_up_at();
        co_await wait.until_granted(ticket, request.client.connection, worker.clock(), give_up_at);
    }
    const Instant now = worker.clock().now();
    request.record.queued += std::chrono::duration_cast<Milliseconds>(now - began);
    request.snapshot->upstream_counters[entry.upstream].queued.observe(now - began);
    const client::Connection& client = request.client.connection;
    if (client.has_gone() || client.is_cut_off()) {
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
