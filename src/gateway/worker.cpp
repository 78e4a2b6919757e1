#include "sluicegate/gateway/worker.hpp"

#include "sluicegate/base/log.hpp"
#include "sluicegate/echo/echo_server.hpp"
#include "sluicegate/net/spawn.hpp"

#include "gateway/client_connection.hpp"
#include "gateway/overload.hpp"
#include "gateway/record_counters.hpp"
#include "gateway/upstream_fields.hpp"

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

void Worker::adopt(std::shared_ptr<const Snapshot> snapshot) {
    auto adopted = std::make_shared<WorkerSnapshot>();
    const config::Config& config = snapshot->config;
    for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
        const config::Upstream& upstream = config.upstreams[i];
        const net::TlsContext& tls = snapshot->upstream_tls[i];
        std::shared_ptr<upstream::Pool> pool = find_pool(upstream, tls);
        if (!pool) {
            upstream::Pool::Dial dial;
            if (upstream.kind == config::UpstreamKind::echo) {
                dial = [this, settings = upstream.echo] {
                    return echo::dial(context_, settings, shared_.clock);
                };
            }
            const upstream::Services services{context_, shared_.clock, deadlines_, resolver_,
                                              shared_.registry};
            pool = std::make_shared<upstream::Pool>(services, upstream, 0, tls, std::move(dial));
        }
        adopted->pools.push_back(std::move(pool));
        adopted->upstream_fields.push_back(upstream_fields(upstream));
        adopted->upstream_counters.push_back(
            {shared_.registry.histogram(Metric::upstream_first_byte_duration_seconds,
                                        {upstream.name}),
             shared_.registry.histogram(Metric::upstream_request_duration_seconds,
                                        {upstream.name})});
    }
    for (const config::Model& model : config.models) {
        adopted->model_counters.push_back(
            {shared_.registry.counter(Metric::limiter_decisions_total, {model.name, "admitted"}),
             shared_.registry.counter(Metric::limiter_decisions_total, {model.name, "rejected"}),
             shared_.registry.histogram(Metric::request_duration_seconds, {model.name})});
    }
    adopted->shared = std::move(snapshot);
    snapshot_ = std::move(adopted);
}

std::shared_ptr<upstream::Pool> Worker::find_pool(const config::Upstream& settings,
                                                  const net::TlsContext& tls) const {
    if (!snapshot_) return nullptr;
    for (const auto& pool : snapshot_->pools) {
        if (pool->settings() == settings && pool->tls() == tls) return pool;
    }
    return nullptr;
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
        if (snapshot_) {
            for (const auto& pool : snapshot_->pools) pool->sweep(now);
        }
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
    if (snapshot_) {
        for (const auto& pool : snapshot_->pools) pool->close_idle();
    }
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

}  // namespace sluicegate::gateway
