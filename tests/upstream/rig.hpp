#pragma once
/// A pool whose connections lead to the test itself, and time that stands still.

#include "sluicegate/upstream/exchange.hpp"
#include "sluicegate/upstream/pool.hpp"

#include "net/manual_clock.hpp"
#include "net/raw_peer.hpp"
#include "net/running_task.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::test {

inline constexpr std::string_view short_answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

class Rig {
public:
    Rig() {
        settings.name = "provider";
        settings.endpoints.emplace_back();
    }
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    /// Made when it is first asked for, from the settings as they are then.
    const std::shared_ptr<upstream::Pool>& pool() {
        if (!pool_) {
            pool_ = std::make_shared<upstream::Pool>(services(), settings, 0, nullptr, [this] {
                ConnectedPair pair = connect(context);
                peers.push_back(std::move(pair.peer));
                return Result<net::Socket>(std::move(pair.socket));
            });
        }
        return pool_;
    }
    upstream::Services services() {
        return {context, clock, deadlines, resolver, registry, memory};
    }

    /// Time goes by, and the worker's tick with it.
    void pass(Milliseconds time) {
        clock.advance(time);
        deadlines.tick(clock.now());
        settle(context);
    }
    Result<void> open(upstream::Exchange& exchange, bool may_reuse) {
        if (may_reuse && exchange.take_idle()) return {};
        return run(context, exchange.connect());
    }
    Result<void> send(upstream::Exchange& exchange, std::string_view text = "request",
                      http::Method method = http::Method::post) {
        const std::array pieces{net::asio::const_buffer(text.data(), text.size())};
        return run(context, exchange.send(pieces, method));
    }
    /// A complete exchange on a connection that stays open; the peer is the last one.
    void exchange_once() {
        upstream::Exchange exchange(pool(), clock.now());
        ASSERT_TRUE(open(exchange, true));
        ASSERT_TRUE(send(exchange));
        peers.back().send(short_answer);
        ASSERT_TRUE(run(context, exchange.receive_head()));
        ASSERT_TRUE(run(context, exchange.receive_body(1000)));
        ASSERT_TRUE(exchange.is_complete());
    }
    /// Connections that were made: "plain", "tls" or "tls_resumed"; or used again: "reused".
    [[nodiscard]] std::int64_t connects(std::string_view how) const {
        for (const auto& sample : registry.collect(metrics::Metric::upstream_connects_total)) {
            if (sample.labels.back() == how) return sample.values.front();
        }
        return -1;
    }
    /// `state`: "idle" or "active".
    [[nodiscard]] std::int64_t connections(std::string_view state) const {
        for (const auto& sample : registry.collect(metrics::Metric::upstream_connections)) {
            if (sample.labels.back() == state) return sample.values.front();
        }
        return -1;
    }

    MemoryBudget memory{std::size_t{1} << 30};  ///< outlives the tasks of the context
    net::asio::io_context context;
    ManualClock clock;
    net::Deadlines deadlines{clock.now()};
    /// What every name means; localhost's address until a test says otherwise.
    std::vector<std::string> addresses{"127.0.0.1"};
    net::Resolver resolver{context, clock, [this](const std::string&) {
                               net::HostAddresses found;
                               for (const std::string& text : addresses) {
                                   found.addresses.push_back(net::asio::ip::make_address(text));
                               }
                               return found;
                           }};
    metrics::Registry registry;
    config::Upstream settings;
    std::deque<RawPeer> peers;  ///< one for each connection that was made
    ConnectedPair (*connect)(net::asio::io_context&) = unix_pair;

private:
    std::shared_ptr<upstream::Pool> pool_;
};

/// From the first step of an exchange to the last; the body is used up as it comes.
inline net::Task<Result<std::string>> fetch(upstream::Exchange& exchange, bool may_reuse) {
    static constexpr std::string_view text = "POST / HTTP/1.1\r\nhost: x\r\n\r\n";
    if (!may_reuse || !exchange.take_idle()) {
        auto connected = co_await exchange.connect();
        if (!connected) co_return std::move(connected).failure();
    }
    const std::array pieces{net::asio::const_buffer(text.data(), text.size())};
    auto sent = co_await exchange.send(pieces);
    if (!sent) co_return std::move(sent).failure();
    auto received = co_await exchange.receive_head();
    std::string body;
    while (received && !exchange.is_complete()) {
        received = co_await exchange.receive_body(64 * 1024);
        if (!received) break;
        body += exchange.body();
        exchange.consume(exchange.body().size());
    }
    if (!received) co_return std::move(received).failure();
    co_return body;
}

}  // namespace sluicegate::test
