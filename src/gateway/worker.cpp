#include "sluicegate/gateway/worker.hpp"

#include "sluicegate/base/log.hpp"
#include "sluicegate/echo/echo_server.hpp"
#include "sluicegate/net/spawn.hpp"
#include "sluicegate/provider/fields.hpp"

#include "gateway/client_connection.hpp"
#include "gateway/health_checks.hpp"
#include "gateway/overload.hpp"
#include "gateway/record_counters.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <ctime>
#include <utility>

namespace sluicegate::gateway {
namespace {

namespace asio = net::asio;
using metrics::Metric;

std::string format_http_date(std::time_t second) {
    std::tm utc{};
    gmtime_r(&second, &utc);
    char text[32];
    // The C locale is never changed, so the names are English as RFC 9110, 5.6.7 demands.
    const std::size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    return {text, size};
}

}  // namespace

std::string_view name_of(RouteReason reason) noexcept {
    static constexpr std::array<std::string_view, route_reasons> names{"share", "spill", "failover",
                                                                       "none"};
    return names[static_cast<std::size_t>(reason)];
}

Worker::Worker(const Shared& shared)
    : shared_(shared),
      keep_running_(context_.get_executor()),
      tick_timer_(context_.get_executor()),
      deadlines_(shared.clock.now()),
      resolver_(context_, shared.clock),
      request_counters_(shared.registry),
      record_counters_(std::make_unique<RecordCounters>(shared.registry)),
      in_flight_(shared.registry.gauge(Metric::requests_in_flight)),
      connections_gauge_(shared.registry.gauge(Metric::client_connections)) {
}

Worker::~Worker() = default;

Result<void> Worker::bind(const std::vector<config::Listener>& listeners, net::Sharing sharing) {
    for (const config::Listener& wanted : listeners) {
        auto listener = std::make_unique<net::Listener>(context_);
        auto bound = listener->bind(wanted.host, wanted.port, sharing);
        if (!bound) return bound;
        listeners_.push_back(std::move(listener));
    }
    return {};
}

void Worker::check_health() {
    health_checks_ = std::make_unique<HealthChecks>(*this);
}

void Worker::adopt(std::shared_ptr<const Snapshot> snapshot) {
    auto adopted = std::make_shared<WorkerSnapshot>();
    const config::Config& config = snapshot->config;
    for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
        const config::Upstream& upstream = config.upstreams[i];
        std::vector<WorkerSnapshot::Endpoint>& endpoints = adopted->endpoints.emplace_back();
        const std::size_t count = snapshot->upstream_states[i]->endpoints().size();
        for (std::size_t k = 0; k < count; ++k) {
            const bool has_tls = k < upstream.endpoints.size() && upstream.endpoints[k].tls;
            const net::TlsContext tls = has_tls ? snapshot->upstream_tls[i] : net::TlsContext();
            endpoints.push_back({pool_for(upstream, k, tls), provider::fixed_fields(upstream, k)});
        }
        adopted->upstream_counters.push_back(
            {shared_.registry.counter(Metric::upstream_attempts_total, {upstream.name}),
             shared_.registry.histogram(Metric::upstream_first_byte_duration_seconds,
                                        {upstream.name}),
             shared_.registry.histogram(Metric::upstream_request_duration_seconds, {upstream.name}),
             shared_.registry.histogram(Metric::upstream_queue_duration_seconds, {upstream.name})});
    }
    for (const config::Model& model : config.models) {
        adopted->model_counters.push_back(
            {shared_.registry.counter(Metric::limiter_decisions_total, {model.name, "admitted"}),
             shared_.registry.counter(Metric::limiter_decisions_total, {model.name, "rejected"}),
             shared_.registry.histogram(Metric::request_duration_seconds, {model.name}),
             {}});
        adopted->model_counters.back().routed.resize(model.route.size() + model.fallback.size());
    }
    adopted->shared = std::move(snapshot);
    retire_unused(*adopted);
    snapshot_ = std::move(adopted);
    if (health_checks_) watch_health();
}

void Worker::watch_health() {
    std::vector<HealthChecks::Target> targets;
    const auto& states = snapshot_->shared->upstream_states;
    for (std::size_t i = 0; i < states.size(); ++i) {
        for (const WorkerSnapshot::Endpoint& endpoint : snapshot_->endpoints[i]) {
            targets.push_back({endpoint.pool, states[i]});
        }
    }
    health_checks_->watch(targets);
}

/// What the new snapshot does not take over keeps no connections and makes none.
void Worker::retire_unused(const WorkerSnapshot& next) {
    for_each_pool([&next](const std::shared_ptr<upstream::Pool>& pool) {
        for (const auto& endpoints : next.endpoints) {
            for (const WorkerSnapshot::Endpoint& endpoint : endpoints) {
                if (endpoint.pool == pool) return;
            }
        }
        pool->retire();
    });
}

std::shared_ptr<upstream::Pool> Worker::pool_for(const config::Upstream& settings,
                                                 std::size_t endpoint, const net::TlsContext& tls) {
    std::shared_ptr<upstream::Pool> found;
    for_each_pool([&](const std::shared_ptr<upstream::Pool>& pool) {
        const bool is_same = pool->settings() == settings && pool->endpoint_index() == endpoint &&
                             pool->tls() == tls;
        if (is_same) found = pool;
    });
    if (found) return found;
    upstream::Pool::Dial dial;
    if (settings.kind == config::UpstreamKind::echo) {
        dial = [this, echo = settings.echo] { return echo::dial(context_, echo, shared_.clock); };
    }
    const upstream::Services services{context_, shared_.clock, deadlines_, resolver_,
                                      shared_.registry};
    return std::make_shared<upstream::Pool>(services, settings, endpoint, tls, std::move(dial));
}

