/// The request on its way to an upstream, until there is an answer that can be passed on.

#include "gateway/attempt.hpp"
#include "gateway/event_writer.hpp"
#include "gateway/stages.hpp"

#include <utility>

namespace sluicegate::gateway {
namespace {

/// Usage is asked for where the client did not: a stream without it could only be counted.
openai::StreamOptionsEdit stream_options_for(const Request& request, const Routed& routed) {
    const config::Upstream& upstream = request.config().config.upstreams[routed.upstream];
    const UpstreamMemory& memory = *request.config().upstream_memory[routed.upstream];
    const bool has_them = routed.endpoint == openai::Endpoint::chat_completions ||
                          routed.endpoint == openai::Endpoint::completions;
    const bool takes_them =
        upstream.stream_options.value_or(!memory.has_refused_stream_options.load());
    if (!has_them || !request.record.is_streaming || !takes_them) return {};
    return {.include_usage = !routed.inspection.wants_usage,
            .continuous_usage_stats = upstream.continuous_usage};
}

}  // namespace

net::Task<Result<Answered>> forward(Request& request, Routed& routed) {
    std::optional<Attempt> attempt;
    attempt.emplace(request, routed, stream_options_for(request, routed));
    auto answered = co_await attempt->run();
    if (answered && attempt->has_refused_stream_options()) {
        // The client did not ask for them: what it did ask for is sent again without.
        attempt.reset();
        attempt.emplace(request, routed, openai::StreamOptionsEdit());
        answered = co_await attempt->run();
        if (answered && attempt->is_successful()) {
            request.config().upstream_memory[routed.upstream]->has_refused_stream_options = true;
        }
    }
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
                       .exchange = attempt->take_exchange(),
                       .events = attempt->take_events(),
                       .wants_usage = routed.inspection.wants_usage};
}

}  // namespace sluicegate::gateway
