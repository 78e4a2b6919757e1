#include "sluicegate/app/status.hpp"

#include "sluicegate/admin/query.hpp"

#include "app/timestamp.hpp"
#include "app/upstream_status.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <utility>
#include <vector>

namespace sluicegate::app {
namespace {

using config::LimitName;
using metrics::Metric;
using nlohmann::ordered_json;

constexpr std::string_view json_type = "application/json";

admin::Page page_of(unsigned status, const ordered_json& body) {
    // Names come from a file and a query, which may hold any bytes.
    return {.status = status,
            .content_type = std::string(json_type),
            .body = body.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n"};
}

std::int64_t value_of(const metrics::Registry& registry, Metric metric) {
    const auto samples = registry.collect(metric);
    return samples.empty() ? 0 : samples.front().values.front();
}

const limit::Budget& budget_of(const limit::Budgets& budgets, LimitName name) {
    switch (name) {
        case LimitName::rpm: return budgets.requests;
        case LimitName::tpm: return budgets.tokens;
        case LimitName::rpd: return budgets.requests_per_day;
        case LimitName::tpd: return budgets.tokens_per_day;
        case LimitName::concurrency: break;
    }
    return budgets.concurrency;
}

/// One user on one model.
class Pair {
public:
    Pair(const StatusSources& sources, std::size_t user, std::size_t model)
        : sources_(sources),
          user_(sources.snapshot.config.users[user]),
          model_(sources.snapshot.config.models[model]),
          budgets_(sources.limiter.peek(
              sources.snapshot.user_ids[user], sources.snapshot.models[model].id,
              (*sources.snapshot.plans[user])[model], sources.clock.now())) {}

    [[nodiscard]] bool is_in_use() const {
        for (const LimitName name : config::limit_names) {
            if (budget_of(budgets_, name).used > 0) return true;
        }
        return false;
    }

    [[nodiscard]] ordered_json json() const {
        const config::Group* group = config::find_group(sources_.snapshot.config, user_.group);
        const config::ResolvedLimits resolved = resolve_limits_with_origins(group, user_, model_);
        ordered_json limits;
        for (const LimitName name : config::limit_names) {
            ordered_json& entry = limits[std::string(name_of(name))];
            const auto& field = resolved.of(name);
            if (!field) continue;
            const limit::Budget& budget = budget_of(budgets_, name);
            entry["limit"] = field->value;
            entry["used"] = budget.used;
            entry["remaining"] = budget.remaining;
            if (name != LimitName::concurrency) entry["reset_ms"] = budget.reset.count();
            entry["dry_run"] = resolved.is_dry_run(name);
            entry["origin"] = origin_text(field->origin, user_, model_);
        }
        return {{"user", user_.name},
                {"group", user_.group},
                {"model", model_.name},
                {"limits", std::move(limits)}};
    }

private:
    const StatusSources& sources_;
    const config::User& user_;
    const config::Model& model_;
    limit::Budgets budgets_;
};

/// The indexes that a name stands for: all without one, none for an unknown one.
template <class Named>
std::vector<std::size_t> chosen(const std::vector<Named>& list,
                                const std::optional<std::string>& name) {
    std::vector<std::size_t> indexes;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (!name || list[i].name == *name) indexes.push_back(i);
    }
    return indexes;
}

ordered_json table_json(const limit::TableCounts& counts) {
    return {{"slots_used", counts.slots_used},
            {"memory_bytes", counts.bytes_mapped},
            {"evictions", counts.evictions},
            {"overflows", counts.overflows}};
}

ordered_json config_json(const StatusSources& sources) {
    ordered_json config = {{"file", sources.config_file},
                           {"sha256", sources.snapshot.config.sha256},
                           {"loaded_at", timestamp(sources.loaded_at)},
                           {"last_reload", nullptr}};
    if (sources.last_reload) {
        config["last_reload"] = {
            {"at", timestamp(sources.last_reload->at)},
            {"outcome", sources.last_reload->has_succeeded ? "success" : "failure"}};
    }
    return config;
}

}  // namespace

admin::Page status_page(const StatusSources& sources, std::string_view query) {
    const config::Config& config = sources.snapshot.config;
    const auto user = admin::query_value(query, "user");
    const auto model = admin::query_value(query, "model");
    if (user && !config.admin.show_users) {
        return page_of(403, {{"error", "admin.show_users is false: users are not shown"}});
    }
    const auto users = chosen(config.users, user);
    const auto models = chosen(config.models, model);
    if (users.empty()) return page_of(404, {{"error", "no such user: " + user.value_or("")}});
    if (models.empty()) return page_of(404, {{"error", "no such model: " + model.value_or("")}});

    ordered_json limits = ordered_json::array();
    bool is_truncated = false;
    for (const std::size_t user_index : users) {
        if (!config.admin.show_users) break;
        for (const std::size_t model_index : models) {
            const Pair pair(sources, user_index, model_index);
            if (!user && !pair.is_in_use()) continue;
            is_truncated = limits.size() == status_pairs_max;
            if (is_truncated) break;
            limits.push_back(pair.json());
        }
        if (is_truncated) break;
    }
    const auto uptime = sources.clock.wall_now() - sources.started_at;
    return page_of(
        200, {{"version", SLUICEGATE_VERSION},
              {"started_at", timestamp(sources.started_at)},
              {"uptime_seconds", std::chrono::duration_cast<std::chrono::seconds>(uptime).count()},
              {"draining", sources.is_draining},
              {"requests_in_flight", value_of(sources.registry, Metric::requests_in_flight)},
              {"client_connections", value_of(sources.registry, Metric::client_connections)},
              {"config", config_json(sources)},
              {"upstreams", upstreams_json(sources)},
              {"models", models_json(sources)},
              {"limiter",
               {{"window_ms", config.limiter.window.count()},
                {"slots", config.limiter.slots},
                {"minute", table_json(sources.limiter.counts())},
                {"day", table_json(sources.limiter.day_counts())}}},
              {"limits", std::move(limits)},
              {"limits_truncated", is_truncated}});
}

}  // namespace sluicegate::app
