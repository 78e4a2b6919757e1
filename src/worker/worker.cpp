#include "sluicegate/worker/worker.hpp"

#include "sluicegate/base/log.hpp"
#include "sluicegate/client/overload.hpp"
#include "sluicegate/net/spawn.hpp"

#include "worker/adoption.hpp"
#include "worker/disposal.hpp"
#include "worker/health_checks.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace sluicegate::worker {

namespace asio = net::asio;
using metrics::Metric;

Worker::Worker(const Shared& shared, Path path)
    : shared_(shared),
      keep_running_(io_.get_executor()),
      tick_timer_(io_.get_executor()),
      deadlines_(shared.clock.now()),
      resolver_(io_, shared.clock),
      connections_(
          shared.places, shared.registry.gauge(Metric::client_connections),
          [this] { asio::post(io_, [this] { connections_.close_those_that_give_way(); }); }),
      telemetry_(shared.registry),
      pools_(upstream::Services{io_, shared.clock, deadlines_, resolver_, shared.registry,
                                shared.memory, &shared.load.upstream_connections(),
                                [this] { make_room(); }}),
      client_context_{.io = io_,
                      .clock = shared.clock,
                      .deadlines = deadlines_,
                      .departures = departures_,
                      .request_ids = request_ids_,
                      .randomness = randomness_,
                      .date = date_,
                      .connections = connections_,
                      .addresses = shared.addresses,
                      .is_draining = is_draining_,
                      .memory = shared.memory,
                      .refused_certificates = telemetry_.refused(Telemetry::Refused::certificate)},
      context_{.client = client_context_,
               .limiter = shared.limiter,
               .output_estimates = shared.output_estimates,
               .registry = shared.registry,
               .telemetry = telemetry_,
               .snapshot = snapshot_,
               .access_lines = access_lines_,
               .repeated_lines = repeated_lines_,
               .load = shared.load},
      path_(std::move(path)),
      serve_([this](client::Connection& connection) { return path_(context_, connection); }),
      disposal_(std::make_shared<Disposal>(io_)) {
    connections_.on_empty([this] { end_if_drained(); });
}

Worker::~Worker() {
    disposal_->close();
}

Result<void> Worker::bind(const std::vector<config::Listener>& listeners, net::Sharing sharing) {
    for (const config::Listener& wanted : listeners) {
        auto listener = std::make_unique<net::Listener>(io_);
        auto bound = listener->bind(wanted.host, wanted.port, sharing);
        if (!bound) return bound;
        listeners_.push_back(std::move(listener));
    }
    return {};
}

void Worker::check_health() {
    health_checks_ = std::make_unique<HealthChecks>(client_context_, telemetry_);
}

void Worker::adopt(std::shared_ptr<const Snapshot> snapshot) {
    Adoption adoption(std::move(snapshot), pools_, shared_.registry, health_checks_.get(),
                      disposal_, snapshot_);
    while (!adoption.step()) {
    }
}

void Worker::run() {
    on_tick();
    is_running_ = true;
    net::spawn_vital(io_, tick(), "worker tick");
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
        auto accepted = [this, i](net::Socket socket) { accept(std::move(socket), i); };
        auto refused = [this, i](net::Socket socket) { refuse(std::move(socket), i); };
        net::spawn_vital(io_, listeners_[i]->run(std::move(accepted), std::move(refused)),
                         "listener");
    }
    try {
        io_.run();
    } catch (...) {
        net::end_process(std::current_exception(), "worker");
    }
    repeated_lines_.append_all(access_lines_, shared_.clock.wall_now());
    write_access_lines();
    is_running_ = false;
}

std::optional<std::uint64_t> Worker::ticks() const noexcept {
    if (!is_running_) return std::nullopt;
    return ticks_.load(std::memory_order_relaxed);
}

net::Task<void> Worker::tick() {
    while (keep_running_.owns_work()) {
        tick_timer_.expires_after(net::Deadlines::tick_length);
        co_await tick_timer_.async_wait(net::use_result);
        on_tick();
    }
}

void Worker::on_tick() noexcept {
    ticks_.fetch_add(1, std::memory_order_relaxed);
    const Instant now = shared_.clock.now();
    deadlines_.tick(now);
    make_room();
    const bool is_new_second = date_.update(shared_.clock.wall_now());
    if (is_new_second && !is_draining_) pools_.sweep(now);
    net::guarded("summing up the access log",
                 [&] { repeated_lines_.append_due(access_lines_, now, shared_.clock.wall_now()); });
    write_access_lines();
}

