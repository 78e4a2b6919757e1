#pragma once
/// Resolves names to addresses without blocking the worker.
///
/// getaddrinfo(3) blocks and cannot be stopped, so it runs on separate threads. A worker can end
/// before it returns: docs/decisions/0007.
///
/// Age      an answer that is older than `answer_lifetime` is still used while the next look-up
///          runs. If look-ups fail, it is used for `stale_lifetime`. A failure is remembered for
///          `failure_lifetime`. IP addresses are never looked up.
/// Threads  one: the worker's. Callers that wait for the same name share one look-up.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/result.hpp"
#include "sluicegate/net/look_up.hpp"
#include "sluicegate/net/types.hpp"
#include "sluicegate/net/wait.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluicegate::net {

using TcpEndpoint = asio::ip::tcp::endpoint;

class LookupThreads;

class Resolver {
public:
    static constexpr Milliseconds answer_lifetime = std::chrono::seconds(10);
    static constexpr Milliseconds stale_lifetime = std::chrono::minutes(10);
    static constexpr Milliseconds failure_lifetime = std::chrono::seconds(1);

    Resolver(asio::io_context& context, const Clock& clock, LookUp look_up = net::look_up);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// All addresses of `host`, in the order of preference; never empty. `wait` is the caller's
    /// own: waking it ends the call, as its deadline does.
    /// Errors: upstream_unreachable; upstream_connect_timeout when the wait was ended.
    Task<Result<std::vector<TcpEndpoint>>> resolve(std::string host, std::uint16_t port, Wait& wait,
                                                   Instant deadline = Instant::max());

private:
    struct Name;
    Name& name_of(const std::string& host, Instant now);
    void start_look_up(const std::string& host, Name& name);
    void answered(const std::string& host, HostAddresses found);

    const Clock& clock_;
    std::map<std::string, Name> names_;
    std::unique_ptr<LookupThreads> threads_;
};

}  // namespace sluicegate::net
