#pragma once
/// The connections of one worker to one endpoint of an upstream: those that are idle, and how to
/// make new ones.
///
/// Bounds     at most pool.idle_max idle connections, if it is set, so that a pool keeps what a
///            steady load needs; none takes a request that has been idle for
///            longer than pool.idle_timeout, than its server has promised (`Keep-Alive`), or than
///            experience says that the server keeps it, nor one that is older than pool.age_max.
///            The most recently used one is taken first, so that the rest age.
/// Staleness  a connection on which anything has arrived while it was idle (an end, a reset, stray
///            bytes) is closed, never used.
/// Prewarm    sweep() sees to it that pool.prewarm connections are idle, while there are enough
///            descriptors.
/// Threads    one: the worker's.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/result.hpp"
#include "sluicegate/base/secret.hpp"
#include "sluicegate/config/upstream.hpp"
#include "sluicegate/http/response_head.hpp"
#include "sluicegate/metrics/registry.hpp"
#include "sluicegate/net/byte_buffer.hpp"
#include "sluicegate/net/deadlines.hpp"
#include "sluicegate/net/resolver.hpp"
#include "sluicegate/net/timed_stream.hpp"
#include "sluicegate/net/tls.hpp"
#include "sluicegate/upstream/open_connections.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluicegate::upstream {

class AddressOrder;
class IdleLimit;
class WarmUp;

/// What every pool of a worker uses; outlives them.
struct Services {
    net::asio::io_context& context;
    const Clock& clock;
    net::Deadlines& deadlines;
    net::Resolver& resolver;
    metrics::Registry& registry;
    MemoryBudget& memory;
    OpenConnections* open = nullptr;  ///< null: descriptors are no bound
    /// Closes idle connections of the worker, as far as open->excess() asks for it.
    std::function<void()> make_room = {};
};

struct Connection {
    /// An answer's head and a typical JSON body fit; longer bodies pass through it in pieces.
    static constexpr std::size_t buffer_bytes = 8 * 1024;

    Connection(net::Deadlines& deadlines, MemoryBudget& memory, net::Socket socket,
               net::asio::ssl::context* tls, OpenConnections::Hold its_descriptors)
        : descriptors(std::move(its_descriptors)),
          stream(deadlines, std::move(socket), tls),
          in(buffer_bytes, memory, MemoryUse::answer),
          made_at(deadlines.now()) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { wipe(head_text); }

    OpenConnections::Hold descriptors;
    net::TimedStream stream;
    net::ByteBuffer in;  ///< what it takes beyond buffer_bytes counts in server.memory
    /// Of the answer that is being received; lives here because its table is large.
    http::ResponseHead head;
    std::string head_text;  ///< what the views of `head` point into; it may repeat a key
    Instant made_at;
    Instant idle_since{};
    Milliseconds idle_max = Milliseconds::max();  ///< what its server has promised
    Milliseconds patience{0};  ///< bound on the progress of a write that the socket knows
    bool was_idle = false;  ///< before the request that it carries: its server may have closed it
};

/// What the connections of a pool depend on: one that leads to an equal target can stay.
struct PoolTarget {
    std::string upstream;  ///< its name, for metrics and logs
    /// Of an upstream with an address.
    config::Endpoint endpoint = {};
    std::optional<config::Proxy> proxy = std::nullopt;
    net::TlsContext tls = nullptr;  ///< null for plain upstreams
    std::string server_name = "";   ///< "": the host of the endpoint
    config::UpstreamKind kind = config::UpstreamKind::openai;
    config::EchoSettings echo = {};

    friend bool operator==(const PoolTarget&, const PoolTarget&) = default;
};

/// `endpoint`: its index in the settings; 0 where an upstream has none.
[[nodiscard]] PoolTarget target_of(const config::Upstream& settings, std::size_t endpoint,
                                   net::TlsContext tls);

class Pool : public std::enable_shared_from_this<Pool> {
public:
    struct Counters {
        Counters(metrics::Registry& registry, const std::string& upstream);
        metrics::Counter reused, plain, tls_full, tls_resumed;
        metrics::Gauge idle, active;
    };

    using Settings = std::shared_ptr<const config::Upstream>;
    /// Makes the connected socket of an upstream that lives in this process.
    using Dial = std::function<Result<net::Socket>()>;

    /// `counters`: those of the upstream. `in_process` is empty for upstreams with an address.
    Pool(const Services& services, PoolTarget target, Settings settings,
         std::shared_ptr<Counters> counters, Dial in_process);
    /// With settings and handles of counters of its own.
    Pool(const Services& services, const config::Upstream& settings, std::size_t endpoint,
         net::TlsContext tls, Dial in_process);
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool();

    /// Where its connections lead; never changes.
    [[nodiscard]] const PoolTarget& target() const noexcept { return target_; }
    /// Those in force: configure() replaces them, so a task that waits holds shared_settings().
    [[nodiscard]] const config::Upstream& settings() const noexcept { return *settings_; }
    [[nodiscard]] const Settings& shared_settings() const noexcept { return settings_; }
    /// Puts other settings in force that lead to the same target. Connections stay.
    void configure(Settings settings) noexcept;
    [[nodiscard]] const Services& services() const noexcept { return services_; }
    [[nodiscard]] const Dial& in_process() const noexcept { return in_process_; }
    /// What connecting to the same endpoint again and again has taught.
    [[nodiscard]] AddressOrder& address_order() noexcept { return *address_order_; }
    [[nodiscard]] net::SessionCache& sessions() noexcept { return sessions_; }

    /// An idle connection that is fit for a request, or null.
    [[nodiscard]] std::unique_ptr<Connection> take_idle() noexcept;
    void give_back(std::unique_ptr<Connection> connection);
    /// Closes what is not fit any more, and makes what is missing. Call about once a second, but
    /// not while the worker drains.
    void sweep(Instant now);
    /// Nothing is kept or prewarmed from now on. Requests that still come are served.
    void retire() noexcept;
    /// Since when the longest idle connection has been idle; max() where none is.
    [[nodiscard]] Instant longest_idle_since() const noexcept {
        return idle_.empty() ? Instant::max() : idle_.front()->idle_since;
    }
    void close_longest_idle() noexcept;
    [[nodiscard]] std::size_t idle_count() const noexcept { return idle_.size(); }
    [[nodiscard]] Counters& counters() noexcept { return *counters_; }

private:
    [[nodiscard]] bool is_fit(const Connection& connection, Instant now) const noexcept;
    /// Closes what servers have ended or spoiled, and learns from when they did.
    void drop_spoiled(Instant now);

    Services services_;
    PoolTarget target_;
    Settings settings_;
    Dial in_process_;
    std::unique_ptr<AddressOrder> address_order_;
    net::SessionCache sessions_;
    std::shared_ptr<Counters> counters_;
    std::unique_ptr<IdleLimit> idle_limit_;
    std::unique_ptr<WarmUp> warm_up_;
    Instant looked_at_{};  ///< when drop_spoiled() last looked at the idle connections
    bool is_retired_ = false;
    std::vector<std::unique_ptr<Connection>> idle_;  ///< the longest idle first
};

}  // namespace sluicegate::upstream
