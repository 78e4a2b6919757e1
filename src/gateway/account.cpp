#include "gateway/access_line.hpp"
#include "gateway/record_counters.hpp"
#include "gateway/stages.hpp"

namespace sluicegate::gateway {
namespace {

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
    if (record.upstream && record.error && fault_of(*record.error) == Fault::upstream) {
        request.worker.count_upstream_error(
            request.config().config.upstreams[*record.upstream].name, *record.error);
    }
    if (!record.upstream || !record.forwarded_at) return;
    auto& counters = request.snapshot->upstream_counters[*record.upstream];
    if (record.answered_at) counters.first_byte.observe(*record.answered_at - *record.forwarded_at);
    counters.total.observe(now - *record.forwarded_at);
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
