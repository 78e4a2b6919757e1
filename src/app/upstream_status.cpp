#include "app/upstream_status.hpp"

#include "app/timestamp.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace sluicegate::app {
namespace {

using metrics::Metric;
using nlohmann::ordered_json;
using route::Health;
using Sample = metrics::Registry::Sample;

/// Of two series that differ only in the second label, by that label.
ordered_json counts_by_second_label(const std::vector<Sample>& samples, std::string_view first) {
    ordered_json counts = ordered_json::object();
    for (const Sample& sample : samples) {
        if (sample.labels[0] == first) counts[sample.labels[1]] = sample.values[0];
    }
    return counts;
}

ordered_json endpoint_json(const route::EndpointState& endpoint, const Clock& clock) {
    const Instant now = clock.now();
    const route::EndpointStatus status = endpoint.status(now);
    ordered_json json = {
        {"url", status.label}, {"state", name_of(status.health)}, {"reason", nullptr},
        {"since", nullptr},    {"in_flight", status.in_flight},   {"max_in_flight", nullptr}};
    if (status.since) {
        const auto age = std::chrono::duration_cast<WallTime::duration>(
            std::max(now, *status.since) - *status.since);
        json["reason"] = status.reason;
        json["since"] = timestamp(clock.wall_now() - age);
    }
    if (status.in_flight_max) json["max_in_flight"] = *status.in_flight_max;
    return json;
}

/// What a server said of itself may be part of a reason.
std::string one_line(std::string text) {
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
    return text;
}

/// What the account of an upstream grants, by the upstream's names of the models.
std::map<std::string, const route::Quota*> quotas_of(const worker::Snapshot& snapshot,
                                                     std::size_t upstream) {
    std::map<std::string, const route::Quota*> quotas;
    for (const worker::ModelEntry& model : snapshot.models) {
        for (const route::RouteEntry& entry : model.route->entries()) {
            if (entry.upstream == upstream) quotas[entry.upstream_model] = entry.quota.get();
        }
    }
    return quotas;
}

/// Rounded up; 0 when it is over.
Milliseconds time_until(std::optional<Instant> end, Instant now) {
    return end && *end > now ? std::chrono::ceil<Milliseconds>(*end - now) : Milliseconds(0);
}

ordered_json learned_json(const std::optional<route::QuotaReport::Allowance>& budget) {
    if (!budget) return nullptr;
    return {{"limit", budget->limit},
            {"remaining", budget->remaining},
            {"reset_ms", budget->reset.count()}};
}

ordered_json quotas_json(const worker::Snapshot& snapshot, std::size_t upstream, Instant now) {
    ordered_json quotas = ordered_json::array();
    for (const auto& [model, quota] : quotas_of(snapshot, upstream)) {
        const route::Quota::Status learned = quota->status(now);
        if (!learned.cooling_until && !learned.requests && !learned.tokens) continue;
        quotas.push_back({{"model", model},
                          {"cooling_ms", time_until(learned.cooling_until, now).count()},
                          {"requests", learned_json(learned.requests)},
                          {"tokens", learned_json(learned.tokens)}});
    }
    return quotas;
}

ordered_json ceiling_json(const limit::Budget& budget) {
    if (!budget.is_limited) return nullptr;
    return {{"limit", budget.limit},
            {"used", budget.used},
            {"remaining", budget.remaining},
            {"reset_ms", budget.reset.count()}};
}

ordered_json ceilings_json(const std::optional<worker::Ceiling>& ceiling, limit::Limiter& limiter,
                           Instant now) {
    limit::Budgets budgets;
    if (ceiling) budgets = limiter.peek(ceiling->account, ceiling->model, ceiling->plan, now);
    return {{"rpm", ceiling_json(budgets.requests)}, {"tpm", ceiling_json(budgets.tokens)}};
}

/// In hundredths: 33.33.
double percent_of(std::uint64_t part, std::uint64_t whole) {
    return std::round(10'000.0 * static_cast<double>(part) / static_cast<double>(whole)) / 100.0;
}

ordered_json entries_json(const route::ModelRoute& route, const config::Config& config) {
    std::uint64_t whole = 0;
    for (const route::RouteEntry& entry : route.entries())
        whole += entry.is_fallback ? 0 : entry.weight;
    ordered_json entries = ordered_json::array();
    for (const route::RouteEntry& entry : route.entries()) {
        const std::uint32_t weight = entry.is_fallback ? 0 : entry.weight;
        entries.push_back({{"upstream", config.upstreams[entry.upstream].name},
                           {"model", entry.upstream_model},
                           {"weight", weight},
                           {"share_percent", percent_of(weight, whole)},
                           {"fallback", entry.is_fallback}});
    }
    return entries;
}

}  // namespace

ordered_json upstreams_json(const StatusSources& sources) {
    const worker::Snapshot& snapshot = sources.snapshot;
    const Instant now = sources.clock.now();
    const auto connections = sources.registry.collect(Metric::upstream_connections);
    const auto errors = sources.registry.collect(Metric::upstream_errors_total);
    ordered_json upstreams = ordered_json::array();
    for (std::size_t i = 0; i < snapshot.config.upstreams.size(); ++i) {
        const config::Upstream& upstream = snapshot.config.upstreams[i];
        const route::UpstreamState& state = *snapshot.upstream_states[i];
        ordered_json json = {{"name", upstream.name}, {"kind", config::row_of(upstream.kind).name}};
        if (!upstream.account.empty()) json["account"] = upstream.account;
        ordered_json& endpoints = json["endpoints"] = ordered_json::array();
        for (const auto& endpoint : state.endpoints()) {
            endpoints.push_back(endpoint_json(*endpoint, sources.clock));
        }
        if (state.queues_when_full()) {
            json["waiting"] = state.queue().length();
            json["max_waiting"] = state.queue().waiting_max();
        }
        json["quotas"] = quotas_json(snapshot, i, now);
        json["ceilings"] = ceilings_json(snapshot.ceilings[i], sources.limiter, now);
        json["connections"] = {{"active", 0}, {"idle", 0}};
        json["connections"].update(counts_by_second_label(connections, upstream.name));
        json["errors"] = counts_by_second_label(errors, upstream.name);
        upstreams.push_back(std::move(json));
    }
    return upstreams;
}

ordered_json models_json(const StatusSources& sources) {
    const auto routed = sources.registry.collect(Metric::routed_requests_total);
    ordered_json models = ordered_json::array();
    for (const worker::ModelEntry& model : sources.snapshot.models) {
        // By upstream, those that have left the route included: where the requests have gone.
        ordered_json requests = ordered_json::object();
        for (const Sample& sample : routed) {
            if (sample.labels[0] != model.settings->name) continue;
            requests[sample.labels[1]][sample.labels[2]] = sample.values[0];
        }
        models.push_back({{"name", model.settings->name},
                          {"sticky", model.settings->is_sticky},
                          {"route", entries_json(*model.route, sources.snapshot.config)},
                          {"requests", std::move(requests)}});
    }
    return models;
}

void update_upstream_metrics(metrics::Registry& registry, const worker::Snapshot& snapshot,
                             Instant now) {
    std::vector<Sample> up;
    std::vector<Sample> in_flight;
    std::vector<Sample> cooling;
    for (std::size_t i = 0; i < snapshot.config.upstreams.size(); ++i) {
        const std::string& name = snapshot.config.upstreams[i].name;
        for (const auto& endpoint : snapshot.upstream_states[i]->endpoints()) {
            const bool is_healthy = endpoint->health(now) == Health::healthy;
            up.push_back({.labels = {name, endpoint->label()}, .values = {is_healthy ? 1 : 0}});
            in_flight.push_back(
                {.labels = {name, endpoint->label()}, .values = {endpoint->slots.in_flight()}});
        }
        for (const auto& [model, quota] : quotas_of(snapshot, i)) {
            // Durations are kept in nanoseconds and shown in seconds.
            const std::chrono::nanoseconds wait = time_until(quota->status(now).cooling_until, now);
            cooling.push_back({.labels = {name, model}, .values = {wait.count()}});
        }
    }
    registry.set_all(Metric::upstream_endpoint_up, up);
    registry.set_all(Metric::upstream_endpoint_in_flight, in_flight);
    registry.set_all(Metric::upstream_cooling_seconds, cooling);
}

std::optional<std::string> why_not_ready(const worker::Snapshot& snapshot, Instant now) {
    std::set<std::size_t> used;
    for (const worker::ModelEntry& model : snapshot.models) {
        for (const route::RouteEntry& entry : model.route->entries()) used.insert(entry.upstream);
    }
    if (used.empty()) return std::nullopt;
    std::string why = "no upstream is healthy\n";
    for (const std::size_t i : used) {
        for (const auto& endpoint : snapshot.upstream_states[i]->endpoints()) {
            const route::EndpointStatus status = endpoint->status(now);
            // One that is due for a probe needs a request, which comes only to those who are ready.
            if (status.health == Health::healthy || status.health == Health::half_open) {
                return std::nullopt;
            }
            why += snapshot.config.upstreams[i].name + " " + status.label + ": ";
            why += name_of(status.health);
            why += ": " + one_line(status.reason) + "\n";
        }
    }
    return why;
}

}  // namespace sluicegate::app
