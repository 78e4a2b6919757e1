#include "gateway/account.hpp"

#include "gateway/access_line.hpp"

namespace sluicegate::gateway {
namespace {

using metrics::Metric;

void add(std::optional<metrics::Counter>& handle, std::int64_t amount, metrics::Registry& registry,
         Metric metric, metrics::Registry::LabelValues labels) {
    if (!handle) handle = registry.counter(metric, labels);
    handle->add(amount);
}

struct Figure {
    std::string_view kind;
    std::int64_t tokens;
};

}  // namespace

void Counters::count(const Request& request, Instant now) {
    count_outcome(request);
    const Record& record = request.record;
    if (record.model != nullptr) {
        const auto index = static_cast<std::size_t>(record.model - request.config().models.data());
        request.snapshot->model_counters[index].duration.observe(now - request.started_at);
        count_model(request);
    }
    if (request.client.notes.attempts > 0) count_route(request);
    // An attempt that failed was counted when it failed.
    if (record.answered_at) count_upstream(request, now);
}

void Counters::count_outcome(const Request& request) {
    metrics::RequestCounters::Finished finished{.model = std::nullopt,
                                                .model_name = {},
                                                .status = request.client.sent.status,
                                                .error = request.client.sent.error};
    if (const worker::ModelEntry* model = request.record.model) {
        finished.model = model->id;
        finished.model_name = model->settings->name;
    }
    requests_.count(finished);
}

void Counters::count_route(const Request& request) {
    const Record& record = request.record;
    const worker::Snapshot& snapshot = request.config();
    const auto model = static_cast<std::size_t>(record.model - snapshot.models.data());
    auto& counter = request.snapshot->model_counters[model]
                        .routed[record.route_entry][static_cast<std::size_t>(record.route_reason)];
    if (!counter) {
        counter = registry_.counter(
            Metric::routed_requests_total,
            {record.model->settings->name, snapshot.config.upstreams[*record.upstream].name,
             name_of(record.route_reason)});
    }
    counter->add();
}

void Counters::count_upstream(const Request& request, Instant now) {
    const Record& record = request.record;
    const std::optional<ErrorKind> error = request.client.sent.error;
    if (error && fault_of(*error) == Fault::upstream) {
        request.snapshot->count_error(*record.upstream, *error, registry_);
    }
    auto& counters = request.snapshot->upstream_counters[*record.upstream];
    counters.first_byte.observe(*record.answered_at - record.attempt_at);
    counters.total.observe(now - record.attempt_at);
}

void Counters::count_model(const Request& request) {
    const Record& record = request.record;
    const auto row = static_cast<std::size_t>(record.model->id);
    if (row >= models_.size()) models_.resize(row + 1);
    ModelSeries& series = models_[row];
    if (const auto& decision = request.client.notes.decision) {
        count_refusal(series, record, decision->refused_by, false);
        count_refusal(series, record, decision->would_refuse, true);
    }
    if (record.usage_source != UsageSource::none) count_tokens(series, record);
    const config::Admin& admin = request.config().config.admin;
    if (admin.show_users && admin.user_metrics) count_user(record, request.client.sent.error);
}

void Counters::count_refusal(ModelSeries& series, const Record& record, limit::Resource resource,
                             bool is_dry_run) {
    if (resource == limit::Resource::none) return;
    add(series.refusals[static_cast<std::size_t>(resource)][is_dry_run ? 1 : 0], 1, registry_,
        Metric::limiter_refusals_total,
        {record.model->settings->name, limit::name_of(resource),
         is_dry_run ? "dry_run" : "enforced"});
}

void Counters::count_tokens(ModelSeries& series, const Record& record) {
    const std::string& model = record.model->settings->name;
    const openai::Usage& usage = record.usage;
    const std::array<Figure, token_kinds> figures{{{"input", usage.input},
                                                   {"output", usage.output},
                                                   {"cached_input", usage.cached_input},
                                                   {"cache_write", usage.cache_write},
                                                   {"reasoning", usage.reasoning}}};
    const auto source = static_cast<std::size_t>(record.usage_source);
    for (std::size_t i = 0; i < figures.size(); ++i) {
        if (figures[i].tokens == 0) continue;
        add(series.tokens[i][source], figures[i].tokens, registry_, Metric::tokens_total,
            {model, figures[i].kind, name_of(record.usage_source)});
    }
    add(series.settled, record.settled_tokens, registry_, Metric::limiter_settled_tokens_total,
        {model});
    if (record.output_deltas > 1) {
        if (!series.inter_token) {
            series.inter_token = registry_.histogram(Metric::inter_token_duration_seconds, {model});
        }
        series.inter_token->observe(inter_token_time(record));
    }
}

void Counters::count_user(const Record& record, std::optional<ErrorKind> error) {
    const std::string_view user = record.caller.user_name;
    const std::string& model = record.model->settings->name;
    const std::uint64_t key = (static_cast<std::uint64_t>(record.caller.user) << 32U) |
                              static_cast<std::uint64_t>(record.model->id);
    UserSeries& series = users_[key];
    const std::size_t outcome = error ? static_cast<std::size_t>(*error) + 1 : 0;
    add(series.requests[outcome], 1, registry_, Metric::user_requests_total,
        {user, model, error ? sluicegate::name_of(*error) : std::string_view("ok")});
    if (record.usage_source == UsageSource::none) return;
    const std::array<Figure, 3> figures{{{"input", record.usage.input},
                                         {"output", record.usage.output},
                                         {"settled", record.settled_tokens}}};
    for (std::size_t i = 0; i < figures.size(); ++i) {
        add(series.tokens[i], figures[i].tokens, registry_, Metric::user_tokens_total,
            {user, model, figures[i].kind});
    }
}

void account(Request& request, Counters& counters) {
    const Instant now = request.worker.clock().now();
    counters.count(request, now);
    const config::Log& settings = request.config().config.log;
    // Anybody may send these. Browsers and load balancers send many, and they say nothing.
    const bool is_asked_often =
        request.record.is_preflight || request.record.endpoint == openai::Endpoint::health;
    const bool is_noise = is_asked_often && settings.level != log::Level::debug;
    if (settings.access && !is_noise) {
        append_access_line(request.worker.access_lines, request, now);
    }
}

}  // namespace sluicegate::gateway
