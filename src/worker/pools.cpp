#include "sluicegate/worker/pools.hpp"

#include "sluicegate/echo/echo_server.hpp"
#include "sluicegate/net/spawn.hpp"

#include <utility>

namespace sluicegate::worker {
namespace {

std::string key_of(const config::Upstream& settings, std::size_t endpoint) {
    return settings.name + ' ' + std::to_string(endpoint);
}

upstream::Pool::Dial dial_for(const config::Upstream& settings,
                              const upstream::Services& services) {
    if (settings.kind != config::UpstreamKind::echo) return {};
    return [&io = services.context, &clock = services.clock, echo = settings.echo] {
        return echo::dial(io, echo, clock);
    };
}

}  // namespace

std::shared_ptr<upstream::Pool> Pools::find_or_make(const config::Upstream& settings,
                                                    std::size_t endpoint,
                                                    const net::TlsContext& tls) {
    std::string key = key_of(settings, endpoint);
    const auto [begin, end] = pools_.equal_range(key);
    for (auto at = begin; at != end; ++at) {
        upstream::Pool& pool = *at->second.pool;
        if (pool.settings() == settings && pool.tls() == tls) {
            at->second.generation = generation_;
            return at->second.pool;
        }
    }
    auto pool = std::make_shared<upstream::Pool>(services_, settings, endpoint, tls,
                                                 dial_for(settings, services_));
    pools_.emplace(std::move(key), Kept{pool, generation_});
    return pool;
}

void Pools::retire_unmarked() noexcept {
    std::erase_if(pools_, [this](const auto& entry) {
        if (entry.second.generation == generation_) return false;
        entry.second.pool->retire();
        return true;
    });
}

void Pools::sweep(Instant now) noexcept {
    for (const auto& [key, kept] : pools_) {
        net::guarded("sweeping a pool", [&pool = *kept.pool, now] { pool.sweep(now); });
    }
}

void Pools::retire_all() noexcept {
    for (const auto& [key, kept] : pools_) kept.pool->retire();
}

}  // namespace sluicegate::worker
