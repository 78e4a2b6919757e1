#pragma once
/// Names to addresses, without ever holding up the worker.
///
/// getaddrinfo(3) blocks and cannot be stopped; Asio runs it on a thread of its own. A look-up is
/// therefore a task by itself, and callers only wait for its outcome: when their deadline comes
/// they go, and the look-up ends when it ends. Concurrent callers share one look-up.
///
/// Answers are kept for `answer_lifetime`. IP addresses are never looked up.
/// Threads  one: the worker's.

#include "sluicegate/base/clock.hpp"
#include "sluicegate/base/result.hpp"
#include "sluicegate/net/types.hpp"

#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluicegate::net {

using TcpEndpoint = asio::ip::tcp::endpoint;

class Resolver {
public:
    static constexpr Milliseconds answer_lifetime{10'000};

    Resolver(asio::io_context& context, const Clock& clock);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// All addresses of `host`, in the order of preference; never empty.
    /// Errors: upstream_unreachable, upstream_connect_timeout once `give_up_at` has passed.
    Task<Result<std::vector<TcpEndpoint>>> resolve(std::string host, std::uint16_t port,
                                                   Instant give_up_at);

private:
    struct Lookup;
    Task<void> look_up(std::string host, std::shared_ptr<Lookup> lookup);

    asio::io_context& context_;
    const Clock& clock_;
    asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver_;
    std::map<std::string, std::shared_ptr<Lookup>> lookups_;
};

}  // namespace sluicegate::net
