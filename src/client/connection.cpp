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
      stream_(std::move(socket), tls.get()),
      deadline_(context.deadlines, this, &Connection::expired),
      departure_(this, &Connection::departed) {
    context_.connections.add(*this);
}

Connection::~Connection() {
    context_.connections.remove(*this);
}

void Connection::expired(void* self) noexcept {
    auto& client = *static_cast<Connection*>(self);
    client.is_expired_ = true;
    // A read is only cancelled: the client is told why (408) before the connection ends.
    if (client.is_reading_) {
        client.stream_.cancel();
    } else {
        client.close();
    }
}

void Connection::departed(void* self) noexcept {
    auto& client = *static_cast<Connection*>(self);
    if (client.watched_->goes_on_alone()) {
        client.has_gone_ = true;
        client.stream_.close();
    } else {
        client.close();
    }
}

void Connection::close() noexcept {
    has_gone_ = true;
    if (watched_ != nullptr) watched_->cancel();
    stream_.close();
}

void Connection::close_if_idle() noexcept {
    if (is_idle_) close();
}

void Connection::abort() noexcept {
    has_gone_ = true;
    stream_.abort();
}

Connection::DepartureWatch::DepartureWatch(Connection& client, Watched& watched) noexcept
    : client_(client) {
    client_.watched_ = &watched;
    if (!client_.has_gone_) {
        client_.departure_.start(client_.context_.hangups, client_.stream_.native_handle());
    }
}

Connection::DepartureWatch::~DepartureWatch() {
    client_.departure_.stop();
    client_.watched_ = nullptr;
}

void Connection::read_within(Milliseconds timeout) {
    is_expired_ = false;
    deadline_.arm_in(timeout);
}

Result<std::size_t> Connection::after_read(const net::ErrorCode& error, std::size_t size) {
    is_reading_ = false;
    if (!error) return size;
    if (is_expired_ && !has_gone_) return fail(ErrorKind::request_timeout);
    has_gone_ = true;
    return fail(ErrorKind::client_gone);
}

net::Task<Result<std::size_t>> Connection::read_into(std::span<char> into) {
    // The deadline may have come when a read had just ended: it interrupted nothing then.
    if (is_expired_ && !has_gone_) co_return fail(ErrorKind::request_timeout);
    is_reading_ = true;
    auto [error, size] = co_await stream_.read_some(asio::mutable_buffer(into.data(), into.size()));
    co_return after_read(error, size);
}

net::Task<Result<void>> Connection::read_more(std::size_t wanted) {
    if (is_expired_ && !has_gone_) co_return fail(ErrorKind::request_timeout);
    const std::span<char> room = in_.make_room(wanted);
    is_reading_ = true;
    auto [error, size] = co_await stream_.read_some(asio::mutable_buffer(room.data(), room.size()));
    auto got = after_read(error, size);
    if (!got) co_return std::move(got).failure();
    in_.commit(*got);
    co_return Result<void>();
}

net::Task<bool> Connection::write(std::span<const asio::const_buffer> buffers,
                                  Milliseconds timeout) {
    if (has_gone_) co_return false;
    deadline_.arm_in(timeout);
    auto [error, size] = co_await stream_.write(buffers);
    deadline_.disarm();
    if (error) has_gone_ = true;
    co_return !error;
}

net::Task<void> Connection::linger() {
    if (has_gone_) co_return;
    stream_.shutdown_send();
    read_within(drain_timeout);
    in_.consume(in_.size());
    std::size_t dropped = 0;
    while (dropped < drained_bytes_max) {
        auto size = co_await read_into(in_.make_room(1));
        if (!size) break;
        dropped += *size;
    }
    deadline_.disarm();
}

net::Task<void> Connection::run(std::unique_ptr<Connection> connection,
                                Milliseconds handshake_timeout, const Serve& serve) {
    Connection& client = *connection;
    if (client.stream_.is_tls()) {
        client.read_within(handshake_timeout);
        // Its deadline closes the stream: a handshake is many reads, and between two of them there
        // is nothing to cancel.
        auto [error] = co_await client.stream_.accept_tls();
        if (error) co_return;
    }
    co_await serve(client);
}

}  // namespace sluicegate::client
