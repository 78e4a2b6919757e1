#pragma once
/// One thread of the data plane: its io_context, its deadlines, its connections and its pools.
///
/// Threads  everything is the worker thread's own, except the functions marked "any thread".

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/ids.hpp"
#include "sluicegate/base/secret.hpp"
#include "sluicegate/gateway/route_reason.hpp"
#include "sluicegate/gateway/snapshot.hpp"
#include "sluicegate/limit/limiter.hpp"
#include "sluicegate/limit/output_estimates.hpp"
#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/metrics/request_counters.hpp"
#include "sluicegate/net/deadlines.hpp"
#include "sluicegate/net/hangup_watch.hpp"
#include "sluicegate/net/listener.hpp"
#include "sluicegate/net/resolver.hpp"
#include "sluicegate/upstream/pool.hpp"

#include <boost/asio/detail/concurrency_hint.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/intrusive/list.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace sluicegate::gateway {

/// What links a ClientConnection into its worker.
class ConnectionLink : public boost::intrusive::list_base_hook<
                           boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
protected:
    ConnectionLink() = default;
    ~ConnectionLink() = default;
};

/// A snapshot as one worker uses it. The reference count is the worker's own, so that requests of
/// different workers do not write to the same cache line.
struct WorkerSnapshot {
    std::shared_ptr<const Snapshot> shared;
    /// What one endpoint is reached with.
    struct Endpoint {
        std::shared_ptr<upstream::Pool> pool;
        Secret fields;  ///< those of every request to it
    };
    std::vector<std::vector<Endpoint>> endpoints;  ///< by upstream; one for the embedded upstream
    /// By model: handles that are looked up once.
    struct ModelCounters {
        metrics::Counter admitted, rejected;
        metrics::Histogram duration;
        /// By entry of the route and reason; looked up when first needed.
        std::vector<std::array<std::optional<metrics::Counter>, route_reasons>> routed;
    };
    std::vector<ModelCounters> model_counters;
    struct UpstreamCounters {
        metrics::Counter attempts;
        metrics::Histogram first_byte, total, queued;
    };
    std::vector<UpstreamCounters> upstream_counters;
};

class HealthChecks;
class RecordCounters;

class Worker {
public:
    struct Shared {
        const Clock& clock;
        limit::Limiter& limiter;
        limit::OutputEstimates& output_estimates;
        metrics::Registry& registry;
        /// Client connections of all workers together, and how many there may be.
        std::atomic<std::size_t>& connections;
        std::size_t connections_max;
    };

    explicit Worker(const Shared& shared);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker();

    /// Binds every listener of the configuration. Before run(); any thread.
    Result<void> bind(const std::vector<config::Listener>& listeners, net::Sharing sharing);
    [[nodiscard]] const std::vector<std::unique_ptr<net::Listener>>& listeners() const noexcept {
        return listeners_;
    }
    /// From the first snapshot to drain() or stop(), this worker asks the endpoints of every
    /// upstream with `health`, for all workers (HealthChecks). Before adopt().
    void check_health();
    /// The first snapshot, before run(). Later ones come through swap().
    void adopt(std::shared_ptr<const Snapshot> snapshot);

    /// Runs until the last connection has ended after drain(), or until stop().
    void run();

    /// From the next request on, `snapshot` is in force; `done` is called on the worker's thread
    /// once it is. Any thread.
    void swap(std::shared_ptr<const Snapshot> snapshot, std::function<void()> done);
    /// Stops accepting, closes idle connections, lets running requests end. Any thread.
    void drain();
    /// Closes everything now. Any thread.
    void stop();

    // --- what connections and stages use ---

