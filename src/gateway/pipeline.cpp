#include "gateway/pipeline.hpp"

#include "gateway/stages.hpp"

#include <utility>

namespace sluicegate::gateway {
namespace {

bool is_answered_here(openai::Endpoint endpoint) {
    return endpoint == openai::Endpoint::models_list || endpoint == openai::Endpoint::model_get;
}

/// The stages in their order. Authentication comes before the body is read, so that nobody without
/// a key can make the gateway hold an upload; limits come last before the upstream, so that a
/// request that could not have been sent is never charged.
net::Task<bool> answer(Request& request, bool is_first) {
    auto received = co_await receive(request, is_first);
    if (!received) co_return co_await reply_error(request, std::move(received.error()));

    auto identified = authenticate(request, std::move(*received));
    if (!identified) co_return co_await reply_error(request, std::move(identified.error()));
    if (is_answered_here(identified->match.endpoint)) {
        co_return co_await answer_models(request, std::move(*identified));
    }

    auto loaded = co_await receive_body(request, std::move(*identified));
    if (!loaded) co_return co_await reply_error(request, std::move(loaded.error()));

    auto inspected = inspect(request, std::move(*loaded));
    if (!inspected) co_return co_await reply_error(request, std::move(inspected.error()));

    auto admitted = admit(request, std::move(*inspected));
    if (!admitted) co_return co_await reply_error(request, std::move(admitted.error()));

    auto routed = route(request, std::move(*admitted));
    if (!routed) co_return co_await reply_error(request, std::move(routed.error()));

    auto answered = co_await forward(request, std::move(*routed));
    if (!answered) co_return co_await reply_error(request, std::move(answered.error()));

    const bool stays_open = co_await relay(request, *answered);
    settle(request, answered->reservation);
    co_return stays_open;
}

}  // namespace

net::Task<bool> run(Request& request, bool is_first) {
    const bool stays_open = co_await answer(request, is_first);
    // A connection that ended between two requests has nothing to account for.
    if (request.snapshot) account(request);
    co_return stays_open;
}

}  // namespace sluicegate::gateway
