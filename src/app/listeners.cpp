#include "app/listeners.hpp"

#include "sluicegate/base/log.hpp"

#include <algorithm>
#include <utility>

namespace sluicegate::app {

Listeners::Listeners(const std::vector<int>& inherited) {
    for (const int descriptor : inherited) {
        auto socket = net::ListeningSocket::inherit(descriptor);
        if (socket) {
            inherited_.push_back(std::move(*socket));
        } else {
            log::warn("listening", socket.error().detail + ": the service manager handed it over");
        }
    }
}

const net::ListeningSocket* Listeners::find_inherited(const std::string& host,
                                                      std::uint16_t port) const {
    const auto found = std::ranges::find_if(
        inherited_, [&](const net::ListeningSocket& socket) { return socket.serves(host, port); });
    return found == inherited_.end() ? nullptr : &*found;
}

std::vector<std::string> Listeners::unused(const config::Server& server,
                                           const config::Admin& admin) const {
    std::vector<std::string> addresses;
    for (const net::ListeningSocket& socket : inherited_) {
        const auto is_served = [&](const config::Listener& listener) {
            return socket.serves(listener.host, listener.port);
        };
        const bool is_used = std::ranges::any_of(server.listen, is_served) ||
                             (admin.listen && is_served(*admin.listen));
        if (!is_used) addresses.push_back(socket.address());
    }
    return addresses;
}

Result<std::vector<net::ListeningSocket>> Listeners::open(const config::Listener& wanted,
                                                          std::size_t workers,
                                                          net::Sharing sharing) const {
    std::vector<net::ListeningSocket> sockets;
    const net::ListeningSocket* const inherited = find_inherited(wanted.host, wanted.port);
    for (std::size_t i = 0; i < workers; ++i) {
        // Where port 0 was asked for, the other workers share the port that the first one got.
        const std::uint16_t port = i == 0 ? wanted.port : sockets.front().port();
        const auto own_sharing = i == 0 ? sharing : net::Sharing::further;
        auto socket = inherited != nullptr
                          ? inherited->duplicate()
                          : net::ListeningSocket::open(wanted.host, port, own_sharing);
        if (!socket) return std::move(socket).failure();
        sockets.push_back(std::move(*socket));
    }
    return sockets;
}

Result<Listeners::Plan> Listeners::plan(const std::vector<config::Listener>& wanted,
                                        std::size_t workers, std::size_t& failed) const {
    Plan plan;
    plan.sources.resize(workers);
    for (const config::Listener& listener : wanted) {
        failed = plan.entries.size();
        Entry entry{.host = listener.host,
                    .port = listener.port,
                    .address = {},
                    .is_tls = listener.tls.has_value()};
        entry.nth =
            static_cast<std::size_t>(std::ranges::count_if(plan.entries, [&](const Entry& other) {
                return other.host == entry.host && other.port == entry.port;
            }));
        const auto same = std::ranges::find_if(
            entries_, [&](const Entry& other) { return other.is_same_as(entry); });
        if (same != entries_.end()) {
            entry.address = same->address;
            const auto index = static_cast<std::size_t>(same - entries_.begin());
            for (auto& sources : plan.sources) sources.push_back({.kept = index});
            plan.entries.push_back(std::move(entry));
            continue;
        }
        // An address that moves from one interface to all of them meets our own sockets.
        const auto has_port = [&](const Entry& other) { return other.port == listener.port; };
        const bool is_known_port =
            listener.port != 0 && (std::ranges::any_of(entries_, has_port) ||
                                   std::ranges::any_of(plan.entries, has_port));
        auto sockets =
            open(listener, workers, is_known_port ? net::Sharing::further : net::Sharing::first);
        if (!sockets) return std::move(sockets).failure();
        entry.address = sockets->front().address();
        for (std::size_t i = 0; i < workers; ++i) {
            worker::Worker::ListenerSource source;
            source.added.emplace(std::move((*sockets)[i]));
            plan.sources[i].push_back(std::move(source));
        }
        plan.added.push_back(entry);
        plan.entries.push_back(std::move(entry));
    }
    for (const Entry& entry : entries_) {
        const bool stays = std::ranges::any_of(
            plan.entries, [&](const Entry& other) { return other.is_same_as(entry); });
        if (!stays) plan.removed.push_back(entry);
    }
    return plan;
}

}  // namespace sluicegate::app
