#pragma once
/// The running gateway: workers, admin port, signals, reload and drain.
///
/// Threads  run() on the main thread, which then runs the control plane; one thread per worker.

#include "sluicegate/admin/admin_server.hpp"
#include "sluicegate/app/signal_guard.hpp"
#include "sluicegate/app/snapshot_builder.hpp"
#include "sluicegate/app/status.hpp"
#include "sluicegate/base/clock.hpp"
#include "sluicegate/config/load.hpp"
#include "sluicegate/limit/limiter.hpp"
#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/route/state_registry.hpp"
#include "sluicegate/worker/worker.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sluicegate::app {

class KeyExpiry;
class Listeners;
class ServiceManager;
class Shutdown;
class StateKeeper;
struct ReloadOutcome;
class WorkerWatch;

class Daemon {
public:
    /// `file` is read again on each reload; `environment` likewise. `signals` and
    /// `service_manager` must outlive it.
    Daemon(std::string file, config::Environment environment, SignalGuard& signals,
           const ServiceManager& service_manager);
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// Serves `config`, which was loaded from the file, until a signal ends it.
    /// Errors: a TLS file that cannot be used, an address that cannot be listened on.
    Result<void> run(config::Config config);

private:
    Result<void> bind(const config::Config& config);
    Result<void> bind_admin(const config::Config& config);
    [[nodiscard]] admin::Page status(std::string_view query);
    void announce(const config::Config& config) const;
    static void announce_listener(const std::string& address, bool is_tls);
    void start_workers();
    void take_signals();
    void handle(int signal);
    using AfterReload = std::function<void(const ReloadOutcome&)>;
    /// For a signal: while another reload is under way, it comes after that.
    void reload();
    /// For `POST /reload`.
    void reload_and_tell(const std::function<void(admin::Page)>& answer);
    void begin_reload(AfterReload told);
    struct Next;
    void publish(const std::shared_ptr<Next>& next, const AfterReload& told);
    void end_reload(Next& next, const AfterReload& told);
    /// The same snapshot, freed by the control thread: its last owner may be a worker that has
    /// requests to serve.
    [[nodiscard]] std::shared_ptr<const worker::Snapshot> freed_here(
        std::shared_ptr<const worker::Snapshot> snapshot);
    void refuse_reload(std::vector<config::Problem> problems, const AfterReload& told);
    void note_success();
    void drain();
    /// `action` whenever a `period` has passed, until the timer is cancelled.
    static net::Task<void> repeat(net::Timer& timer, std::chrono::seconds period,
                                  std::string_view what, std::function<void()> action);
    void worker_ended();
    /// Before a forced end.
    void save_state();
    void apply_bounds(const config::Server& server);
    [[nodiscard]] std::int64_t unix_seconds() const;

    const std::string file_;
    const config::Environment environment_;
    SystemClock clock_;
    net::asio::io_context control_{1};
    metrics::Registry registry_;
    route::StateRegistry states_;
    SnapshotBuilder builder_{states_};
    std::shared_ptr<const worker::Snapshot> snapshot_;
    std::unique_ptr<limit::Limiter> limiter_;
    limit::OutputEstimates output_estimates_;
    WallTime started_at_{};
    WallTime loaded_at_{};
    std::optional<Reload> last_reload_;
    client::ConnectionPlaces places_{config::Server().connections_max};
    client::AddressTable addresses_{config::Server().connections_max};
    MemoryBudget memory_{config::Server().memory_bytes_max};
    worker::Load load_{memory_, places_};
    SignalGuard& signals_;
    const ServiceManager& service_manager_;
    net::asio::executor_work_guard<net::Executor> keep_running_;
    std::unique_ptr<Shutdown> shutdown_;
    net::Timer ticket_key_timer_;
    net::Timer key_expiry_timer_;
    std::unique_ptr<KeyExpiry> key_expiry_;
    std::unique_ptr<StateKeeper> state_keeper_;  ///< null without limiter.state_file
    std::unique_ptr<admin::AdminServer> admin_;
    std::unique_ptr<Listeners> listeners_;
    std::vector<std::unique_ptr<worker::Worker>> workers_;
    std::unique_ptr<WorkerWatch> worker_watch_;
    std::vector<std::thread> threads_;
    std::size_t workers_running_ = 0;
    bool is_reloading_ = false;
    bool wants_reload_ = false;  ///< a SIGHUP came while a reload was under way
};

}  // namespace sluicegate::app