void Worker::write_access_lines() noexcept {
    if (access_lines_.empty()) return;
    access_lines_.pop_back();  // the log adds the last newline itself
    net::guarded("writing the access log", [this] { shared_.write_lines(access_lines_); });
    access_lines_.clear();
}

void Worker::make_room() noexcept {
    const std::size_t excess = shared_.load.upstream_connections().excess();
    if (excess > 0) pools_.close_longest_idle(excess);
}

std::optional<client::Connection::Admitted> Worker::admit(net::Socket& socket, bool is_tls) {
    const config::Server& server = snapshot_->shared->config.server;
    const client::AddressTable::Limits limits{.connections_max = server.connections_per_address_max,
                                              .is_tls = is_tls};
    client::AddressTable::Refusal refusal{};
    const net::AddressBytes address = net::peer_address(socket);
    auto hold = shared_.addresses.open(address, limits, shared_.clock.now(), refusal);
    if (!hold) {
        const bool is_count = refusal == client::AddressTable::Refusal::connections;
        telemetry_.count_refused_connection(is_count ? Telemetry::Refused::per_address
                                                     : Telemetry::Refused::handshakes);
        return std::nullopt;
    }
    auto place = shared_.places.take(client::AddressTable::key_of(address), hold->is_crowded());
    if (!place) {
        telemetry_.count_refused_connection(Telemetry::Refused::full);
        return std::nullopt;
    }
    if (place->is_from_other()) telemetry_.count_evicted_connection();
    return client::Connection::Admitted{.place = std::move(*place), .hold = std::move(*hold)};
}

void Worker::accept(net::Socket socket, std::size_t listener) {
    // Accepted just before the listener was closed: nothing would end it any more.
    if (is_draining_) return;
    const net::TlsContext& tls = snapshot_->shared->listener_tls[listener];
    auto admitted = admit(socket, tls != nullptr);
    if (!admitted) return end_overloaded(std::move(socket), listener);
    make_room();
    const Milliseconds handshake_timeout = snapshot_->shared->config.server.timeouts.header;
    auto connection = std::make_unique<client::Connection>(client_context_, std::move(socket), tls,
                                                           std::move(*admitted));
    net::spawn(io_, client::Connection::run(std::move(connection), handshake_timeout, serve_),
               "client connection");
}

void Worker::refuse(net::Socket socket, std::size_t listener) {
    // Something else has taken more than was counted on.
    pools_.close_longest_idle(1);
    telemetry_.count_refused_connection(Telemetry::Refused::full);
    end_overloaded(std::move(socket), listener);
}

void Worker::end_overloaded(net::Socket socket, std::size_t listener) {
    // A TLS client just sees the end: a handshake is what an overloaded gateway cannot afford.
    if (snapshot_->shared->listener_tls[listener]) return;
    client::refuse_overloaded(std::move(socket), client_context_);
}

void Worker::end_if_drained() noexcept {
    if (!is_draining_ || !connections_.empty()) return;
    pools_.retire_all();
    keep_running_.reset();
    departures_.close();
    tick_timer_.cancel();
}

void Worker::swap(std::shared_ptr<const Snapshot> snapshot, std::function<void()> done) {
    asio::post(io_, [this, snapshot = std::move(snapshot), done = std::move(done)]() mutable {
        swaps_.push_back({std::move(snapshot), std::move(done)});
        if (is_draining_) return give_up_swapping();
        if (swaps_.size() == 1) go_on_swapping();
    });
}

void Worker::go_on_swapping() {
    if (swaps_.empty()) return;
    if (!adoption_) {
        adoption_ = std::make_unique<Adoption>(swaps_.front().snapshot, pools_, shared_.registry,
                                               health_checks_.get(), disposal_, snapshot_);
    }
    if (adoption_->step()) {
        adoption_.reset();
        const Swap ended = std::move(swaps_.front());
        swaps_.pop_front();
        ended.done();
    }
    if (!swaps_.empty()) asio::post(io_, [this] { go_on_swapping(); });
}

void Worker::give_up_swapping() noexcept {
    adoption_.reset();
    for (const Swap& swap : std::exchange(swaps_, {})) swap.done();
}

void Worker::stop_accepting() {
    is_draining_ = true;
    give_up_swapping();
    health_checks_.reset();
    for (const auto& listener : listeners_) listener->close();
}

void Worker::drain() {
    asio::post(io_, [this] {
        stop_accepting();
        connections_.close_idle();
        end_if_drained();
    });
}

void Worker::stop() {
    asio::post(io_, [this] {
        stop_accepting();
        connections_.close_all();
        end_if_drained();
    });
}

}  // namespace sluicegate::worker
