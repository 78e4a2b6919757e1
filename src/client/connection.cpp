#include "sluicegate/client/connection.hpp"

#include "sluicegate/client/forwarded.hpp"
#include "sluicegate/client/overload.hpp"
#include "sluicegate/client/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utility>

namespace sluicegate::client {
namespace {

namespace asio = net::asio;

/// How much of a refused upload is read and dropped, and for how long.
struct DrainBounds {
    std::size_t bytes_max;
    Milliseconds timeout;
};
/// An SDK that meets a closed connection while it still sends tries again, twice, and never sees
/// the answer.
constexpr DrainBounds known_drain{std::size_t{64} << 20, Milliseconds(5000)};
/// Without a valid key, taking an upload in would be work that anyone can ask for.
constexpr DrainBounds stranger_drain{std::size_t{64} << 10, Milliseconds(1000)};
/// What a client may take to read that the drain has cut its request.
constexpr Milliseconds cut_off_timeout{1000};

}  // namespace

Connection::Connection(Context& context, net::Socket socket, const net::TlsContext& tls,
                       Admitted admitted)
    : context_(context),
      peer_(net::peer_address(socket)),
      address_(peer_),
      request_address_(peer_),
      hold_(std::move(admitted.hold)),
      departure_(this, &Connection::departed),
      stream_(context.deadlines, std::move(socket), tls.get()),
      in_(buffer_bytes, context.memory),
      listener_(std::move(admitted.listener)) {
    in_.charge_to(&context.memory.strangers());
    context_.connections.add(*this, std::move(admitted.place));
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
    if (watched_ != nullptr) watched_->cancel(why_ended());
}

void Connection::cut_off() noexcept {
    if (!is_serving_ || is_idle_ || is_cut_off_ || has_gone()) return close();
    is_cut_off_ = true;
    // No new wait for more of the request, and none without end for a client that does not read.
    read_by_ = context_.deadlines.now();
    write_by_ = read_by_ + cut_off_timeout;
    stream_.end_by(write_by_);
    stream_.wake_read();
    if (watched_ != nullptr) watched_->cancel(ErrorKind::draining);
}

void Connection::close_if_idle(bool is_fresh_too) noexcept {
    if (!is_idle_ || !is_draining() || (is_fresh_ && !is_fresh_too)) return;
    // A request that has arrived is answered: a close would reset the connection under it.
    if (!has_unread()) close();
}

bool Connection::has_unread() noexcept {
    int size = 0;
    return ::ioctl(stream_.stream().native_handle(), FIONREAD, &size) == 0 && size > 0;
}

void Connection::abort() noexcept {
    stream_.stream().abort();
    stream_.cancel(ErrorKind::client_gone);
}

Connection::DepartureWatch::DepartureWatch(Connection& client, Watched& watched) noexcept
    : client_(client) {
    client_.watched_ = &watched;
    if (client_.has_gone()) return;
    if (client_.is_cut_off()) watched.cancel(ErrorKind::draining);
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
    // The client is told why (503) before the connection ends.
    const bool may_be_told = read.ended == net::Ended::woken || read.ended == net::Ended::timed_out;
    if (is_cut_off_ && may_be_told) return fail(ErrorKind::draining);
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
    const std::span<char> into = in_.try_make_room(wanted);
    if (into.empty()) {
        co_return fail(ErrorKind::overloaded, "server.memory has no room for a request");
    }
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
    const net::WriteLimits limits{.progress = timeout, .deadline = write_by_};
    const net::Transferred written = co_await stream_.write(buffers, limits);
    if (written.ended != net::Ended::done) stream_.cancel(ErrorKind::client_gone);
    co_return written.ended == net::Ended::done;
}

net::Task<void> Connection::linger() {
    if (has_gone()) co_return;
    stream_.stream().shutdown_send();
    const DrainBounds& bounds = is_known_ ? known_drain : stranger_drain;
    read_within(is_cut_off_ ? std::min(bounds.timeout, cut_off_timeout) : bounds.timeout);
    in_.consume(in_.size());
    std::size_t dropped = 0;
    while (dropped < bounds.bytes_max) {
        auto size = co_await read_into(in_.make_room(1));
        if (!size) break;
        dropped += *size;
    }
}

void Connection::become_known() noexcept {
    is_known_ = true;
    hold_->note_known(context_.deadlines.now());
    context_.connections.note_known(*this);
}

void Connection::set_patience(Milliseconds progress) noexcept {
    patience_ = progress;
    net::set_peer_timeout(stream_.stream().native_handle(), progress);
}

void Connection::note_refused() noexcept {
    if (!is_known_) context_.connections.note_answered(*this);
}

void Connection::look_behind(std::span<const config::AddressRange> trusted_proxies) {
    const config::IpAddress own(address_);
    if (!config::contains_any(trusted_proxies, own)) return;
    request_address_ = client_behind(own, trusted_proxies, head_.fields).bytes();
}

net::Task<bool> Connection::receive_proxy_header(const Services& services) {
    std::string header;
    for (;;) {
        const auto missing = proxy_header_missing(header);
        if (!missing) {
            services.note_failure(*this, net::HandshakeFailure::proxy_header,
                                  missing.error().detail);
            co_return false;
        }
        if (*missing == 0) co_return take_proxy_header(header, services);
        const std::size_t size = header.size();
        header.resize(size + *missing);
        const asio::mutable_buffer room(header.data() + size, *missing);
        const net::Transferred read = co_await stream_.read_before_tls(room, read_by_);
        if (read.ended != net::Ended::done) {
            if (read.ended == net::Ended::cancelled) co_return false;
            const bool is_late = read.ended == net::Ended::timed_out;
            services.note_failure(
                *this, is_late ? net::HandshakeFailure::timeout : net::HandshakeFailure::closed,
                "PROXY protocol: the header has not arrived");
            co_return false;
        }
        header.resize(size + read.size);
    }
}

bool Connection::take_proxy_header(std::string_view header, const Services& services) {
    const auto source = parse_proxy_header(header);
    if (!source) {
        services.note_failure(*this, net::HandshakeFailure::proxy_header, source.error().detail);
        return false;
    }
    if (*source) address_ = (*source)->bytes();
    request_address_ = address_;
    context_.connections.move_to(*this, AddressTable::key_of(address_));
    auto hold = services.hold(address_, stream_.stream().is_tls());
    if (hold) {
        hold_.emplace(std::move(*hold));
    } else if (!stream_.stream().is_tls()) {
        send_early_reply(stream_.stream().native_handle(), context_, ErrorKind::overloaded);
    }
    return hold.has_value();
}

net::Task<bool> Connection::shake_hands(const Services& services) {
    const net::Transferred handshake = co_await stream_.accept_tls(read_by_);
    // A handshake that was cut off here, because the connection gave way, is no fault of the peer.
    const bool has_failed =
        handshake.ended != net::Ended::done && handshake.ended != net::Ended::cancelled;
    hold_->end_handshake(has_failed, context_.deadlines.now());
    if (net::lacks_client_certificate(handshake.error)) context_.refused_certificates.add();
    if (has_failed) {
        const auto why = net::handshake_failure_of(handshake, stream_.stream());
        services.note_failure(*this, why, handshake.error.message());
        if (why == net::HandshakeFailure::plain_http) {
            send_early_reply(stream_.stream().native_handle(), context_, ErrorKind::tls_required);
        }
    }
    co_return handshake.ended == net::Ended::done;
}

net::Task<void> Connection::run(std::unique_ptr<Connection> connection, Beginning beginning,
                                const Services& services) {
    Connection& client = *connection;
    const bool is_tls = client.stream_.stream().is_tls();
    if (beginning.has_proxy_header || is_tls) client.read_within(beginning.timeout);
    if (beginning.has_proxy_header) {
        const bool is_named = co_await client.receive_proxy_header(services);
        if (!is_named) co_return;
    }
    if (is_tls) {
        const bool is_shaken = co_await client.shake_hands(services);
        if (!is_shaken) co_return;
    }
    client.is_serving_ = true;
    co_await services.serve(client);
}

}  // namespace sluicegate::client
