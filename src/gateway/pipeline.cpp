#include "gateway/pipeline.hpp"

#include "gateway/stages.hpp"

#include <utility>

namespace sluicegate::gateway {
namespace {

bool is_answered_here(openai::Endpoint endpoint) {
    return endpoint == openai::Endpoint::models_list || endpoint == openai::Endpoint::model_get;
}

/// The stages between the body and the upstream: none of them waits, so their values need no place
/// in a coroutine.
Result<Routed> prepare(Request& request, Loaded loaded) {
    auto inspected = inspect(request, std::move(loaded));
    if (!inspected) return std::move(inspected).failure();

    auto admitted = admit(request, std::move(*inspected));
    if (!admitted) return std::move(admitted).failure();

    return route(request, std::move(*admitted));
}

}  // namespace

/// The stages in their order. Authentication comes before the body is read, so that nobody without
/// a key can make the gateway hold an upload; limits come last before the upstream, so that a
/// request that could not have been sent is never charged.
net::Task<bool> answer(Request& request, bool is_first) {
    auto received = co_await receive(request, is_first);
    if (!received) co_return co_await reply_error(request, std::move(received.error()));

    auto identified = authenticate(request, std::move(*received));
    if (!identified) co_return co_await reply_error(request, std::move(identified.error()));
    if (is_answered_here(identified->match.endpoint)) {
        co_return co_await answer_models(request, *identified);
    }

    auto loaded = co_await receive_body(request, *identified);
    if (!loaded) co_return co_await reply_error(request, std::move(loaded.error()));

    auto routed = prepare(request, std::move(*loaded));
    if (!routed) co_return co_await reply_error(request, std::move(routed.error()));

    auto answered = co_await forward(request, *routed);
    if (!answered) co_return co_await reply_error(request, std::move(answered.error()));

    const bool stays_open = co_await relay(request, *answered);
    settle(request, answered->reservation);
    co_return stays_open;
}

void finish(Request& request) {
    // A connection that ended between two requests has nothing to account for.
    if (request.snapshot) account(request);
}

}  // namespace sluicegate::gateway
