#include "sluicegate/app/daemon.hpp"

#include "sluicegate/app/service_manager.hpp"
#include "sluicegate/base/log.hpp"
#include "sluicegate/config/changes.hpp"
#include "sluicegate/gateway/pipeline.hpp"
#include "sluicegate/net/spawn.hpp"

#include "app/certificates.hpp"
#include "app/descriptors.hpp"
#include "app/key_expiry.hpp"
#include "app/listeners.hpp"
#include "app/metrics_page.hpp"
#include "app/reload_page.hpp"
#include "app/shutdown.hpp"
#include "app/state_keeper.hpp"
#include "app/upstream_status.hpp"
#include "app/worker_watch.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <malloc.h>
#include <map>
#include <pthread.h>
#include <unistd.h>
#include <utility>

namespace sluicegate::app {
namespace {

namespace asio = net::asio;
using metrics::Metric;

#if defined(__clang__)
constexpr std::string_view compiler = "clang " __clang_version__;
#else
constexpr std::string_view compiler = "g++ " __VERSION__;
#endif

unsigned worker_count(unsigned configured) {
    if (configured > 0) return configured;
    return std::max(1U, std::thread::hardware_concurrency());
}

admin::AdminSettings admin_settings_of(const worker::Snapshot& snapshot) {
    return {.access = std::make_shared<const admin::Access>(snapshot.config.admin),
            .tls = snapshot.admin_tls};
}

/// A large configuration leaves pages that are free, but between others. glibc gives them back to
/// the system only when it is asked.
void give_back_memory() {
    malloc_trim(0);
}

admin::Page config_page(const worker::Snapshot& snapshot) {
    const std::string& text = snapshot.config.effective_text;
    if (text.empty()) {
        return {.status = 503,
                .body =
                    "the configuration is too large to be kept as text: run `sluicegate "
                    "config show FILE`\n"};
    }
    return {.content_type = "application/yaml", .body = text};
}

void log_notes(const worker::Snapshot& snapshot) {
    for (const std::string& note : snapshot.config.notes) log::info("config", note);
    for (const std::string& warning : snapshot.warnings) log::warn("config", warning);
}

}  // namespace

/// What a reload brings into force.
struct Daemon::Next {
    std::shared_ptr<const worker::Snapshot> snapshot;
    Listeners::Plan listeners;
};

Daemon::Daemon(std::string file, config::Environment environment, SignalGuard& signals,
               const ServiceManager& service_manager)
    : file_(std::move(file)),
      environment_(std::move(environment)),
      signals_(signals),
      service_manager_(service_manager),
      keep_running_(control_.get_executor()),
      shutdown_(std::make_unique<Shutdown>(Shutdown::Parts{.control = control_,
                                                           .workers = workers_,
                                                           .registry = registry_,
                                                           .places = places_,
                                                           .save = [this] { save_state(); }})),
      ticket_key_timer_(control_.get_executor()),
      key_expiry_timer_(control_.get_executor()),
      key_expiry_(std::make_unique<KeyExpiry>()),
      listeners_(std::make_unique<Listeners>(service_manager.descriptors())),
      worker_watch_(std::make_unique<WorkerWatch>(control_, clock_, workers_)) {
}

Daemon::~Daemon() {
    signals_.stop_handing_on();
    for (const auto& worker : workers_) worker->stop();
    for (std::thread& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
}

std::int64_t Daemon::unix_seconds() const {
    return std::chrono::duration_cast<std::chrono::seconds>(clock_.wall_now().time_since_epoch())
        .count();
}

Result<void> Daemon::run(config::Config config) {
    std::signal(SIGPIPE, SIG_IGN);  // a peer that has gone is an error of one write, not of us
    log::set_level(config.log.level);
    log::info("starting", "sluicegate " SLUICEGATE_VERSION,
              {{"pid", static_cast<std::int64_t>(::getpid())}, {"config", file_}});
    started_at_ = clock_.wall_now();
    registry_.set_only(Metric::build_info, 1, {SLUICEGATE_VERSION, compiler});

    auto built = builder_.build(std::move(config));
    if (!built) return std::move(built).failure();
    snapshot_ = freed_here(std::move(*built));
    give_back_memory();
    states_.apply(snapshot_->config, snapshot_->routes, clock_.now());
    const config::Config& running = snapshot_->config;
    memory_.set_limit(running.server.memory_bytes_max);
    apply_bounds(running.server);
    limiter_ = std::make_unique<limit::Limiter>(
        limit::Settings{.window = running.limiter.window, .slots = running.limiter.slots});

    if (!running.limiter.state_file.empty()) {
        state_keeper_ = std::make_unique<StateKeeper>(control_, running.limiter.state_file,
                                                      *limiter_, clock_, builder_, registry_);
        if (auto restored = state_keeper_->restore(); !restored) return restored;
    }

    if (auto bound = bind(running); !bound) return bound;
    if (auto bound = bind_admin(running); !bound) return bound;
    for (const auto& worker : workers_) worker->adopt(snapshot_);

    log_notes(*snapshot_);
    note_success();
    signals_.set_drain_timeout(running.server.timeouts.drain);
    start_workers();
    if (admin_) admin_->start();
    net::spawn_vital(control_, worker_watch_->run(), "watch of the workers");
    net::spawn_vital(
        control_,
        repeat(ticket_key_timer_, net::TicketKeys::period, "rotating the keys of session tickets",
               [this] { builder_.rotate_ticket_keys(); }),
        "rotation of the keys of session tickets");
    const auto tell_of_expiring_keys = [this] { key_expiry_->log_soon(clock_.wall_now()); };
    net::guarded("naming the keys that expire", tell_of_expiring_keys);
    net::spawn(control_,
               repeat(key_expiry_timer_, std::chrono::days(1), "naming the keys that expire",
                      tell_of_expiring_keys),
               "keys that expire");
    take_signals();
    if (state_keeper_) net::spawn(control_, state_keeper_->run(), "limiter state");
    announce(running);
    service_manager_.is_ready("serving");
    control_.run();
    for (std::thread& thread : threads_) thread.join();
    if (state_keeper_) state_keeper_->finish();
    log::info("stopped", "all connections have ended", {{"dropped", shutdown_->dropped()}});
    return {};
}

void Daemon::apply_bounds(const config::Server& server) {
    const ConnectionBounds bounds =
        connection_bounds(raise_descriptor_limit(), server, worker_count(server.threads));
    if (bounds.descriptors > 0) load_.set_descriptors_max(bounds.descriptors);
    places_.set_most(bounds.clients);
    addresses_.set_connections_max(bounds.clients);
}

Result<void> Daemon::bind(const config::Config& config) {
    const unsigned count = worker_count(config.server.threads);
    std::size_t failed = 0;
    auto plan = listeners_->plan(config.server.listen, count, failed);
    if (!plan) return std::move(plan).failure();
    for (unsigned i = 0; i < count; ++i) {
        const worker::Worker::Shared shared{.clock = clock_,
                                            .limiter = *limiter_,
                                            .output_estimates = output_estimates_,
                                            .registry = registry_,
                                            .places = places_,
                                            .addresses = addresses_,
                                            .load = load_,
                                            .memory = memory_};
        auto worker = std::make_unique<worker::Worker>(shared, gateway::make_path(registry_));
        std::vector<net::ListeningSocket> sockets;
        for (auto& source : plan->sources[i]) sockets.push_back(std::move(*source.added));
        worker->listen(std::move(sockets));
        workers_.push_back(std::move(worker));
    }
    workers_.front()->check_health();
    listeners_->take(std::move(plan->entries));
    for (const std::string& address : listeners_->unused(config.server, config.admin)) {
        log::warn("listening",
                  "the service manager listens there, but no listener of the configuration does: "
                  "clients wait in vain",
                  {{"address", address}});
    }
    return {};
}

Result<void> Daemon::bind_admin(const config::Config& config) {
    if (!config.admin.listen) return {};
    std::map<std::string, admin::AdminServer::MakePage> pages;
    pages["/livez"] = [this](std::string_view) {
        if (auto why = worker_watch_->why_stalled())
            return admin::Page{.status = 503, .body = std::move(*why)};
        return admin::Page{.body = "ok\n"};
    };
    pages["/readyz"] = [this](std::string_view) {
        if (auto why = worker_watch_->why_stalled())
            return admin::Page{.status = 503, .body = std::move(*why)};
        if (shutdown_->is_draining()) return admin::Page{.status = 503, .body = "draining\n"};
        if (auto why = why_not_ready(*snapshot_, clock_.now())) {
            return admin::Page{.status = 503, .body = std::move(*why)};
        }
        return admin::Page{.body = "ok\n"};
    };
    pages["/status"] = [this](std::string_view query) { return status(query); };
    pages["/config"] = [this](std::string_view) { return config_page(*snapshot_); };
    pages["/metrics"] = [this](std::string_view) {
        return metrics_page({.registry = registry_,
                             .limiter = *limiter_,
                             .memory = memory_,
                             .workers = *worker_watch_,
                             .snapshot = *snapshot_,
                             .keys_expiring = key_expiry_->count_soon(clock_.wall_now())},
                            clock_.now());
    };
    admin_ = std::make_unique<admin::AdminServer>(control_, clock_, std::move(pages),
                                                  admin_settings_of(*snapshot_));
    admin_->on_post("/reload",
                    [this](std::function<void(admin::Page)> answer) { reload_and_tell(answer); });
    const config::Listener& listen = *config.admin.listen;
    const net::ListeningSocket* inherited = listeners_->find_inherited(listen.host, listen.port);
    if (inherited == nullptr) return admin_->bind(listen.host, listen.port);
    auto socket = inherited->duplicate();
    if (!socket) return std::move(socket).failure();
    return admin_->take(std::move(*socket));
}

admin::Page Daemon::status(std::string_view query) {
    return status_page({.snapshot = *snapshot_,
                        .limiter = *limiter_,
                        .registry = registry_,
                        .clock = clock_,
                        .started_at = started_at_,
                        .loaded_at = loaded_at_,
                        .last_reload = last_reload_,
                        .is_draining = shutdown_->is_draining(),
                        .config_file = file_},
                       query);
}

void Daemon::announce_listener(const std::string& address, bool is_tls) {
    log::info("listening", "ready for clients",
              {{"address", address}, {"role", is_tls ? "client_tls" : "client"}});
}

void Daemon::announce(const config::Config& config) const {
    for (const Listeners::Entry& entry : listeners_->entries()) {
        announce_listener(entry.address, entry.is_tls);
    }
    if (admin_) {
        log::info("listening", "ready for operators",
                  {{"address", admin_->address()}, {"role", "admin"}});
    }
    log::info("started", "sluicegate " SLUICEGATE_VERSION " is running",
              {{"workers", workers_.size()}, {"config", file_}, {"sha256", config.sha256}});
}

void Daemon::start_workers() {
    workers_running_ = workers_.size();
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        threads_.emplace_back([this, i] {
            // For `top -H` and a debugger: which of them it is that /livez names.
            ::pthread_setname_np(::pthread_self(), ("worker " + std::to_string(i)).c_str());
            workers_[i]->run();
            asio::post(control_, [this] { worker_ended(); });
        });
    }
}

void Daemon::worker_ended() {
    if (--workers_running_ > 0) return;
    if (admin_) admin_->stop();
    if (state_keeper_) state_keeper_->stop();
    keep_running_.reset();
    worker_watch_->stop();
    shutdown_->end();
    ticket_key_timer_.cancel();
    key_expiry_timer_.cancel();
}

void Daemon::save_state() {
    // Not finish(): a worker that comes back may still charge something.
    if (state_keeper_) state_keeper_->save();
}

void Daemon::take_signals() {
    signals_.serve_with([this](int signal) {
        asio::post(control_, [this, signal] {
            net::guarded("handling a signal", [this, signal] { handle(signal); });
        });
    });
}

void Daemon::handle(int signal) {
    if (workers_running_ == 0) return;  // the process ends: there is nothing left to order
    if (signal == SIGHUP) {
        reload();
    } else if (signal == SIGUSR1) {
        log::info("log", "the log goes to standard output: there is no file to open again");
    } else if (shutdown_->is_draining()) {
        log::warn("drain", "second signal: closing what still runs");
        shutdown_->stop();
    } else {
        drain();
    }
}

net::Task<void> Daemon::repeat(net::Timer& timer, std::chrono::seconds period,
                               std::string_view what, std::function<void()> action) {
    for (;;) {
        timer.expires_after(period);
        auto [cancelled] = co_await timer.async_wait(net::use_result);
        if (cancelled) co_return;
        net::guarded(what, action);
    }
}

void Daemon::reload() {
    if (shutdown_->is_draining()) {
        log::warn("drain", "no reload: the gateway drains");
    } else if (is_reloading_) {
        wants_reload_ = true;
    } else {
        begin_reload([](const ReloadOutcome&) {});
    }
}

void Daemon::reload_and_tell(const std::function<void(admin::Page)>& answer) {
    if (shutdown_->is_draining()) return answer(no_reload_page(503, "the gateway drains"));
    if (is_reloading_) {
        return answer(no_reload_page(409, "another reload is under way: try again when it ends"));
    }
    begin_reload([answer](const ReloadOutcome& outcome) { answer(reload_page(outcome)); });
}

void Daemon::begin_reload(AfterReload told) {
    service_manager_.is_reloading();
    auto loaded = config::load(file_, environment_, config::EffectiveText::if_small);
    if (!loaded) return refuse_reload(std::move(loaded.problems), told);
    auto fixed = config::restart_only_changes(snapshot_->config, *loaded.config);
    for (config::Problem& problem : fixed) problem.file = file_;
    if (!fixed.empty()) return refuse_reload(std::move(fixed), told);
    auto built = builder_.build(std::move(*loaded.config));
    if (!built) {
        return refuse_reload(
            {{.file = file_, .line = 0, .path = {}, .message = built.error().detail}}, told);
    }
    std::size_t failed = 0;
    auto listeners = listeners_->plan((*built)->config.server.listen, workers_.size(), failed);
    if (!listeners) {
        return refuse_reload({{.file = file_,
                               .line = 0,
                               .path = "server.listen[" + std::to_string(failed) + "].address",
                               .message = listeners.error().detail}},
                             told);
    }
    auto next = std::make_shared<Next>(
        Next{.snapshot = freed_here(std::move(*built)), .listeners = std::move(*listeners)});
    publish(next, told);
}

void Daemon::refuse_reload(std::vector<config::Problem> problems, const AfterReload& told) {
    registry_.counter(Metric::config_reloads_total, {"failure"}).add();
    registry_.set(Metric::config_last_reload_successful, 0);
    last_reload_ = {.at = clock_.wall_now(), .has_succeeded = false};
    for (const config::Problem& problem : problems) {
        log::error("config_problem", config::format(problem),
                   {{"file", problem.file}, {"line", problem.line}, {"path", problem.path}});
    }
    log::error(
        "reload_failed", "the running configuration stays in force",
        {{"config", file_}, {"problems", problems.size()}, {"sha256", snapshot_->config.sha256}});
    service_manager_.is_ready("serving; the last reload was refused, see the log");
    told({.is_in_force = false, .problems = std::move(problems)});
}

/// Every worker swaps on its own thread; the reload is done, and said to be, when the last one has.
void Daemon::publish(const std::shared_ptr<Next>& next, const AfterReload& told) {
    is_reloading_ = true;
    const auto snapshot = next->snapshot;
    memory_.set_limit(snapshot->config.server.memory_bytes_max);
    if (state_keeper_) state_keeper_->note_names();
    states_.apply(snapshot->config, snapshot->routes, clock_.now());
    auto waiting = std::make_shared<std::atomic<std::size_t>>(workers_.size());
    const auto swapped = [this, waiting, next, told] {
        if (waiting->fetch_sub(1) > 1) return;
        asio::post(control_, [this, next, told] { end_reload(*next, told); });
    };
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        workers_[i]->swap(snapshot, swapped, std::move(next->listeners.sources[i]));
    }
}

