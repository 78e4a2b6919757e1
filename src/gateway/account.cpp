#include "gateway/access_line.hpp"
#include "gateway/record_counters.hpp"
#include "gateway/stages.hpp"

namespace sluicegate::gateway {
namespace {

void count_route(Request& request) {
    const Record& record = request.record;
    const Snapshot& snapshot = request.config();
    const auto model = static_cast<std::size_t>(record.model - snapshot.models.data());
    auto& counter = request.snapshot->model_counters[model]
                        .routed[record.route_entry][static_cast<std::size_t>(record.route_reason)];
    if (!counter) {
        counter = request.worker.registry().counter(
            metrics::Metric::routed_requests_total,
            {record.model->settings->name, snapshot.config.upstreams[*record.upstream].name,
             name_of(record.route_reason)});
    }
    counter->add();
}

void count(Request& request, Instant now) {
    const Record& record = request.record;
    metrics::RequestCounters::Finished finished{
        .model = std::nullopt, .model_name = {}, .status = record.status, .error = record.error};
    if (record.model != nullptr) {
        finished.model = record.model->id;
        finished.model_name = record.model->settings->name;
        const auto index = static_cast<std::size_t>(record.model - request.config().models.data());
        request.snapshot->model_counters[index].duration.observe(now - request.started_at);
    }
    request.worker.request_counters().count(finished);
    if (record.model != nullptr) {
        const config::Admin& admin = request.config().config.admin;
        request.worker.record_counters().count(record, admin.show_users && admin.user_metrics);
    }
    if (record.attempts > 0) count_route(request);
    if (!record.answered_at) return;  // what failed was counted by the attempt
    const std::size_t upstream = *record.upstream;
    if (record.error && fault_of(*record.error) == Fault::upstream) {
        request.worker.count_upstream_error(request.config().config.upstreams[upstream].name,
                                            *record.error);
    }
    auto& counters = request.snapshot->upstream_counters[upstream];
    counters.first_byte.observe(*record.answered_at - record.attempt_at);
    counters.total.observe(now - record.attempt_at);
}

}  // namespace

void account(Request& request) {
    const Instant now = request.worker.clock().now();
    count(request, now);
    if (request.config().config.log.access) {
        append_access_line(request.worker.access_lines(), request, now);
    }
}

}  // namespace sluicegate::gateway
