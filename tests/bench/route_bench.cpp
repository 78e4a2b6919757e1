// What does it cost to find a request's upstream, in ns, from the first step to the end of its
// lease?
//
// One request: an iterator, its first step, the report of a success, the slot given back. `Quota`:
// the provider has reported what is left, so that this is judged and counted, too. Threads share
// all state, as workers do.
//
// `Reload/N`: what a reload with N endpoints costs the registry of live state; it must be linear.
//
// Repetitions are interleaved by --benchmark_enable_random_interleaving=true; compare medians.

#include "sluicegate/route/candidate_iterator.hpp"
#include "sluicegate/route/state_registry.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluicegate::route {
namespace {

const Instant now{std::chrono::hours(1000)};

config::Upstream make_upstream(std::size_t endpoints) {
    config::Upstream upstream;
    upstream.name = "u";
    upstream.in_flight_max = 1'000'000;
    for (std::size_t i = 0; i < endpoints; ++i) {
        config::Endpoint& endpoint = upstream.endpoints.emplace_back();
        endpoint.host = "host-" + std::to_string(i);
        endpoint.port = 80;
    }
    return upstream;
}

std::shared_ptr<const UpstreamHandle> make_handle(std::size_t endpoints) {
    config::Config config;
    config.upstreams = {make_upstream(endpoints)};
    return StateRegistry().plan(config).upstreams.front();
}

/// `entries` of equal weight with `endpoints` each; made once.
const ModelRoute& route_of(std::size_t entries, std::size_t endpoints, bool has_quota) {
    static std::vector<std::unique_ptr<ModelRoute>> routes(1'000);
    auto& route = routes[entries * 100 + endpoints + (has_quota ? 500 : 0)];
    if (route != nullptr) return *route;
    std::vector<RouteEntry> made;
    for (std::size_t i = 0; i < entries; ++i) {
        made.push_back({.upstream = i,
                        .handle = make_handle(endpoints),
                        .quota = std::make_shared<Quota>(),
                        .weight = 1,
                        .upstream_model = "m",
                        .is_fallback = false,
                        .id = i});
        if (!has_quota) continue;
        const QuotaReport::Allowance allowance{1'000'000'000'000, 999'999'999'999, Milliseconds(1)};
        made.back().quota->report({.requests = allowance, .tokens = allowance}, {}, now);
    }
    route = std::make_unique<ModelRoute>(made, false);
    return *route;
}

void run(benchmark::State& state, std::size_t entries, std::size_t endpoints, bool has_quota) {
    static const ModelRoute* route = nullptr;
    if (state.thread_index() == 0) route = &route_of(entries, endpoints, has_quota);
    std::uint32_t random = 1;
    for (auto _ : state) {
        random = random * 1'664'525 + 1'013'904'223;
        CandidateIterator candidates(*route, {.tokens = 10, .user = random, .random = random}, 5);
        CandidateIterator::Step step = candidates.next(now);
        if (has_quota) benchmark::DoNotOptimize(route->entries()[step.entry].quota->sent(10, now));
        benchmark::DoNotOptimize(step.lease.report(Outcome::success, Milliseconds(0), now));
    }
}

void OneEndpoint(benchmark::State& state) {
    run(state, 1, 1, false);
}
void OneEndpointQuota(benchmark::State& state) {
    run(state, 1, 1, true);
}
void TwoEntries(benchmark::State& state) {
    run(state, 2, 1, false);
}
void EightEndpoints(benchmark::State& state) {
    run(state, 1, 8, false);
}

/// The step alone: no report, the slot given back.
void OneEndpointStep(benchmark::State& state) {
    const ModelRoute& route = route_of(1, 1, false);
    for (auto _ : state) {
        CandidateIterator candidates(route, {.tokens = 10}, 5);
        CandidateIterator::Step step = candidates.next(now);
        benchmark::DoNotOptimize(step);
    }
}

/// A reload of an unchanged configuration: plan and apply, with four endpoints per upstream.
void Reload(benchmark::State& state) {
    config::Config config;
    for (std::int64_t i = 0; i < state.range(0) / 4; ++i) {
        config::Upstream upstream = make_upstream(4);
        upstream.name = "u" + std::to_string(i);
        config.upstreams.push_back(upstream);
        config::Model model;
        model.name = "m" + std::to_string(i);
        model.route = {{.upstream = static_cast<std::size_t>(i), .weight = 1, .model = ""}};
        config.models.push_back(model);
    }
    StateRegistry registry;
    registry.apply(config, registry.plan(config), now);
    for (auto _ : state) registry.apply(config, registry.plan(config), now);
}

BENCHMARK(Reload)->Arg(400)->Arg(4'000)->Arg(40'000);
BENCHMARK(OneEndpointStep);
BENCHMARK(OneEndpoint)->Threads(1)->Threads(2);
BENCHMARK(OneEndpointQuota)->Threads(1)->Threads(2);
BENCHMARK(TwoEntries)->Threads(1)->Threads(2);
BENCHMARK(EightEndpoints)->Threads(1)->Threads(2);

}  // namespace
}  // namespace sluicegate::route
