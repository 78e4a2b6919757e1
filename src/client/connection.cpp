#include "sluicegate/client/connection.hpp"

#include <utility>

namespace sluicegate::client {
namespace {

namespace asio = net::asio;

/// How much of a refused upload is read and dropped, and for how long. An SDK that meets a closed
/// connection while it still sends tries again, twice, and never sees the answer.
constexpr std::size_t drained_bytes_max = std::size_t{64} << 20;
constexpr Milliseconds drain_timeout{5000};

}  // namespace

Connection::Connection(Context& context, net::Socket socket, const net::TlsContext& tls)
    : context_(context),
      address_(net::peer_address(socket)),
      departure_(this, &Connection::departed),
      stream_(context.deadlines, std::move(socket), tls.get()) {
    context_.connections.add(*this);
}

Connection::~Connection() {
    context_.connections.remove(*this);
}

void Connection::departed(void* self) noexcept {
    auto& client = *static_cast<Connection*>(self);
    if (client.watched_->goes_on_alone()) {
        client.stream_.cancel(ErrorKind::client_gone);
    } else {
        client.close();
    }
}

void Connection::close() noexcept {
    stream_.cancel(ErrorKind::client_gone);
    if (watched_ != nullptr) watched_->cancel();
}

void Connection::close_if_idle() noexcept {
    if (is_idle_) close();
}

void Connection::abort() noexcept {
    stream_.stream().abort();
    stream_.cancel(ErrorKind::client_gone);
}

Connection::DepartureWatch::DepartureWatch(Connection& client, Watched& watched) noexcept
    : client_(client) {
    client_.watched_ = &watched;
    if (client_.has_gone()) return;
    client_.departure_.start(client_.context_.departures, client_.stream_.stream().native_handle());
}

Connection::DepartureWatch::~DepartureWatch() {
    client_.departure_.stop();
    client_.watched_ = nullptr;
}

void Connection::read_within(Milliseconds timeout) noexcept {
    read_by_ = context_.deadlines.now() + net::Deadlines::tick_length + timeout;
}

Result<std::size_t> Connection::after_read(const net::Transferred& read) {
    if (read.ended == net::Ended::done) return read.size;
    // The client is told why (408) before the connection ends.
    if (read.ended == net::Ended::timed_out) return fail(ErrorKind::request_timeout);
    stream_.cancel(ErrorKind::client_gone);
    return fail(ErrorKind::client_gone);
}

net::Task<Result<std::size_t>> Connection::read_into(std::span<char> into) {
    const asio::mutable_buffer room(into.data(), into.size());
    const net::ReadLimits limits{.deadline = read_by_};
    const net::Transferred read = co_await stream_.read_some(room, limits);
    co_return after_read(read);
}

net::Task<Result<void>> Connection::read_more(std::size_t wanted) {
    const std::span<char> into = in_.make_room(wanted);
    const asio::mutable_buffer room(into.data(), into.size());
    const net::ReadLimits limits{.deadline = read_by_};
    const net::Transferred read = co_await stream_.read_some(room, limits);
    auto got = after_read(read);
    if (!got) co_return std::move(got).failure();
    in_.commit(*got);
    co_return Result<void>();
}

net::Task<bool> Connection::write(std::span<const asio::const_buffer> buffers,
                                  Milliseconds timeout) {
    const net::WriteLimits limits{.progress = timeout};
    const net::Transferred written = co_await stream_.write(buffers, limits);
    if (written.ended != net::Ended::done) stream_.cancel(ErrorKind::client_gone);
    co_return written.ended == net::Ended::done;
}

net::Task<void> Connection::linger() {
    if (has_gone()) co_return;
    stream_.stream().shutdown_send();
    read_within(drain_timeout);
    in_.consume(in_.size());
    std::size_t dropped = 0;
    while (dropped < drained_bytes_max) {
        auto size = co_await read_into(in_.make_room(1));
        if (!size) break;
        dropped += *size;
    }
}

net::Task<void> Connection::run(std::unique_ptr<Connection> connection,
                                Milliseconds handshake_timeout, const Serve& serve) {
    Connection& client = *connection;
    if (client.stream_.stream().is_tls()) {
        client.read_within(handshake_timeout);
        const net::Transferred shaken = co_await client.stream_.accept_tls(client.read_by_);
        if (shaken.ended != net::Ended::done) co_return;
    }
    co_await serve(client);
}

}  // namespace sluicegate::client