void Daemon::end_reload(Next& next, const AfterReload& told) {
    const auto& snapshot = next.snapshot;
    auto changes = config::describe_changes(snapshot_->config, snapshot->config);
    for (std::string& change : certificate_changes(*snapshot_, *snapshot)) {
        changes.push_back(std::move(change));
    }
    snapshot_ = snapshot;
    listeners_->take(std::move(next.listeners.entries));
    for (const Listeners::Entry& entry : next.listeners.added) {
        announce_listener(entry.address, entry.is_tls);
    }
    for (const Listeners::Entry& entry : next.listeners.removed) {
        log::info("listener_removed", "no new connections; running requests may end",
                  {{"address", entry.address}});
    }
    if (admin_) admin_->configure(admin_settings_of(*snapshot_));
    log::set_level(snapshot_->config.log.level);
    signals_.set_drain_timeout(snapshot_->config.server.timeouts.drain);
    note_success();
    registry_.counter(Metric::config_reloads_total, {"success"}).add();
    last_reload_ = {.at = clock_.wall_now(), .has_succeeded = true};
    for (const std::string& change : changes) log::info("config_changed", change);
    log_notes(*snapshot_);
    log::info(
        "reloaded", "the new configuration is in force",
        {{"config", file_}, {"changes", changes.size()}, {"sha256", snapshot_->config.sha256}});
    is_reloading_ = false;
    if (!shutdown_->is_draining()) service_manager_.is_ready("serving");
    told({.is_in_force = true, .changes = changes});
    if (std::exchange(wants_reload_, false)) reload();
}

std::shared_ptr<const worker::Snapshot> Daemon::freed_here(
    std::shared_ptr<const worker::Snapshot> snapshot) {
    const worker::Snapshot* address = snapshot.get();
    return {address, [this, held = std::move(snapshot)](const worker::Snapshot*) mutable {
                net::guarded("freeing a snapshot", [&] {
                    asio::post(control_, [last = std::move(held)]() mutable {
                        last.reset();
                        give_back_memory();
                    });
                });
            }};
}

void Daemon::note_success() {
    key_expiry_->configure(snapshot_->config);
    loaded_at_ = clock_.wall_now();
    set_certificate_metrics(registry_, *snapshot_);
    registry_.set_only(Metric::config_info, 1, {snapshot_->config.sha256});
    registry_.set(Metric::config_last_reload_successful, 1);
    // Durations and points in time are kept in nanoseconds and shown in seconds.
    registry_.set(Metric::config_last_reload_success_timestamp_seconds,
                  unix_seconds() * 1'000'000'000);
}

void Daemon::drain() {
    service_manager_.is_stopping("draining");
    shutdown_->drain(snapshot_->config.server.timeouts.drain);
}

}  // namespace sluicegate::app
