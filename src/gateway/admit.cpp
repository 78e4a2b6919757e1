#include "sluicegate/openai/metering.hpp"

#include "gateway/stages.hpp"

#include <utility>

namespace sluicegate::gateway {
namespace {

/// What to reserve: the part that the request states, and the part that is a guess.
limit::Demand demand_of(Request& request, const Inspected& inspected) {
    const openai::TokenDemand tokens =
        openai::token_demand(inspected.endpoint, inspected.inspection);
    request.record.prompt_estimate = tokens.prompt;
    request.record.answers = tokens.answers;
    limit::Demand demand{.stated = tokens.stated_output, .guessed = tokens.prompt};
    if (tokens.is_output_open) {
        const limit::OutputEstimates& estimates = request.worker.output_estimates();
        demand.guessed +=
            tokens.answers * estimates.guess(inspected.key->user, inspected.model->id);
    }
    return demand;
}

}  // namespace

Result<Admitted> admit(Request& request, Inspected&& inspected) {
    const Snapshot& config = request.config();
    const auto model_index = static_cast<std::size_t>(inspected.model - config.models.data());
    const limit::Plan& plan = config.plans[inspected.key->user_index][model_index];

    const Instant now = request.worker.clock().now();
    const limit::Demand demand = demand_of(request, inspected);
    request.record.token_demand = demand.stated + demand.guessed;
    limit::Admission admission =
        request.worker.limiter().admit(inspected.key->user, inspected.model->id, plan, demand, now);
    request.record.decision = admission.decision;
    auto& counters = request.snapshot->model_counters[model_index];
    if (!admission.decision.admitted) {
        counters.rejected.add();
        return fail(Error{.kind = ErrorKind::rate_limited,
                          .detail = {},
                          .subject = {},
                          .retry_after = admission.decision.retry_after});
    }
    counters.admitted.add();
    request.record.forwarded_at = now;
    return Admitted{inspected.endpoint, std::move(inspected.inspection), inspected.key,
                    inspected.model, std::move(admission.reservation)};
}

}  // namespace sluicegate::gateway