    [[nodiscard]] net::asio::io_context& context() noexcept { return context_; }
    [[nodiscard]] const Clock& clock() const noexcept { return shared_.clock; }
    [[nodiscard]] limit::Limiter& limiter() noexcept { return shared_.limiter; }
    [[nodiscard]] limit::OutputEstimates& output_estimates() noexcept {
        return shared_.output_estimates;
    }
    [[nodiscard]] metrics::Registry& registry() noexcept { return shared_.registry; }
    [[nodiscard]] net::Deadlines& deadlines() noexcept { return deadlines_; }
    [[nodiscard]] net::HangupWatch& hangups() noexcept { return hangups_; }
    [[nodiscard]] RequestIdSource& request_ids() noexcept { return request_ids_; }
    /// 0 … 2^31 - 2, to spread clients; not a secret.
    [[nodiscard]] std::uint32_t random() noexcept {
        return static_cast<std::uint32_t>(random_() - std::minstd_rand::min());
    }
    [[nodiscard]] metrics::RequestCounters& request_counters() noexcept {
        return request_counters_;
    }
    [[nodiscard]] RecordCounters& record_counters() noexcept { return *record_counters_; }
    void count_auth_failure(ErrorKind kind);
    void count_upstream_error(const std::string& upstream, ErrorKind kind);
    /// Logs and counts a change of an endpoint's health; nothing for none.
    void note_change(const std::string& upstream, const std::string& endpoint,
                     const std::optional<route::HealthChange>& change);
    /// The same when an account begins to cool: `upstream` is the one that was refused.
    void note_cooling(const std::string& upstream, const std::string& model, Milliseconds wait);
    void count_retry(bool is_allowed);
    [[nodiscard]] metrics::Gauge& in_flight() noexcept { return in_flight_; }
    [[nodiscard]] const std::shared_ptr<WorkerSnapshot>& snapshot() const noexcept {
        return snapshot_;
    }
    [[nodiscard]] bool is_draining() const noexcept { return is_draining_; }
    /// The Date field of this second, "Sat, 21 Nov 2026 20:45:23 GMT" (RFC 9110, 5.6.7).
    [[nodiscard]] std::string_view http_date() const noexcept { return http_date_; }
    /// A connection begins and ends.
    void enter(ConnectionLink& connection) noexcept;
    void leave(ConnectionLink& connection) noexcept;
    /// Lines of the access log, each with its newline; written out once per tick.
    [[nodiscard]] std::string& access_lines() noexcept { return access_lines_; }

private:
    net::Task<void> tick();
    void on_tick();
    void accepted(net::Socket socket, std::size_t listener);
    void end_if_drained() noexcept;
    void watch_health();
    [[nodiscard]] std::shared_ptr<upstream::Pool> pool_for(const config::Upstream& settings,
                                                           std::size_t endpoint,
                                                           const net::TlsContext& tls);
    void retire_unused(const WorkerSnapshot& next);
    template <class Act>
    void for_each_pool(Act act) const {
        if (!snapshot_) return;
        for (const auto& endpoints : snapshot_->endpoints) {
            for (const WorkerSnapshot::Endpoint& endpoint : endpoints) act(endpoint.pool);
        }
    }

    Shared shared_;
    /// One thread runs it; others only post.
    net::asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
    net::asio::executor_work_guard<net::Executor> keep_running_;
    net::Timer tick_timer_;
    net::Deadlines deadlines_;
    net::HangupWatch hangups_;
    net::Resolver resolver_;
    RequestIdSource request_ids_;
    std::minstd_rand random_{std::random_device{}()};
    metrics::RequestCounters request_counters_;
    std::unique_ptr<RecordCounters> record_counters_;
    metrics::Gauge in_flight_;
    metrics::Gauge connections_gauge_;
    std::string http_date_;
    std::int64_t http_date_second_ = -1;
    std::string access_lines_;
    std::vector<std::unique_ptr<net::Listener>> listeners_;
    std::shared_ptr<WorkerSnapshot> snapshot_;
    boost::intrusive::list<ConnectionLink, boost::intrusive::constant_time_size<false>>
        connections_;
    std::size_t connection_count_ = 0;
    std::unique_ptr<HealthChecks> health_checks_;  ///< null: another worker asks, or none any more
    bool is_draining_ = false;
};

}  // namespace sluicegate::gateway
