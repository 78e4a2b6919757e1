#include "sluicegate/upstream/pool.hpp"

#include "upstream/address_order.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::upstream {

using metrics::Metric;

Pool::Counters::Counters(metrics::Registry& registry, const std::string& upstream)
    : reused(registry.counter(Metric::upstream_connects_total, {upstream, "reused"})),
      plain(registry.counter(Metric::upstream_connects_total, {upstream, "plain"})),
      tls_full(registry.counter(Metric::upstream_connects_total, {upstream, "tls"})),
      tls_resumed(registry.counter(Metric::upstream_connects_total, {upstream, "tls_resumed"})),
      idle(registry.gauge(Metric::upstream_connections, {upstream, "idle"})),
      active(registry.gauge(Metric::upstream_connections, {upstream, "active"})) {
}

Pool::Pool(const Services& services, const config::Upstream& settings, std::size_t endpoint,
           net::TlsContext tls, Dial in_process)
    : services_(services),
      settings_(settings),
      endpoint_(endpoint),
      tls_(std::move(tls)),
      in_process_(std::move(in_process)),
      address_order_(std::make_unique<AddressOrder>()),
      counters_(services.registry, settings.name) {
}

Pool::~Pool() {
    close_idle();
}

std::unique_ptr<Connection> Pool::take_idle() noexcept {
    while (!idle_.empty()) {
        std::unique_ptr<Connection> connection = std::move(idle_.back());
        idle_.pop_back();
        counters_.idle.subtract();
        if (connection->stream.is_quiet()) return connection;
    }
    return nullptr;
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
    if (idle_.size() >= settings_.pool.idle_max) return;
    connection->in.shrink();
    connection->idle_since = services_.deadlines.now();
    idle_.push_back(std::move(connection));
    counters_.idle.add();
}

void Pool::sweep(Instant now) noexcept {
    const auto is_fresh = [&](const std::unique_ptr<Connection>& connection) {
        return now - connection->idle_since < settings_.pool.idle_timeout;
    };
    const auto first_fresh = std::find_if(idle_.begin(), idle_.end(), is_fresh);
    counters_.idle.subtract(first_fresh - idle_.begin());
    idle_.erase(idle_.begin(), first_fresh);
}

void Pool::close_idle() noexcept {
    counters_.idle.subtract(static_cast<std::int64_t>(idle_.size()));
    idle_.clear();
}

}  // namespace sluicegate::upstream
