#include "gateway/client_connection.hpp"

#include "gateway/pipeline.hpp"
#include "gateway/request.hpp"

#include <utility>

namespace sluicegate::gateway {
namespace {

namespace asio = net::asio;

/// How much of a refused upload is read and dropped, and for how long. An SDK that meets a closed
/// connection while it still sends tries again, twice, and never sees the answer.
constexpr std::size_t drained_bytes_max = std::size_t{64} << 20;
constexpr Milliseconds drain_timeout{5000};

}  // namespace

ClientConnection::ClientConnection(Worker& worker, net::Socket socket, const net::TlsContext& tls)
    : worker_(worker),
      address_(net::peer_address(socket)),
      stream_(std::move(socket), tls.get()),
      deadline_(worker.deadlines(), this, &ClientConnection::expired),
      departure_(this, &ClientConnection::departed) {
    worker_.enter(*this);
}

ClientConnection::~ClientConnection() {
    worker_.leave(*this);
}

void ClientConnection::expired(void* self) noexcept {
    auto& client = *static_cast<ClientConnection*>(self);
    client.is_expired_ = true;
    // A read is only cancelled: the client is told why (408) before the connection ends.
    if (client.is_reading_) {
        client.stream_.cancel();
    } else {
        client.close();
    }
}

void ClientConnection::departed(void* self) noexcept {
    auto& client = *static_cast<ClientConnection*>(self);
    if (client.watched_->goes_on_alone()) {
        client.has_gone_ = true;
        client.stream_.close();
    } else {
        client.close();
    }
}

void ClientConnection::close() noexcept {
    has_gone_ = true;
    if (watched_ != nullptr) watched_->cancel();
    stream_.close();
}

void ClientConnection::close_if_idle() noexcept {
    if (is_idle_) close();
}

void ClientConnection::abort() noexcept {
    has_gone_ = true;
    stream_.abort();
}

ClientConnection::DepartureWatch::DepartureWatch(ClientConnection& client,
                                                 Watched& watched) noexcept
    : client_(client) {
    client_.watched_ = &watched;
    if (!client_.has_gone_) {
        client_.departure_.start(client_.worker_.hangups(), client_.stream_.native_handle());
    }
}

ClientConnection::DepartureWatch::~DepartureWatch() {
    client_.departure_.stop();
    client_.watched_ = nullptr;
}

void ClientConnection::read_within(Milliseconds timeout) {
    is_expired_ = false;
    deadline_.arm_in(timeout);
}

Result<std::size_t> ClientConnection::after_read(const net::ErrorCode& error, std::size_t size) {
    is_reading_ = false;
    if (!error) return size;
    if (is_expired_ && !has_gone_) return fail(ErrorKind::request_timeout);
    has_gone_ = true;
    return fail(ErrorKind::client_gone);
}

net::Task<Result<std::size_t>> ClientConnection::read_into(std::span<char> into) {
    // The deadline may have come when a read had just ended: it interrupted nothing then.
    if (is_expired_ && !has_gone_) co_return fail(ErrorKind::request_timeout);
    is_reading_ = true;
    auto [error, size] = co_await stream_.read_some(asio::mutable_buffer(into.data(), into.size()));
    co_return after_read(error, size);
}

net::Task<Result<void>> ClientConnection::read_more(std::size_t wanted) {
    if (is_expired_ && !has_gone_) co_return fail(ErrorKind::request_timeout);
    const std::span<char> room = in_.make_room(wanted);
    is_reading_ = true;
    auto [error, size] = co_await stream_.read_some(asio::mutable_buffer(room.data(), room.size()));
    auto got = after_read(error, size);
    if (!got) co_return std::move(got).failure();
    in_.commit(*got);
    co_return Result<void>();
}

net::Task<bool> ClientConnection::write(std::span<const asio::const_buffer> buffers) {
    if (has_gone_) co_return false;
    deadline_.arm_in(worker_.snapshot()->shared->config.server.timeouts.idle);
    auto [error, size] = co_await stream_.write(buffers);
    deadline_.disarm();
    if (error) has_gone_ = true;
    co_return !error;
}

net::Task<void> ClientConnection::linger() {
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

net::Task<void> ClientConnection::serve(std::unique_ptr<ClientConnection> connection) {
    ClientConnection& client = *connection;
    if (client.stream_.is_tls()) {
        client.read_within(client.worker_.snapshot()->shared->config.server.timeouts.header);
        // Its deadline closes the stream: a handshake is many reads, and between two of them there
        // is nothing to cancel.
        auto [error] = co_await client.stream_.accept_tls();
        if (error) co_return;
    }
    co_await client.serve_requests();
}

net::Task<void> ClientConnection::serve_requests() {
    bool is_first = true;
    while (!has_gone_) {
        Request request(*this);
        const bool stays_open = co_await answer(request, is_first);
        finish(request);
        if (!stays_open) break;
        request.end_message();
        in_.shrink();
        // What has arrived is answered (with 503); for more there is no time.
        if (worker_.is_draining() && in_.empty()) break;
        is_first = false;
    }
}

}  // namespace sluicegate::gateway
