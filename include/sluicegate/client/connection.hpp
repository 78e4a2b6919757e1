#pragma once
/// One client's connection: its bytes in and out, and its deadlines.
///
/// Ownership  owns itself through the task that serves it; on its worker's list while it lives.
/// Threads    one: the worker's.

#include "sluicegate/base/result.hpp"
#include "sluicegate/client/address_table.hpp"
#include "sluicegate/client/connection_list.hpp"
#include "sluicegate/client/context.hpp"
#include "sluicegate/client/listener_rules.hpp"
#include "sluicegate/config/address.hpp"
#include "sluicegate/http/request_head.hpp"
#include "sluicegate/net/byte_buffer.hpp"
#include "sluicegate/net/deadlines.hpp"
#include "sluicegate/net/departures.hpp"
#include "sluicegate/net/handshake_failure.hpp"
#include "sluicegate/net/timed_stream.hpp"
#include "sluicegate/net/tls.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluicegate::client {

class Connection final : public ConnectionLink {
public:
    /// Holds a typical request completely; larger bodies get memory of their own.
    static constexpr std::size_t buffer_bytes = 8 * 1024;

    /// What a connection needs before it may begin.
    struct Admitted {
        ConnectionPlaces::Grant place;
        AddressTable::Hold hold;
        std::shared_ptr<const ListenerRules> listener{};  ///< null: it never drains
    };

    /// `tls` is null on a plain listener.
    Connection(Context& context, net::Socket socket, const net::TlsContext& tls, Admitted admitted);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    /// What its worker does for it.
    struct Services {
        /// The path of its requests: returns when the connection is to end.
        std::function<net::Task<void>(Connection&)> serve;
        /// Whether a client of this address may have one more connection.
        std::function<std::optional<AddressTable::Hold>(const net::AddressBytes&, bool is_tls)>
            hold;
        /// It ends before its first request.
        std::function<void(const Connection&, net::HandshakeFailure, std::string_view detail)>
            note_failure;
    };
    /// What comes before the first request.
    struct Beginning {
        bool has_proxy_header = false;
        Milliseconds timeout;  ///< for all of it together
    };
    /// Reads the header of the PROXY protocol and makes the TLS handshake, where there are such,
    /// and serves requests until one side closes. `services` must outlive the task.
    static net::Task<void> run(std::unique_ptr<Connection> connection, Beginning beginning,
                               const Services& services);

    /// Reads into in(), and may move what it holds. Errors: client_gone; request_timeout once the
    /// time that read_within() has given is over; overloaded when server.memory has no room.
    net::Task<Result<void>> read_more(std::size_t wanted);
    /// Reads at most `into.size()` bytes elsewhere; the same errors.
    net::Task<Result<std::size_t>> read_into(std::span<char> into);
    /// Every read from now on must be done by then; a total, not a time per read.
    void read_within(Milliseconds timeout) noexcept;
    void read_without_deadline() noexcept { read_by_ = Instant::max(); }

    /// False when the client has departed, or has taken nothing for `timeout`. A client that reads
    /// slowly is waited for.
    net::Task<bool> write(std::span<const net::asio::const_buffer> buffers, Milliseconds timeout);

    /// For an answer that was given before the request was read: ends the sending direction, then
    /// reads and drops for a bounded time and number of bytes, so that the client sees the answer
    /// and not a reset. The bounds are small for a connection that has shown no valid key.
    net::Task<void> linger();
    /// The connection ends so that no client takes a cut answer for a complete one.
    void abort() noexcept;
    /// Ends the connection now, and with it the request that runs.
    void close() noexcept override;
    void cut_off() noexcept override;
    void close_if_idle(bool is_fresh_too) noexcept override;

    /// What a request waits for while nothing is read from its client.
    class Watched {
    public:
        /// The client has left. True: this goes on without it, for a bounded time.
        virtual bool goes_on_alone() noexcept = 0;
        /// Ends what waits, with `reason`.
        virtual void cancel(ErrorKind reason) noexcept = 0;

    protected:
        ~Watched() = default;
    };

    /// While one lives, a client that leaves closes this connection, and what is watched ends
    /// unless it goes on alone.
    class DepartureWatch {
    public:
        DepartureWatch(Connection& client, Watched& watched) noexcept;
        ~DepartureWatch();
        DepartureWatch(const DepartureWatch&) = delete;
        DepartureWatch& operator=(const DepartureWatch&) = delete;

