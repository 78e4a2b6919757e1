#include "sluicegate/net/resolver.hpp"

#include "net/lookup_threads.hpp"

#include <boost/asio/ip/address.hpp>

#include <optional>
#include <utility>

namespace sluicegate::net {

struct Resolver::Name {
    std::vector<asio::ip::address> addresses;  ///< the last that were found
    std::optional<Instant> found_at;
    std::string error;  ///< of the last look-up
    std::optional<Instant> failed_at;
    Instant used_at{};
    bool is_looked_up = false;
    unsigned answers = 0;
    std::vector<Wait*> waiting;

    [[nodiscard]] bool may_be_served(Instant now) const {
        return found_at && now - *found_at <= stale_lifetime;
    }
    [[nodiscard]] bool should_be_looked_up(Instant now) const {
        if (is_looked_up || (found_at && now - *found_at <= answer_lifetime)) return false;
        return !failed_at || now - *failed_at >= failure_lifetime;
    }
};

Resolver::Resolver(asio::io_context& context, const Clock& clock, LookUp look_up)
    : clock_(clock), threads_(std::make_unique<LookupThreads>(context, std::move(look_up))) {
}

Resolver::~Resolver() = default;

Resolver::Name& Resolver::name_of(const std::string& host, Instant now) {
    const auto known = names_.find(host);
    if (known != names_.end()) return known->second;
    // After reloads, names that no upstream has any more are dropped.
    std::erase_if(names_, [&](const auto& entry) {
        const Name& name = entry.second;
        return !name.is_looked_up && name.waiting.empty() && now - name.used_at > stale_lifetime;
    });
    return names_[host];
}

void Resolver::start_look_up(const std::string& host, Name& name) {
    name.is_looked_up = true;
    threads_->start(host, [this, host](HostAddresses found) { answered(host, std::move(found)); });
}

void Resolver::answered(const std::string& host, HostAddresses found) {
    Name& name = names_.at(host);
    const Instant now = clock_.now();
    name.is_looked_up = false;
    ++name.answers;
    if (found.addresses.empty()) {
        name.failed_at = now;
        name.error = std::move(found.error);
    } else {
        name.failed_at.reset();
        name.found_at = now;
        name.addresses = std::move(found.addresses);
    }
    for (Wait* wait : name.waiting) wait->wake();
}

Task<Result<std::vector<TcpEndpoint>>> Resolver::resolve(std::string host, std::uint16_t port,
                                                         Wait& wait, Instant deadline) {
    ErrorCode not_an_address;
    const auto literal = asio::ip::make_address(host, not_an_address);
    if (!not_an_address) co_return std::vector{TcpEndpoint(literal, port)};

    Name& name = name_of(host, clock_.now());
    name.used_at = clock_.now();
    if (name.should_be_looked_up(name.used_at)) start_look_up(host, name);
    if (name.is_looked_up && !name.may_be_served(name.used_at)) {
        const unsigned answers_before = name.answers;
        name.waiting.push_back(&wait);
        co_await wait.until(deadline);
        std::erase(name.waiting, &wait);
        if (name.answers == answers_before) {
            co_return fail(ErrorKind::upstream_connect_timeout, "looking up " + host);
        }
    }
    if (!name.may_be_served(clock_.now())) {
        co_return fail(ErrorKind::upstream_unreachable, "looking up " + host + ": " + name.error);
    }
    std::vector<TcpEndpoint> endpoints;
    for (const auto& address : name.addresses) endpoints.emplace_back(address, port);
    co_return endpoints;
}

}  // namespace sluicegate::net
