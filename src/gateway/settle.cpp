#include "gateway/settle.hpp"

#include "sluicegate/openai/metering.hpp"

#include <algorithm>
#include <array>

namespace sluicegate::gateway {

std::string_view name_of(UsageSource source) noexcept {
    static constexpr std::array<std::string_view, static_cast<std::size_t>(UsageSource::count_)>
        names{"none", "reported", "counted", "estimated"};
    return names[static_cast<std::size_t>(source)];
}

void note_usage(Request& request, openai::Endpoint endpoint,
                const std::optional<openai::Usage>& reported, std::int64_t counted_output,
                UsageSource otherwise) {
    Record& record = request.record;
    if (reported) {
        record.usage = *reported;
        record.usage_source = UsageSource::reported;
        return;
    }
    if (!openai::metering_of(endpoint).counts_tokens) return;
    record.usage.input = record.prompt_estimate;
    record.usage.output = counted_output;
    record.usage.total = record.prompt_estimate + counted_output;
    record.usage_source = otherwise;
}

void settle(Request& request, limit::Reservation& reservation) {
    if (!reservation.is_active()) return;
    Record& record = request.record;
    record.settled_tokens = record.usage.total;
    const Instant now = request.worker.clock().now();
    reservation.settle(record.settled_tokens, now);
    request.ceiling.settle(record.settled_tokens, now);
    if (record.usage_source == UsageSource::reported && record.usage.output > 0) {
        request.worker.output_estimates.learn(record.caller.user, record.model->id,
                                              record.usage.output / record.answers);
    }
}

void complete(Request& request, Answered& answered) {
    settle(request, answered.reservation);
    answered.attempt->report(route::Outcome::success);
    answered.attempt->release_slot();
}

}  // namespace sluicegate::gateway