    private:
        Connection& client_;
    };

    [[nodiscard]] Context& context() noexcept { return context_; }
    [[nodiscard]] net::ByteBuffer& in() noexcept { return in_; }
    [[nodiscard]] http::RequestHead& head() noexcept { return head_; }
    /// Of the client whose request runs, as far as it is known: the peer's, or what a trusted proxy
    /// says.
    [[nodiscard]] const net::AddressBytes& address() const noexcept { return request_address_; }
    /// Of the other end of the socket.
    [[nodiscard]] const net::AddressBytes& peer() const noexcept { return peer_; }
    /// The request that begins may let the client take nothing for so long.
    void be_patient(Milliseconds progress) noexcept {
        if (patience_ != progress) set_patience(progress);
    }
    /// A request begins: nothing is known of its client but who has made the connection.
    void forget_forwarded() noexcept { request_address_ = address_; }
    /// Of the request whose head has arrived: client_behind(), if its peer is trusted.
    void note_forwarded(std::span<const config::AddressRange> trusted_proxies) {
        if (!trusted_proxies.empty()) look_behind(trusted_proxies);
    }
    /// The worker or the listener drains: the request that runs is the last one.
    [[nodiscard]] bool is_draining() const noexcept {
        return context_.is_draining || (listener_ && listener_->is_draining);
    }
    /// No request has begun on it.
    [[nodiscard]] bool is_fresh() const noexcept { return is_fresh_; }
    void note_request() noexcept { is_fresh_ = false; }
    [[nodiscard]] bool has_gone() const noexcept { return stream_.is_cancelled(); }
    /// The drain is over: its request must end now.
    [[nodiscard]] bool is_cut_off() const noexcept { return is_cut_off_; }
    /// Why a client does not get the rest of its answer.
    [[nodiscard]] ErrorKind why_ended() const noexcept {
        return is_cut_off_ ? ErrorKind::draining : ErrorKind::client_gone;
    }
    /// A request on it has shown a valid key.
    void note_known() noexcept {
        if (!is_known_) become_known();
    }
    [[nodiscard]] bool is_known() const noexcept { return is_known_; }
    /// A request that has shown no valid key has been answered.
    void note_refused() noexcept;
    /// True until the first byte of the next request is there.
    void set_idle(bool is_idle) noexcept { is_idle_ = is_idle; }
    /// Reused from request to request, so that a warm connection allocates nothing for heads.
    [[nodiscard]] std::string& request_text() noexcept { return request_text_; }
    [[nodiscard]] std::string& answer_text() noexcept { return answer_text_; }

private:
    static void departed(void* self) noexcept;
    void become_known() noexcept;
    [[nodiscard]] bool has_unread() noexcept;
    void set_patience(Milliseconds progress) noexcept;
    void look_behind(std::span<const config::AddressRange> trusted_proxies);
    net::Task<bool> receive_proxy_header(const Services& services);
    [[nodiscard]] bool take_proxy_header(std::string_view header, const Services& services);
    net::Task<bool> shake_hands(const Services& services);
    Result<std::size_t> after_read(const net::Transferred& read);

    Context& context_;
    net::AddressBytes peer_;
    net::AddressBytes address_;          ///< the client's that the connection is made for
    net::AddressBytes request_address_;  ///< the client's whose request runs
    std::optional<AddressTable::Hold> hold_;
    net::Departures::Watch departure_;  ///< outlives the descriptor of the stream
    net::TimedStream stream_;
    Watched* watched_ = nullptr;  ///< by the request that runs
    net::ByteBuffer in_;
    http::RequestHead head_;
    std::string request_text_;
    std::string answer_text_;
    Instant read_by_ = Instant::max();
    Instant write_by_ = Instant::max();
    Milliseconds patience_{0};  ///< bound on the progress of a write that the socket knows
    std::shared_ptr<const ListenerRules> listener_;
    bool is_fresh_ = true;
    bool is_idle_ = false;
    bool is_known_ = false;
    bool is_serving_ = false;  ///< what comes before the first request is over
    bool is_cut_off_ = false;
};

}  // namespace sluicegate::client
