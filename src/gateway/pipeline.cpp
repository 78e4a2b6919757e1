#include "sluicegate/gateway/pipeline.hpp"

#include "gateway/account.hpp"
#include "gateway/forward.hpp"
#include "gateway/relay.hpp"
#include "gateway/settle.hpp"
#include "gateway/stages.hpp"

#include <memory>
#include <utility>

namespace sluicegate::gateway {
namespace {

/// The stages in their order; true when the connection may carry another request. Authentication
/// comes before the body is read, so that a client without a key cannot make the gateway hold an
/// upload. Limits come last before the upstream, so that a request that could not have been sent is
/// never charged.
///
/// Frame  at most 1,020 bytes: Asio recycles no larger frame, and gives up a small one each time it
///        looks for one in vain.
net::Task<bool> answer(Request& request, bool may_idle) {
    auto received = co_await receive(request, may_idle);
    auto identified = std::move(received).and_then(
        [&](const Received& head) { return authenticate(request, head); });
    if (!identified) co_return co_await refuse(request, identified.error());
    if (is_answered_here(*identified)) co_return co_await answer_here(request, *identified);

    auto loaded = co_await receive_body(request, std::move(*identified));
    auto routed =
        std::move(loaded)
            .and_then([&](Loaded&& body) { return inspect(request, std::move(body)); })
            .and_then([&](Inspected&& inspected) { return admit(request, std::move(inspected)); })
            .and_then([&](Admitted&& admitted) { return route(request, std::move(admitted)); });
    if (!routed) co_return co_await refuse(request, routed.error());

    auto forwarded = co_await forward(request, *routed);
    if (!forwarded.attempt) {
        Error& error = forwarded.attempt.error();
        settle_unanswered(request, *routed, forwarded.was_sent, error.kind);
        co_return co_await refuse(request, error);
    }

    Settlement settlement(request, *routed, **forwarded.attempt);
    auto ended = co_await relay(request, *routed, **forwarded.attempt, settlement);
    settlement.settle(ended);
    if (!ended.told) co_return co_await refuse(request, ended.told.error());
    co_return ended.stays_open;
}

/// One request after another, until the connection is to end.
net::Task<void> serve(worker::Context& worker, client::Connection& connection,
                      std::shared_ptr<Counters> counters) {
    // Only a client whose last request had a valid key may take its time for the next one.
    bool may_idle = false;
    while (!connection.has_gone()) {
        Request request(worker, connection);
        const bool stays_open = co_await answer(request, may_idle);
        may_idle = request.record.has_caller();
        if (!may_idle) connection.note_refused();
        // A connection that ended between two requests has nothing to account for.
        if (request.has_begun()) account(request, *counters);
        if (!stays_open) co_return;
        request.client.end_message();
        connection.in().shrink();
        // What has arrived is answered (with 503); for more there is no time.
        if (connection.is_draining() && connection.in().empty()) co_return;
    }
}

}  // namespace

worker::Path make_path(metrics::Registry& registry) {
    auto counters = std::make_shared<Counters>(registry);
    return [counters](worker::Context& worker, client::Connection& connection) {
        return serve(worker, connection, counters);
    };
}

}  // namespace sluicegate::gateway
