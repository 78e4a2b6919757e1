#include "sluicegate/upstream/pool.hpp"

#include "upstream/address_order.hpp"
#include "upstream/idle_limit.hpp"
#include "upstream/warm_up.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <poll.h>
#include <utility>

namespace sluicegate::upstream {

using metrics::Metric;

namespace {

/// A server that closes a connection so soon after an answer has no idle time.
constexpr Milliseconds closing_time{200};

}  // namespace

Pool::Counters::Counters(metrics::Registry& registry, const std::string& upstream)
    : reused(registry.counter(Metric::upstream_connects_total, {upstream, "reused"})),
      plain(registry.counter(Metric::upstream_connects_total, {upstream, "plain"})),
      tls_full(registry.counter(Metric::upstream_connects_total, {upstream, "tls"})),
      tls_resumed(registry.counter(Metric::upstream_connects_total, {upstream, "tls_resumed"})),
      idle(registry.gauge(Metric::upstream_connections, {upstream, "idle"})),
      active(registry.gauge(Metric::upstream_connections, {upstream, "active"})) {
}

PoolTarget target_of(const config::Upstream& settings, std::size_t endpoint, net::TlsContext tls) {
    PoolTarget target{.upstream = settings.name,
                      .proxy = settings.proxy,
                      .tls = std::move(tls),
                      .server_name = settings.tls.server_name,
                      .kind = settings.kind,
                      .echo = settings.echo};
    if (endpoint < settings.endpoints.size()) target.endpoint = settings.endpoints[endpoint];
    return target;
}

Pool::Pool(const Services& services, PoolTarget target, Settings settings,
           std::shared_ptr<Counters> counters, Dial in_process)
    : services_(services),
      target_(std::move(target)),
      settings_(std::move(settings)),
      in_process_(std::move(in_process)),
      address_order_(std::make_unique<AddressOrder>()),
      sessions_(services.clock),
      counters_(std::move(counters)),
      idle_limit_(std::make_unique<IdleLimit>(settings_->pool.idle_timeout)),
      warm_up_(std::make_unique<WarmUp>()) {
}

Pool::Pool(const Services& services, const config::Upstream& settings, std::size_t endpoint,
           net::TlsContext tls, Dial in_process)
    : Pool(services, target_of(settings, endpoint, std::move(tls)),
           std::make_shared<const config::Upstream>(settings),
           std::make_shared<Counters>(services.registry, settings.name), std::move(in_process)) {
}

Pool::~Pool() {
    retire();
}

void Pool::configure(Settings settings) noexcept {
    settings_ = std::move(settings);
    idle_limit_->configure(settings_->pool.idle_timeout);
}

bool Pool::is_fit(const Connection& connection, Instant now) const noexcept {
    const Milliseconds idle_max = std::min(idle_limit_->current(), connection.idle_max);
    return now - connection.idle_since < idle_max &&
           now - connection.made_at < settings_->pool.age_max;
}

std::unique_ptr<Connection> Pool::take_idle() noexcept {
    const Instant now = services_.deadlines.now();
    while (!idle_.empty()) {
        std::unique_ptr<Connection> connection = std::move(idle_.back());
        idle_.pop_back();
        counters_->idle.subtract();
        if (is_fit(*connection, now) && connection->stream.stream().is_quiet()) return connection;
    }
    return nullptr;
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
    const auto& most = settings_->pool.idle_max;
    if (is_retired_ || (most && idle_.size() >= *most)) return;
    const Instant now = services_.deadlines.now();
    connection->idle_since = now;
    if (const auto promised = promised_idle_time(connection->head.fields)) {
        connection->idle_max = *promised;
    }
    if (!is_fit(*connection, now)) return;
    connection->in.shrink();
    // The answer may have repeated a key, and the connection may stay for long.
    connection->in.wipe_consumed();
    wipe(connection->head_text);
    idle_.push_back(std::move(connection));
    counters_->idle.add();
}

void Pool::drop_spoiled(Instant now) {
    if (idle_.empty()) return;
    std::vector<pollfd> polled;
    polled.reserve(idle_.size());
    for (const auto& connection : idle_) {
        polled.push_back({.fd = connection->stream.stream().native_handle(),
                          .events = POLLIN | POLLRDHUP,
                          .revents = 0});
    }
    const Instant looked_before = std::exchange(looked_at_, now);
    if (::poll(polled.data(), polled.size(), 0) <= 0) return;

    std::optional<Milliseconds> longest;
    for (std::size_t i = 0; i < polled.size(); ++i) {
        std::unique_ptr<Connection>& connection = idle_[i];
        const bool has_ended = (polled[i].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
        // Only one that was seen open tells a time: a server may close right after its answer.
        if (has_ended && looked_before - connection->idle_since >= closing_time) {
            const auto idle_for =
                std::chrono::duration_cast<Milliseconds>(now - connection->idle_since);
            longest = std::max(longest.value_or(idle_for), idle_for);
        }
        // Over TLS, what arrives need not be data: session tickets come when the server likes.
        if (has_ended || (polled[i].revents != 0 && !connection->stream.stream().is_quiet())) {
            connection.reset();
        }
    }
    if (longest) idle_limit_->server_closed(*longest, now);
    std::erase(idle_, nullptr);
}

void Pool::sweep(Instant now) {
    const std::size_t before = idle_.size();
    std::erase_if(idle_, [&](const auto& connection) { return !is_fit(*connection, now); });
    // More than idle_max are here only after it was lowered; the longest idle go.
    const std::size_t kept =
        std::min(idle_.size(), settings_->pool.idle_max.value_or(idle_.size()));
    idle_.erase(idle_.begin(), idle_.end() - static_cast<std::ptrdiff_t>(kept));
    drop_spoiled(now);
    counters_->idle.subtract(static_cast<std::int64_t>(before - idle_.size()));
    idle_limit_->forget(now);
    warm_up_->refill(shared_from_this(), now);
}

void Pool::close_longest_idle() noexcept {
    if (idle_.empty()) return;
    idle_.erase(idle_.begin());
    counters_->idle.subtract();
}

void Pool::retire() noexcept {
    is_retired_ = true;
    warm_up_->stop();
    counters_->idle.subtract(static_cast<std::int64_t>(idle_.size()));
    idle_.clear();
}

}  // namespace sluicegate::upstream
