#include "app/upstream_status.hpp"

#include "app/timestamp.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluicegate::app {
namespace {

using metrics::Metric;
using nlohmann::ordered_json;
using route::Health;
using Sample = metrics::Registry::Sample;

/// Series by their first label: found once for a page, not once for each upstream.
using SamplesByLabel = std::unordered_map<std::string, std::vector<const Sample*>>;

SamplesByLabel by_first_label(const std::vector<Sample>& samples) {
    SamplesByLabel found;
    for (const Sample& sample : samples) found[sample.labels[0]].push_back(&sample);
    return found;
}

/// The series whose first label is `first`.
std::vector<const Sample*> samples_of(const SamplesByLabel& samples, const std::string& first) {
    const auto found = samples.find(first);
    return found == samples.end() ? std::vector<const Sample*>() : found->second;
}

/// Of two series that differ only in the second label, by that label.
ordered_json counts_by_second_label(const SamplesByLabel& samples, const std::string& first) {
    ordered_json counts = ordered_json::object();
    for (const Sample* sample : samples_of(samples, first)) {
        counts[sample->labels[1]] = sample->values[0];
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
using Quotas = std::map<std::string, const route::Quota*>;

/// By upstream.
std::vector<Quotas> quotas_of(const worker::Snapshot& snapshot) {
    std::vector<Quotas> quotas(snapshot.config.upstreams.size());
    for (const worker::ModelEntry& model : snapshot.models) {
        for (const route::RouteEntry& entry : model.route->entries()) {
            quotas[entry.upstream][entry.upstream_model] = entry.quota.get();
        }
    }
    return quotas;
}

/// Rounded up; 0 when it is over.
Milliseconds time_until(std::optional<Instant> end, Instant now) {
    return end && *end > now ? std::chrono::ceil<Milliseconds>(*end - now) : Milliseconds(0);
}

ordered_json allowance_json(const std::optional<route::QuotaReport::Allowance>& allowance) {
    if (!allowance) return nullptr;
    return {{"limit", allowance->limit},
            {"remaining", allowance->remaining},
            {"reset_ms", allowance->reset.count()}};
}

ordered_json quotas_json(const Quotas& known, Instant now) {
    ordered_json quotas = ordered_json::array();
    for (const auto& [model, quota] : known) {
        const route::Quota::Status status = quota->status(now);
        if (!status.cooling_until && !status.requests && !status.tokens) continue;
        quotas.push_back({{"model", model},
                          {"cooling_ms", time_until(status.cooling_until, now).count()},
                          {"requests", allowance_json(status.requests)},
                          {"tokens", allowance_json(status.tokens)}});
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
    const std::vector<Sample> connections = sources.registry.collect(Metric::upstream_connections);
    const std::vector<Sample> errors = sources.registry.collect(Metric::upstream_errors_total);
    const SamplesByLabel connections_of = by_first_label(connections);
    const SamplesByLabel errors_of = by_first_label(errors);
    const std::vector<Quotas> quotas = quotas_of(snapshot);
    ordered_json upstreams = ordered_json::array();
    for (std::size_t i = 0; i < snapshot.config.upstreams.size(); ++i) {
        const config::Upstream& upstream = snapshot.config.upstreams[i];
        const route::UpstreamHandle& handle = *snapshot.routes.upstreams[i];
        ordered_json json = {{"name", upstream.name}, {"kind", config::row_of(upstream.kind).name}};
        if (!upstream.account.empty()) json["account"] = upstream.account;
        ordered_json& endpoints = json["endpoints"] = ordered_json::array();
        for (const auto& endpoint : handle.endpoints()) {
            endpoints.push_back(endpoint_json(*endpoint, sources.clock));
        }
        if (handle.has_queue()) {
            json["waiting"] = handle.queue().length();
            json["max_waiting"] = handle.queue().waiting_max();
        }
        json["quotas"] = quotas_json(quotas[i], now);
        json["ceilings"] = ceilings_json(snapshot.ceilings[i], sources.limiter, now);
        json["connections"] = {{"active", 0}, {"idle", 0}};
        json["connections"].update(counts_by_second_label(connections_of, upstream.name));
        json["errors"] = counts_by_second_label(errors_of, upstream.name);
        upstreams.push_back(std::move(json));
    }
    return upstreams;
}

ordered_json models_json(const StatusSources& sources) {
    const std::vector<Sample> routed = sources.registry.collect(Metric::routed_requests_total);
    const SamplesByLabel routed_of = by_first_label(routed);
    ordered_json models = ordered_json::array();
    for (const worker::ModelEntry& model : sources.snapshot.models) {
        // By upstream, those that have left the route included: where the requests have gone.
        ordered_json requests = ordered_json::object();
        for (const Sample* sample : samples_of(routed_of, model.settings->name)) {
            requests[sample->labels[1]][sample->labels[2]] = sample->values[0];
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
    const std::vector<Quotas> quotas = quotas_of(snapshot);
    for (std::size_t i = 0; i < snapshot.config.upstreams.size(); ++i) {
        const std::string& name = snapshot.config.upstreams[i].name;
        for (const auto& endpoint : snapshot.routes.upstreams[i]->endpoints()) {
            const bool is_healthy = endpoint->health(now) == Health::healthy;
            up.push_back({.labels = {name, endpoint->label()}, .values = {is_healthy ? 1 : 0}});
            in_flight.push_back(
                {.labels = {name, endpoint->label()}, .values = {endpoint->slots.in_flight()}});
        }
        for (const auto& [model, quota] : quotas[i]) {
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
        for (const auto& endpoint : snapshot.routes.upstreams[i]->endpoints()) {
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
