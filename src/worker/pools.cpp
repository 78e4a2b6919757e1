#include "sluicegate/worker/pools.hpp"

#include "sluicegate/echo/echo_server.hpp"
#include "sluicegate/net/spawn.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::worker {
namespace {

std::string key_of(const upstream::PoolTarget& target) {
    return target.upstream + ' ' + config::url_of(target.endpoint);
}

upstream::Pool::Dial dial_for(const config::Upstream& settings,
                              const upstream::Services& services) {
    if (settings.kind != config::UpstreamKind::echo) return {};
    return [&io = services.context, &clock = services.clock, echo = settings.echo] {
        return echo::dial(io, echo, clock);
    };
}

}  // namespace

std::shared_ptr<upstream::Pool> Pools::find_or_make(const upstream::Pool::Settings& settings,
                                                    std::size_t endpoint, net::TlsContext tls) {
    upstream::PoolTarget target = upstream::target_of(*settings, endpoint, std::move(tls));
    std::string key = key_of(target);
    const auto [begin, end] = pools_.equal_range(key);
    for (auto at = begin; at != end; ++at) {
        upstream::Pool& pool = *at->second.pool;
        if (pool.target() == target) {
            pool.configure(settings);
            at->second.generation = generation_;
            return at->second.pool;
        }
    }
    auto& counters = counters_[settings->name];
    if (!counters) {
        counters = std::make_shared<upstream::Pool::Counters>(services_.registry, settings->name);
    }
    auto pool = std::make_shared<upstream::Pool>(services_, std::move(target), settings, counters,
                                                 dial_for(*settings, services_));
    pools_.emplace(std::move(key), Kept{pool, generation_});
    return pool;
}

void Pools::begin_marking() noexcept {
    ++generation_;
    retiring_.reset();
}

bool Pools::retire_unmarked(std::size_t most) noexcept {
    Map::iterator at = retiring_.value_or(pools_.begin());
    for (std::size_t done = 0; at != pools_.end() && done < most; ++done) {
        if (at->second.generation == generation_) {
            ++at;
            continue;
        }
        done += at->second.pool->idle_count();
        at->second.pool->retire();
        at = pools_.erase(at);
    }
    retiring_ = at;
    return at == pools_.end();
}

void Pools::sweep(Instant now) noexcept {
    for (const auto& [key, kept] : pools_) {
        net::guarded("sweeping a pool", [&pool = *kept.pool, now] { pool.sweep(now); });
    }
}

void Pools::close_longest_idle(std::size_t most) noexcept {
    for (std::size_t closed = 0; closed < most; ++closed) {
        const auto longest = std::ranges::min_element(pools_, {}, [](const Map::value_type& kept) {
            return kept.second.pool->longest_idle_since();
        });
        if (longest == pools_.end() || longest->second.pool->idle_count() == 0) return;
        longest->second.pool->close_longest_idle();
    }
}

void Pools::retire_all() noexcept {
    for (const auto& [key, kept] : pools_) kept.pool->retire();
}

}  // namespace sluicegate::worker
