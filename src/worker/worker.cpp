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

namespace {

/// A client that has just connected may send its first request so long, though its worker or its
/// listener drains: the connection was accepted, so it counts on an answer.
constexpr Milliseconds fresh_grace{500};

}  // namespace

struct Worker::Listening {
    explicit Listening(asio::io_context& io) : socket(io) {}
    net::Listener socket;
    std::shared_ptr<client::ListenerRules> rules;  ///< not null
};

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
      services_{
          .serve = [this](client::Connection& connection) { return path_(context_, connection); },
          .hold = [this](const net::AddressBytes& address,
                         bool is_tls) { return hold_of_named(address, is_tls); },
          .note_failure =
              [this](const client::Connection& connection, net::HandshakeFailure why,
                     std::string_view detail) { note_failed_handshake(connection, why, detail); }},
      grace_timer_(io_.get_executor()),
      disposal_(std::make_shared<Disposal>(io_)) {
    connections_.on_empty([this] { end_if_drained(); });
}

Worker::~Worker() {
    disposal_->close();
}

void Worker::listen(std::vector<net::ListeningSocket> sockets) {
    sockets_ = std::move(sockets);
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
    for (std::size_t i = 0; i < sockets_.size(); ++i) start_listening(std::move(sockets_[i]), i);
    sockets_.clear();
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

bool Worker::is_proxy(const net::AddressBytes& address) const {
    const auto& trusted = snapshot_->shared->config.server.trusted_proxies;
    return !trusted.empty() && config::contains_any(trusted, config::IpAddress(address));
}

std::optional<Worker::Hold> Worker::hold(const net::AddressBytes& address, bool is_tls) {
    // A proxy is many clients, so no bound of one client holds for it.
    const bool is_bounded = !is_proxy(address);
    const std::size_t most = snapshot_->shared->config.server.connections_per_address_max;
    const client::AddressTable::Limits limits{.connections_max = is_bounded ? most : 0,
                                              .is_tls = is_tls && is_bounded};
    client::AddressTable::Refusal refusal{};
    auto held = shared_.addresses.open(address, limits, shared_.clock.now(), refusal);
    if (!held) {
        const bool is_count = refusal == client::AddressTable::Refusal::connections;
        telemetry_.count_refused_connection(is_count ? Telemetry::Refused::per_address
                                                     : Telemetry::Refused::handshakes);
    }
    return held;
}

/// For a client that a PROXY header has named: its connection has a place already.
std::optional<Worker::Hold> Worker::hold_of_named(const net::AddressBytes& address, bool is_tls) {
    auto held = hold(address, is_tls);
    if (!held || !held->is_crowded()) return held;
    // A stranger gives way, and its place is free again where this one ends.
    const auto place = shared_.places.take(client::AddressTable::key_of(address), true);
    if (place && place->is_from_other()) telemetry_.count_evicted_connection();
    return held;
}

std::optional<client::Connection::Admitted> Worker::admit(const net::AddressBytes& peer,
                                                          std::optional<Hold> held) {
    if (!held) return std::nullopt;
    const bool must_take_over = !shared_.load.has_room_for_client();
    auto place = shared_.places.take(client::AddressTable::key_of(peer),
                                     must_take_over || held->is_crowded());
    if (!place || (must_take_over && !place->is_from_other())) {
        telemetry_.count_refused_connection(Telemetry::Refused::full);
        return std::nullopt;
    }
    if (place->is_from_other()) telemetry_.count_evicted_connection();
    return client::Connection::Admitted{.place = std::move(*place), .hold = std::move(*held)};
}

void Worker::note_failed_handshake(const client::Connection& connection, net::HandshakeFailure why,
                                   std::string_view detail) {
    telemetry_.count_failed_handshake(why);
    if (snapshot_->shared->config.log.level != log::Level::debug) return;
    const std::string peer = config::IpAddress(connection.peer()).text();
    const std::string address = config::IpAddress(connection.address()).text();
    log::write(log::Level::debug, "handshake_failed", detail,
               {{"client", address}, {"peer", peer}, {"reason", name_of(why)}});
}

client::ListenerRules Worker::rules_of(std::size_t listener) const {
    const Snapshot& snapshot = *snapshot_->shared;
    return {.tls = snapshot.listener_tls[listener],
            .has_proxy_header = snapshot.has_proxy_header(listener)};
}

void Worker::accept(net::Socket socket, const std::shared_ptr<const client::ListenerRules>& rules) {
    // Accepted just before everything was closed: nothing would end it any more.
    if (is_stopping_ || !keep_running_.owns_work()) return;
    const Snapshot& snapshot = *snapshot_->shared;
    const net::TlsContext& tls = rules->tls;
    const bool has_proxy_header = rules->has_proxy_header;
    const net::AddressBytes peer = net::peer_address(socket);
    if (has_proxy_header && !snapshot.config.server.trusted_proxies.empty() && !is_proxy(peer)) {
        telemetry_.count_refused_connection(Telemetry::Refused::untrusted_proxy);
        return;
    }
    // Until the header has named the client, no address is charged with the connection.
    auto admitted =
        admit(peer, has_proxy_header ? std::optional(Hold()) : hold(peer, tls != nullptr));
    if (!admitted) return end_overloaded(std::move(socket), *rules);
    admitted->listener = rules;
    make_room();
    const client::Connection::Beginning beginning{
        .has_proxy_header = has_proxy_header, .timeout = snapshot.config.server.timeouts.header};
    auto connection = std::make_unique<client::Connection>(client_context_, std::move(socket), tls,
                                                           std::move(*admitted));
    net::spawn(io_, client::Connection::run(std::move(connection), beginning, services_),
               "client connection");
}

void Worker::refuse(net::Socket socket, const client::ListenerRules& rules) {
    // Something else has taken more than was counted on.
    pools_.close_longest_idle(1);
    telemetry_.count_refused_connection(Telemetry::Refused::full);
    end_overloaded(std::move(socket), rules);
}

void Worker::end_overloaded(net::Socket socket, const client::ListenerRules& rules) {
    // A TLS client just sees the end: a handshake is what an overloaded gateway cannot afford.
    if (rules.tls) return;
    client::refuse_overloaded(std::move(socket), client_context_);
}

void Worker::end_if_drained() noexcept {
    if (!are_listeners_closed_ || !connections_.empty()) return;
    pools_.retire_all();
    keep_running_.reset();
    departures_.close();
    tick_timer_.cancel();
    grace_timer_.cancel();
}

void Worker::swap(std::shared_ptr<const Snapshot> snapshot, std::function<void()> done,
                  std::vector<ListenerSource> listeners) {
    asio::post(io_, [this, snapshot = std::move(snapshot), done = std::move(done),
                     listeners = std::move(listeners)]() mutable {
        swaps_.push_back({std::move(snapshot), std::move(done), std::move(listeners)});
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
    const auto before = snapshot_;
    const bool is_done = adoption_->step();
    // At once: no connection may be accepted in between.
    if (snapshot_ != before) change_listeners(std::move(swaps_.front().listeners));
    if (is_done) {
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

void Worker::start_listening(net::ListeningSocket socket, std::size_t index) {
    auto listening = std::make_shared<Listening>(io_);
    listening->rules = std::make_shared<client::ListenerRules>(rules_of(index));
    listeners_.push_back(listening);
    if (auto taken = listening->socket.take(std::move(socket)); !taken) {
        log::error("listening", taken.error().detail);
        return;
    }
    // The task keeps the listener alive until it has ended.
    auto accepted = [this, listening](net::Socket one) {
        accept(std::move(one), listening->rules);
    };
    auto refused = [this, listening](net::Socket one) {
        refuse(std::move(one), *listening->rules);
    };
    net::spawn_vital(io_, listening->socket.run(std::move(accepted), std::move(refused)),
                     "listener");
}

void Worker::stop_listening(const std::shared_ptr<Listening>& listening) noexcept {
    listening->socket.close([&](net::Socket one) { accept(std::move(one), listening->rules); });
}

/// Those in force become those of the snapshot in force. `sources`: empty, where only what holds
/// for their connections may differ.
void Worker::change_listeners(std::vector<ListenerSource> sources) {
    if (sources.empty()) {
        for (std::size_t i = 0; i < listeners_.size(); ++i) sources.push_back({.kept = i});
    }
    auto before = std::exchange(listeners_, {});
    bool does_drain = false;
    for (std::size_t i = 0; i < sources.size(); ++i) {
        if (sources[i].added) {
            start_listening(std::move(*sources[i].added), i);
            continue;
        }
        std::shared_ptr<Listening> kept = std::move(before[*sources[i].kept]);
        client::ListenerRules rules = rules_of(i);
        client::ListenerRules& current = *kept->rules;
        const bool begins_alike = (rules.tls == nullptr) == (current.tls == nullptr) &&
                                  rules.has_proxy_header == current.has_proxy_header;
        if (begins_alike) {
            current.tls = std::move(rules.tls);
        } else {
            current.is_draining = does_drain = true;
            kept->rules = std::make_shared<client::ListenerRules>(std::move(rules));
        }
        listeners_.push_back(std::move(kept));
    }
    for (const auto& removed : before) {
        if (!removed) continue;
        removed->rules->is_draining = does_drain = true;
        stop_listening(removed);
    }
    if (!does_drain) return;
    connections_.close_idle(false);
    net::spawn(io_, close_idle_after_grace(), "end of a listener");
}

net::Task<void> Worker::close_idle_after_grace() {
    grace_timer_.expires_after(fresh_grace);
    auto [cancelled] = co_await grace_timer_.async_wait(net::use_result);
    if (!cancelled) connections_.close_idle(true);
}

void Worker::stop_accepting() {
    is_draining_ = true;
    give_up_swapping();
    health_checks_.reset();
    for (const auto& listening : listeners_) stop_listening(listening);
}

void Worker::drain() {
    asio::post(io_, [this] {
        stop_accepting();
        connections_.close_idle(false);
        net::spawn(io_, close_idle_after_grace(), "end of idle connections");
        // After the connections that were accepted before, and are on their way to accept().
        asio::post(io_, [this] {
            are_listeners_closed_ = true;
            end_if_drained();
        });
    });
}

void Worker::stop() {
    asio::post(io_, [this] {
        is_stopping_ = are_listeners_closed_ = true;
        stop_accepting();
        connections_.cut_off_all();
        end_if_drained();
    });
}

}  // namespace sluicegate::worker
