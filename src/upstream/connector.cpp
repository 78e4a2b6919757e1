#include "upstream/connector.hpp"

#include "upstream/address_order.hpp"
#include "upstream/proxy_tunnel.hpp"
#include "upstream/unix_socket.hpp"

#include <utility>

namespace sluicegate::upstream {

Connector::Connector(Pool& pool)
    : pool_(pool),
      deadlines_(pool.services().deadlines),
      wait_(pool.services().context, deadlines_) {
}

void Connector::cancel() noexcept {
    is_cancelled_ = true;
    wait_.wake();
    if (race_) race_->cancel();
    if (to_proxy_) to_proxy_->cancel(ErrorKind::upstream_connect_timeout);
    if (connection_) connection_->stream.cancel(ErrorKind::upstream_connect_timeout);
}

net::Task<Result<std::unique_ptr<Connection>>> Connector::run(Instant deadline) {
    deadline_ = deadline;
    auto made = co_await make();
    const bool is_over = is_cancelled_ || deadlines_.now() >= deadline_;
    if (!made && is_over) made.error().kind = ErrorKind::upstream_connect_timeout;
    co_return made;
}

net::Task<Result<std::unique_ptr<Connection>>> Connector::make() {
    // Both ends of a connection to an upstream in this process are here.
    descriptors_.emplace(pool_.services().open, pool_.in_process() ? 2 : 1);
    if (pool_.services().make_room) pool_.services().make_room();
    auto socket = co_await open_socket();
    if (!socket) co_return std::move(socket).failure();
    connection_ =
        std::make_unique<Connection>(deadlines_, pool_.services().memory, std::move(*socket),
                                     pool_.target().tls.get(), std::move(*descriptors_));
    Pool::Counters& counters = pool_.counters();
    if (!pool_.target().tls) {
        counters.plain.add();
        co_return std::move(connection_);
    }
    auto started = co_await start_tls();
    if (!started) co_return std::move(started).failure();
    const bool is_resumed = net::session_was_resumed(connection_->stream.stream().tls_handle());
    (is_resumed ? counters.tls_resumed : counters.tls_full).add();
    co_return std::move(connection_);
}

net::Task<Result<net::Socket>> Connector::open_socket() {
    if (pool_.in_process()) co_return pool_.in_process()();
    const config::Endpoint& endpoint = pool_.target().endpoint;
    if (!endpoint.unix_socket.empty()) co_return co_await open_unix(endpoint.unix_socket);
    if (pool_.target().proxy) co_return co_await open_proxied(*pool_.target().proxy);
    co_return co_await open_tcp(endpoint.host, endpoint.port);
}

net::Task<Result<net::Socket>> Connector::open_unix(const std::string& path) {
    while (!is_cancelled_ && deadlines_.now() < deadline_) {
        auto opened = open_unix_socket(pool_.services().context, path);
        if (!opened) co_return std::move(opened).failure();
        if (*opened) co_return std::move(**opened);
        co_await wait_.until(deadlines_.now() + net::Deadlines::tick_length);
    }
    co_return fail(ErrorKind::upstream_connect_timeout,
                   "connecting to " + path + ": its queue is full");
}

net::Task<Result<net::Socket>> Connector::open_proxied(const config::Proxy& proxy) {
    const std::string name = "proxy " + proxy.host + ":" + std::to_string(proxy.port) + ": ";
    auto socket = co_await open_tcp(proxy.host, proxy.port);
    if (!socket) co_return fail(socket.error().kind, name + socket.error().detail);
    to_proxy_.emplace(deadlines_, std::move(*socket), nullptr);
    auto opened = co_await open_tunnel(*to_proxy_, proxy, pool_.target().endpoint, deadline_);
    if (!opened) co_return fail(opened.error().kind, name + opened.error().detail);
    net::Socket tunnel = to_proxy_->stream().release();
    to_proxy_.reset();
    co_return std::move(tunnel);
}

net::Task<Result<net::Socket>> Connector::open_tcp(std::string host, std::uint16_t port) {
    const Services& services = pool_.services();
    auto found = co_await services.resolver.resolve(std::move(host), port, wait_, deadline_);
    if (!found) co_return std::move(found).failure();
    AddressOrder& order = pool_.address_order();
    race_.emplace(services.context, deadlines_, order.next(std::move(*found), deadlines_.now()));
    // Cancelled while the name was known already: run() ends at once then.
    if (is_cancelled_) race_->cancel();
    auto socket = co_await race_->run(deadline_);
    for (const TcpEndpoint& loser : race_->losers()) order.failed(loser, deadlines_.now());
    race_.reset();
    co_return socket;
}

net::Task<Result<void>> Connector::start_tls() {
    const PoolTarget& target = pool_.target();
    const std::string& server_name =
        target.server_name.empty() ? target.endpoint.host : target.server_name;
    net::Stream& stream = connection_->stream.stream();
    auto prepared =
        net::prepare_client_handshake(stream.tls_handle(), server_name, pool_.sessions());
    if (!prepared) {
        co_return fail(ErrorKind::upstream_unreachable, std::move(prepared.error().detail));
    }
    const net::Transferred shaken = co_await connection_->stream.connect_tls(deadline_);
    if (shaken.ended != net::Ended::done) {
        const std::string reason = net::verification_error(stream.tls_handle());
        co_return fail(
            ErrorKind::upstream_unreachable,
            "TLS with " + server_name + ": " + (reason.empty() ? shaken.error.message() : reason));
    }
    co_return Result<void>();
}

}  // namespace sluicegate::upstream
