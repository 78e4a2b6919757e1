#include "gateway/stages.hpp"

#include <utility>

namespace sluicegate::gateway {

Result<Admitted> admit(Request& request, Inspected inspected) {
    const Snapshot& config = request.config();
    const auto model_index = static_cast<std::size_t>(inspected.model - config.models.data());
    const limit::Plan& plan = config.plans[inspected.key->user_index][model_index];

    const Instant now = request.worker.clock().now();
    limit::Admission admission =
        request.worker.limiter().admit(inspected.key->user, inspected.model->id, plan, {}, now);
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
    return Admitted{inspected.endpoint, std::move(inspected.inspection), inspected.model,
                    std::move(admission.reservation)};
}

}  // namespace sluicegate::gateway
