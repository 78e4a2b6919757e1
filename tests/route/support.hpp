#pragma once
/// Upstreams, times and threads for the tests of this folder.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/config/upstream.hpp"
#include "sluicegate/route/model_route.hpp"
#include "sluicegate/route/state_registry.hpp"

#include <barrier>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluicegate::test {

/// A span of no length, and a mask with each bit set.
constexpr Milliseconds none{0};
constexpr std::uint64_t any = ~std::uint64_t{0};

inline Instant at(std::int64_t ms) {
    return Instant(std::chrono::hours(1000)) + Milliseconds(ms);
}

/// NAME with endpoints http://NAME-0:80 and so on.
inline config::Upstream make_upstream(const std::string& name, std::size_t endpoints = 1,
                                      std::optional<std::uint32_t> in_flight_max = std::nullopt) {
    config::Upstream upstream;
    upstream.name = name;
    upstream.in_flight_max = in_flight_max;
    for (std::size_t i = 0; i < endpoints; ++i) {
        config::Endpoint& endpoint = upstream.endpoints.emplace_back();
        endpoint.host = name + '-' + std::to_string(i);
        endpoint.port = 80;
    }
    return upstream;
}

inline config::Upstream make_queueing(const std::string& name, std::size_t endpoints,
                                      std::uint32_t in_flight_max, std::size_t waiting_max = 100) {
    config::Upstream upstream = make_upstream(name, endpoints, in_flight_max);
    upstream.on_full = config::OnFull::queue;
    upstream.queue.waiting_max = waiting_max;
    return upstream;
}

/// With live state of its own.
inline std::shared_ptr<const route::UpstreamHandle> make_handle(const config::Upstream& upstream) {
    config::Config config;
    config.upstreams = {upstream};
    return route::StateRegistry().plan(config).upstreams.front();
}

/// One upstream that is loaded again and again.
class Reloads {
public:
    std::shared_ptr<const route::UpstreamHandle> load(const config::Upstream& upstream,
                                                      Instant now = at(0)) {
        config::Config config;
        config.upstreams = {upstream};
        const route::RoutePlan plan = registry.plan(config);
        registry.apply(config, plan, now);
        return plan.upstreams.front();
    }

    route::StateRegistry registry;
};

/// Of a model "m", with a handle and a quota of its own.
inline route::RouteEntry make_entry(const config::Upstream& upstream, std::uint32_t weight = 1,
                                    bool is_fallback = false) {
    return {.upstream = 0,
            .handle = make_handle(upstream),
            .quota = std::make_shared<route::Quota>(),
            .weight = weight,
            .upstream_model = "m",
            .is_fallback = is_fallback,
            .id = std::hash<std::string>()(upstream.name)};
}

class Random {
public:
    explicit Random(unsigned seed) : engine_(seed) {}
    /// 0 … bound - 1
    template <std::integral Number>
    Number below(Number bound) {
        return static_cast<Number>(engine_() % static_cast<std::uint64_t>(bound));
    }
    std::uint32_t bits() { return static_cast<std::uint32_t>(engine_()); }
    std::uint64_t long_bits() { return engine_(); }

private:
    std::mt19937_64 engine_;
};

/// Starts `act(index)` on every thread at the same moment and waits for all.
inline void together(int threads, const std::function<void(int)>& act) {
    std::barrier start(threads);
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i) {
        workers.emplace_back([&, i] {
            start.arrive_and_wait();
            act(i);
        });
    }
}

}  // namespace sluicegate::test
