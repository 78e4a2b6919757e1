#include "gateway/record_counters.hpp"

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

void RecordCounters::count(const Record& record, bool names_user) {
    const auto row = static_cast<std::size_t>(record.model->id);
    if (row >= models_.size()) models_.resize(row + 1);
    ModelSeries& series = models_[row];
    if (record.decision) {
        const limit::Decision& decision = *record.decision;
        count_refusal(series, record, decision.refused_by, false);
        count_refusal(series, record, decision.would_refuse, true);
    }
    if (record.usage_source != UsageSource::none) count_tokens(series, record);
    if (names_user) count_user(record);
}

void RecordCounters::count_refusal(ModelSeries& series, const Record& record,
                                   limit::Resource resource, bool is_dry_run) {
    if (resource == limit::Resource::none) return;
    add(series.refusals[static_cast<std::size_t>(resource)][is_dry_run ? 1 : 0], 1, registry_,
        Metric::limiter_refusals_total,
        {record.model->settings->name, limit::name_of(resource),
         is_dry_run ? "dry_run" : "enforced"});
}

void RecordCounters::count_tokens(ModelSeries& series, const Record& record) {
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

void RecordCounters::count_user(const Record& record) {
    const std::string_view user = record.caller.user_name;
    const std::string& model = record.model->settings->name;
    const std::uint64_t key = (static_cast<std::uint64_t>(record.caller.user) << 32U) |
                              static_cast<std::uint64_t>(record.model->id);
    UserSeries& series = users_[key];
    const std::size_t outcome = record.error ? static_cast<std::size_t>(*record.error) + 1 : 0;
    add(series.requests[outcome], 1, registry_, Metric::user_requests_total,
        {user, model, record.error ? sluicegate::name_of(*record.error) : std::string_view("ok")});
    if (record.usage_source == UsageSource::none) return;
    const std::array<Figure, 3> figures{{{"input", record.usage.input},
                                         {"output", record.usage.output},
                                         {"settled", record.settled_tokens}}};
    for (std::size_t i = 0; i < figures.size(); ++i) {
        add(series.tokens[i], figures[i].tokens, registry_, Metric::user_tokens_total,
            {user, model, figures[i].kind});
    }
}

}  // namespace sluicegate::gateway
