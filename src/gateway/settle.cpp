#include "gateway/settle.hpp"

#include "sluicegate/openai/metering.hpp"
#include "sluicegate/openai/plausible_usage.hpp"

namespace sluicegate::gateway {
namespace {

void settle_limits(Request& request, Routed& routed, const Cost& cost, Instant now) {
    Record& record = request.record;
    record.usage = cost.usage;
    record.usage_source = cost.source;
    record.settled_tokens = cost.usage.total;
    routed.reservation.settle(cost.usage.total, now);
    if (cost.source == UsageSource::reported && cost.usage.output > 0) {
        request.worker.output_estimates.learn(routed.key->user, routed.model->id,
                                              cost.usage.output / routed.tokens.answers);
    }
}

}  // namespace

Cost cost_of(const Routed& routed, const std::optional<openai::Usage>& reported,
             std::int64_t counted_output, UsageSource otherwise) {
    const openai::Metering& metering = openai::metering_of(routed.endpoint);
    if (reported && metering.counts_tokens) {
        const openai::SeenTokens seen{.prompt = routed.tokens.prompt,
                                      .output = metering.has_output ? counted_output : 0,
                                      .prompts = routed.inspection.prompts,
                                      .answers = routed.tokens.answers};
        const openai::PlausibleUsage plausible = openai::plausible_usage(*reported, seen);
        return {.usage = plausible.usage,
                .source = plausible.is_replaced ? otherwise : UsageSource::reported};
    }
    if (reported) return {.usage = *reported, .source = UsageSource::reported};
    if (!metering.counts_tokens) return {};
    Cost cost{.usage = {}, .source = otherwise};
    cost.usage.input = routed.tokens.prompt;
    cost.usage.output = counted_output;
    cost.usage.total = routed.tokens.prompt + counted_output;
    return cost;
}

void Settlement::settle(const Ended& ended) {
    if (is_settled_) return;
    is_settled_ = true;
    const Instant now = request_.worker.clock().now();
    settle_limits(request_, routed_, ended.cost, now);
    attempt_.settle_ceiling(ended.cost.usage.total, now);
    if (ended.outcome) attempt_.report(*ended.outcome);
    attempt_.release_slot();
}

void settle_unanswered(Request& request, Routed& routed, bool was_sent, ErrorKind kind) {
    const Instant now = request.worker.clock().now();
    if (!was_sent) {
        routed.reservation.cancel(now);
        return;
    }
    Cost cost;
    if (kind == ErrorKind::client_gone) {
        cost = cost_of(routed, std::nullopt, 0, UsageSource::estimated);
    }
    settle_limits(request, routed, cost, now);
}

}  // namespace sluicegate::gateway
