/// The request on its way to an upstream, until there is an answer that can be passed on.

#include "gateway/attempt.hpp"
#include "gateway/stages.hpp"

#include <utility>

namespace sluicegate::gateway {

net::Task<Result<Answered>> forward(Request& request, Routed& routed) {
    ++request.record.attempts;
    auto attempt = std::make_unique<Attempt>(request, routed);
    auto answered = co_await attempt->run();
    if (!answered) {
        // A request that an upstream may have seen counts, even if it failed; any other is given
        // back. When the client left, its prompt counts too.
        if (attempt->was_sent()) {
            if (answered.error().kind == ErrorKind::client_gone) {
                note_usage(request, routed.endpoint, std::nullopt, 0, UsageSource::estimated);
            }
            settle(request, routed.reservation);
        } else {
            routed.reservation.cancel(request.worker.clock().now());
        }
        co_return std::move(answered).failure();
    }
    co_return Answered{.endpoint = routed.endpoint,
                       .reservation = std::move(routed.reservation),
                       .attempt = std::move(attempt)};
}

}  // namespace sluicegate::gateway
