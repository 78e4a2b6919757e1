#pragma once
/// One thread of the data plane: its io_context, its deadlines, its connections and its pools.
///
/// Failures  an exception in a turn of the worker's own loops costs that turn; one that ends such a
///           loop ends the process (net/spawn.hpp). A worker that runs is a worker that serves.
/// Threads   everything is the worker thread's own, except the functions marked "any thread".

#include "sluicegate/base/log.hpp"
#include "sluicegate/client/connection.hpp"
#include "sluicegate/net/listener.hpp"
#include "sluicegate/net/resolver.hpp"
#include "sluicegate/worker/context.hpp"
#include "sluicegate/worker/pools.hpp"

#include <boost/asio/detail/concurrency_hint.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::worker {

class Adoption;
class Disposal;
class HealthChecks;

class Worker {
public:
    /// Exactly one of the two.
    struct ListenerSource {
        std::optional<std::size_t> kept{};  ///< the listener with that index goes on
        std::optional<net::ListeningSocket> added{};
    };

    struct Shared {
        const Clock& clock;
        limit::Limiter& limiter;
        limit::OutputEstimates& output_estimates;
        metrics::Registry& registry;
        // Of all workers together.
        client::ConnectionPlaces& places;
        client::AddressTable& addresses;
        Load& load;
        MemoryBudget& memory;
        /// Takes the lines of the access log, without the last newline.
        std::function<void(std::string_view)> write_lines = &log::write_lines;
    };

    Worker(const Shared& shared, Path path);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker();

    /// Accepts from these sockets, which are in the order of server.listen of the first snapshot.
    /// Before run(); any thread.
    void listen(std::vector<net::ListeningSocket> sockets);
    /// From the first snapshot to drain() or stop(), this worker asks the endpoints of every
    /// upstream with `health`, for all workers (HealthChecks). Before adopt().
    void check_health();
    /// The first snapshot, before run(). Later ones come through swap().
    void adopt(std::shared_ptr<const Snapshot> snapshot);

    /// Runs until the last connection has ended after drain(), or until stop().
    void run();

    /// Brings `snapshot` into force, in parts between which requests are served, after those of
    /// earlier calls. `done` is called on the worker's thread when new requests use it and nothing
    /// is left to do; or when the worker drains, where it may not come into force. Any thread.
    /// `listeners`: by the index in server.listen of `snapshot`; empty: they are those in force.
    void swap(std::shared_ptr<const Snapshot> snapshot, std::function<void()> done,
              std::vector<ListenerSource> listeners = {});
    /// Stops accepting, closes idle connections, lets running requests end. Any thread.
    void drain();
    /// Closes everything now. Any thread.
    void stop();

    /// How often it has ticked; nothing before run() and after it. Any thread.
    [[nodiscard]] std::optional<std::uint64_t> ticks() const noexcept;

    /// What the snapshot in force says of the listener with that index.
    [[nodiscard]] client::ListenerRules rules_of(std::size_t listener) const;
    /// Serves a connection that was accepted under these rules.
    void accept(net::Socket socket, const std::shared_ptr<const client::ListenerRules>& rules);
    [[nodiscard]] Context& context() noexcept { return context_; }

private:
    net::Task<void> tick();
    void on_tick() noexcept;
    void write_access_lines() noexcept;
    using Hold = client::AddressTable::Hold;
    [[nodiscard]] bool is_proxy(const net::AddressBytes& address) const;
    [[nodiscard]] std::optional<Hold> hold(const net::AddressBytes& address, bool is_tls);
    [[nodiscard]] std::optional<Hold> hold_of_named(const net::AddressBytes& address, bool is_tls);
    [[nodiscard]] std::optional<client::Connection::Admitted> admit(const net::AddressBytes& peer,
                                                                    std::optional<Hold> held);
    void note_failed_handshake(const client::Connection& connection, net::HandshakeFailure why,
                               std::string_view detail);
    /// Ends a connection for which no descriptor is left.
    void refuse(net::Socket socket, const client::ListenerRules& rules);
    void end_overloaded(net::Socket socket, const client::ListenerRules& rules);
    /// Closes idle connections to upstreams where descriptors are short.
    void make_room() noexcept;
    void end_if_drained() noexcept;
    struct Listening;
    void start_listening(net::ListeningSocket socket, std::size_t index);
    void stop_listening(const std::shared_ptr<Listening>& listening) noexcept;
    void change_listeners(std::vector<ListenerSource> sources);
    net::Task<void> close_idle_after_grace();
    void stop_accepting();
    void go_on_swapping();
    void give_up_swapping() noexcept;

    struct Swap {
        std::shared_ptr<const Snapshot> snapshot;
        std::function<void()> done;
        std::vector<ListenerSource> listeners;
    };

    Shared shared_;
    /// One thread runs it; others only post.
    net::asio::io_context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
    net::asio::executor_work_guard<net::Executor> keep_running_;
    net::Timer tick_timer_;
    std::atomic<std::uint64_t> ticks_{0};
    std::atomic<bool> is_running_{false};
    net::Deadlines deadlines_;
    net::Departures departures_{io_};
    net::Resolver resolver_;
    RequestIdSource request_ids_;
    client::Randomness randomness_;
    client::HttpDate date_;
    client::ConnectionList connections_;
    Telemetry telemetry_;
    Pools pools_;
    std::string access_lines_;
    RepeatedLines repeated_lines_;
    std::shared_ptr<LocalSnapshot> snapshot_;
    bool is_draining_ = false;
    bool is_stopping_ = false;           ///< what still runs was cut
    bool are_listeners_closed_ = false;  ///< and what they had accepted is served
    client::Context client_context_;
    Context context_;
    Path path_;
    client::Connection::Services services_;
    std::vector<net::ListeningSocket> sockets_;  ///< until run()
    std::vector<std::shared_ptr<Listening>> listeners_;
    net::Timer grace_timer_;
    std::shared_ptr<Disposal> disposal_;
    std::deque<Swap> swaps_;                       ///< the first one is under way
    std::unique_ptr<Adoption> adoption_;           ///< of the first one; null when there is none
    std::unique_ptr<HealthChecks> health_checks_;  ///< null: another worker asks, or none any more
};

}  // namespace sluicegate::worker
