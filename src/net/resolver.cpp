#include "sluicegate/net/resolver.hpp"

#include "sluicegate/net/spawn.hpp"

#include <boost/asio/ip/address.hpp>

namespace sluicegate::net {
struct Resolver::Lookup {
    /// One timer for each caller that waits, set to that caller's deadline.
    std::vector<Timer*> waiting;
    bool is_done = false;
    Instant answered_at{};
    ErrorCode error;
    std::vector<asio::ip::address> addresses;
};

Resolver::Resolver(asio::io_context& context, const Clock& clock)
    : context_(context), clock_(clock), resolver_(context.get_executor()) {
}

Resolver::~Resolver() = default;

Task<void> Resolver::look_up(std::string host, std::shared_ptr<Lookup> lookup) {
    auto [error, results] = co_await resolver_.async_resolve(host, "", use_result);
    lookup->is_done = true;
    lookup->answered_at = clock_.now();
    lookup->error = error;
    for (const auto& entry : results) lookup->addresses.push_back(entry.endpoint().address());
    if (!error && lookup->addresses.empty()) lookup->error = asio::error::host_not_found;
    for (Timer* timer : lookup->waiting) timer->cancel();
}

Task<Result<std::vector<TcpEndpoint>>> Resolver::resolve(std::string host, std::uint16_t port,
                                                         Instant give_up_at) {
    ErrorCode not_an_address;
    const auto literal = asio::ip::make_address(host, not_an_address);
    if (!not_an_address) co_return std::vector{TcpEndpoint(literal, port)};

    std::shared_ptr<Lookup>& kept = lookups_[host];
    if (kept && kept->is_done &&
        (kept->error || clock_.now() - kept->answered_at > answer_lifetime)) {
        kept.reset();
    }
    if (!kept) {
        kept = std::make_shared<Lookup>();
        spawn(context_, look_up(host, kept), "resolver");
    }
    const std::shared_ptr<Lookup> lookup = kept;

    if (!lookup->is_done) {
        Timer timer(context_.get_executor(), give_up_at);
        lookup->waiting.push_back(&timer);
        co_await timer.async_wait(use_result);
        std::erase(lookup->waiting, &timer);
    }
    if (!lookup->is_done) {
        co_return fail(ErrorKind::upstream_connect_timeout, "looking up " + host);
    }
    if (lookup->error) {
        co_return fail(ErrorKind::upstream_unreachable,
                       "looking up " + host + ": " + lookup->error.message());
    }
    std::vector<TcpEndpoint> endpoints;
    for (const auto& address : lookup->addresses) endpoints.emplace_back(address, port);
    co_return endpoints;
}

}  // namespace sluicegate::net