void Worker::run() {
    on_tick();
    net::spawn(context_, tick(), "worker tick");
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
        auto accept = [this, i](net::Socket socket) { accepted(std::move(socket), i); };
        net::spawn(context_, listeners_[i]->run(std::move(accept)), "listener");
    }
    context_.run();
    log::write_lines(access_lines_);
}

net::Task<void> Worker::tick() {
    while (keep_running_.owns_work()) {
        tick_timer_.expires_after(net::Deadlines::tick_length);
        co_await tick_timer_.async_wait(net::use_result);
        on_tick();
    }
}

void Worker::on_tick() {
    const Instant now = shared_.clock.now();
    deadlines_.tick(now);
    hangups_.poll();
    const std::time_t second = std::chrono::system_clock::to_time_t(shared_.clock.wall_now());
    if (second != http_date_second_) {
        http_date_second_ = second;
        http_date_ = format_http_date(second);
        if (!is_draining_) for_each_pool([now](const auto& pool) { pool->sweep(now); });
    }
    if (!access_lines_.empty()) {
        access_lines_.pop_back();  // the log adds the last newline itself
        log::write_lines(access_lines_);
        access_lines_.clear();
    }
}

void Worker::accepted(net::Socket socket, std::size_t listener) {
    // Accepted just before the listener was closed: nobody would end it any more.
    if (is_draining_) return;
    const net::TlsContext& tls = snapshot_->shared->listener_tls[listener];
    if (shared_.connections.load(std::memory_order_relaxed) >= shared_.connections_max) {
        // A TLS client just sees the end: a handshake is what an overloaded gateway cannot afford.
        if (!tls) refuse_overloaded(std::move(socket), request_ids_.next());
        return;
    }
    auto connection = std::make_unique<ClientConnection>(*this, std::move(socket), tls);
    net::spawn(context_, ClientConnection::serve(std::move(connection)), "client connection");
}

void Worker::enter(ConnectionLink& connection) noexcept {
    connections_.push_back(connection);
    ++connection_count_;
    shared_.connections.fetch_add(1, std::memory_order_relaxed);
    connections_gauge_.add();
}

void Worker::leave(ConnectionLink& connection) noexcept {
    connection.unlink();
    --connection_count_;
    shared_.connections.fetch_sub(1, std::memory_order_relaxed);
    connections_gauge_.subtract();
    end_if_drained();
}

void Worker::end_if_drained() noexcept {
    if (!is_draining_ || connection_count_ > 0) return;
    for_each_pool([](const auto& pool) { pool->retire(); });
    keep_running_.reset();
    tick_timer_.cancel();
}

void Worker::swap(std::shared_ptr<const Snapshot> snapshot, std::function<void()> done) {
    asio::post(context_, [this, snapshot = std::move(snapshot), done = std::move(done)]() mutable {
        adopt(std::move(snapshot));
        done();
    });
}

void Worker::drain() {
    asio::post(context_, [this] {
        is_draining_ = true;
        health_checks_.reset();
        for (const auto& listener : listeners_) listener->close();
        for (ConnectionLink& link : connections_) {
            static_cast<ClientConnection&>(link).close_if_idle();
        }
        end_if_drained();
    });
}

void Worker::stop() {
    asio::post(context_, [this] {
        is_draining_ = true;
        health_checks_.reset();
        for (const auto& listener : listeners_) listener->close();
        for (ConnectionLink& link : connections_) static_cast<ClientConnection&>(link).close();
        end_if_drained();
    });
}

void Worker::count_auth_failure(ErrorKind kind) {
    shared_.registry.counter(Metric::auth_failures_total, {name_of(kind)}).add();
}

void Worker::count_upstream_error(const std::string& upstream, ErrorKind kind) {
    shared_.registry.counter(Metric::upstream_errors_total, {upstream, name_of(kind)}).add();
}

void Worker::note_cooling(const std::string& upstream, const std::string& model,
                          Milliseconds wait) {
    log::warn("upstream_cooling",
              upstream + " refused " + model + " for its quota; it is not asked for it for " +
                  std::to_string(wait.count()) + " ms",
              {{"upstream", upstream}, {"model", model}});
}

void Worker::count_retry(bool is_allowed) {
    shared_.registry.counter(Metric::retries_total, {is_allowed ? "done" : "over_budget"}).add();
}

void Worker::note_change(const std::string& upstream, const std::string& endpoint,
                         const std::optional<route::HealthChange>& change) {
    if (!change) return;
    const std::string_view state = name_of(change->to);
    shared_.registry.counter(Metric::upstream_state_changes_total, {upstream, endpoint, state})
        .add();
    const std::string text =
        endpoint + " of " + upstream + " is " + std::string(state) + ": " + change->reason;
    const log::Level level =
        change->to == route::Health::healthy ? log::Level::info : log::Level::warn;
    log::write(level, "upstream_state", text,
               {{"upstream", upstream},
                {"endpoint", endpoint},
                {"state", state},
                {"reason", change->reason}});
}

}  // namespace sluicegate::gateway
